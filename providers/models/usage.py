"""What each call to a model used. Rows are written once."""

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone

from providers.models.endpoint import Endpoint


class Purpose(models.TextChoices):
    ANSWER = "answer", "Answer"
    TITLE = "title", "Title"


class UsageQuerySet(models.QuerySet["Usage"]):
    """Rows are written once, one by one; what the database would refuse is refused before."""

    def update(self, **_columns: object) -> NoReturn:
        raise UsageIsKeptError

    def bulk_update(self, *_rows: object, **_columns: object) -> NoReturn:
        raise UsageIsKeptError

    def delete(self) -> NoReturn:
        raise UsageIsKeptError


class UsageIsKeptError(TypeError):
    """Usage is a ledger: there is no use case that changes or deletes a row of it."""

    def __init__(self) -> None:
        super().__init__("usage is written once")


class Usage(models.Model):
    """Token counts as the provider reported them: what it did not report is null, never zero.

    Input includes cached and cache-written tokens, output includes reasoning tokens. The model is kept as
    text, so that the row outlives it. `estimated` marks counts that are ours, of a call that was cut or
    killed before it reported. `cost_microusd` is null where a count or a price is unknown; `price` is the
    price it was reckoned with (see `providers.pricing.PriceSnapshot`). Rows never change nor go, which the
    database sees to: only the person and the endpoint of a row may become nobody's.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    endpoint = models.ForeignKey(Endpoint, models.SET_NULL, null=True, related_name="+")
    language_model_id = models.CharField("model", max_length=200)
    provider_model = models.CharField(max_length=200)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    reasoning_tokens = models.PositiveBigIntegerField(null=True)
    cached_tokens = models.PositiveBigIntegerField(null=True)
    cache_write_tokens = models.PositiveBigIntegerField(null=True)
    estimated = models.BooleanField(default=False)
    own_key = models.BooleanField(default=False)
    cost_microusd = models.PositiveBigIntegerField("cost, micro-USD", null=True)
    price = models.JSONField(null=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UsageQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        verbose_name_plural = "usage"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-created_at"], name="providers_usage_recent"),
            models.Index(fields=["user", "-created_at"], name="providers_usage_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.created_at:%Y-%m-%d %H:%M}"

    def save(self, **options: Any) -> None:
        if not self._state.adding:
            raise UsageIsKeptError
        super().save(**options)

    def delete(self, using: Any = None, keep_parents: bool = False) -> NoReturn:
        raise UsageIsKeptError
