"""Models on the endpoints of one person, apart from the operator's."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from providers.models.endpoint import Endpoint

OWN_PREFIX = "byok:"
MODEL_NAME_CHARACTERS_MAX = 120


class OwnModel(models.Model):
    """`byok:creator:model`. Two people may have the same id; each one's leads to their own endpoint."""

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="own_models")
    model_id = models.CharField(max_length=200, editable=False)
    provider_model = models.CharField(max_length=MODEL_NAME_CHARACTERS_MAX)
    name = models.CharField(max_length=MODEL_NAME_CHARACTERS_MAX)
    tools = models.BooleanField(default=True)
    reasoning = models.BooleanField(default=False)
    context_window_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["endpoint", "provider_model"], name="providers_own_model_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["model_id"], name="providers_own_model")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def creator(self) -> str:
        return self.model_id.removeprefix(OWN_PREFIX).partition(":")[0]
