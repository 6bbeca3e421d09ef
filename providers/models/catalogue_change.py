"""What a sync of the catalogue would change, waiting for the operator."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from providers.models.endpoint import Endpoint


class ChangeKind(models.TextChoices):
    ADDED = "added", "New"
    REMOVED = "removed", "Gone"
    PRICE = "price", "Price"
    LIMITS = "limits", "Limits"
    CAPABILITIES = "capabilities", "Capabilities"
    NAME = "name", "Name"


class ChangeStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


class CatalogueChange(models.Model):
    """One row of a proposal. `before` is what it was compared with: where that is not so now, it is stale.

    `before` and `after` map field names to JSON values; prices are a list as `providers.facts` writes it.
    A rejected row stays as long as the endpoint says the same, so that it is not proposed again.
    """

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=ChangeKind.choices)
    language_model_id = models.CharField("model", max_length=200)
    provider_model = models.CharField("name at the endpoint", max_length=200)
    before: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    after: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    source = models.CharField(max_length=100)
    warning = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=500)
    fingerprint = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=ChangeStatus.choices, default=ChangeStatus.PENDING)
    found_at = models.DateTimeField("found", default=timezone.now)
    decided_at = models.DateTimeField("decided", null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["endpoint__name", "kind", "language_model_id", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["endpoint", "fingerprint"],
                condition=~models.Q(status="accepted"),
                name="providers_change_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.language_model_id} at {self.endpoint}"
