"""Keys that people and operators entered. Written here, sent to the endpoint, shown to nobody."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from betterchat.core.sealed import SealedModel
from providers.models.endpoint import Endpoint

PLATFORM = "platform"


class Credential(SealedModel):
    """The key of an endpoint, sealed for the endpoint's owner and for the host it was entered for.

    An address that leads to another host makes the seal unreadable, whoever changed it and however.
    """

    endpoint = models.OneToOneField(Endpoint, models.CASCADE, related_name="credential")
    origin = models.CharField(max_length=300, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    SEAL_RELATED: ClassVar[tuple[str, ...]] = ("endpoint",)

    def __str__(self) -> str:
        return f"…{self.last_four}"

    @property
    def fits(self) -> bool:
        """Whether the endpoint is still at the host the key was entered for."""
        return self.origin == self.endpoint.origin

    def seal_owner(self) -> str:
        owner_id = self.endpoint.owner_id
        return PLATFORM if owner_id is None else str(owner_id)

    def seal_use(self) -> str:
        return self.origin
