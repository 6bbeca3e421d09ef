"""What one person chose about models."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class ModelPreferences(models.Model):
    """Ids of models, which may have gone since. `default_id` is "" where the operator's order decides."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="model_preferences")
    default_id = models.CharField(max_length=220, blank=True)
    favourite_ids = ArrayField(models.CharField(max_length=220), default=list, blank=True)
    hidden_ids = ArrayField(models.CharField(max_length=220), default=list, blank=True)

    class Meta:
        verbose_name_plural: ClassVar[str] = "model preferences"

    def __str__(self) -> str:
        return f"models of {self.user_id}"
