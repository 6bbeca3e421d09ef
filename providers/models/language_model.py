"""What a person may choose, apart from what serves it."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models

from providers.models.endpoint import Endpoint

validate_model_id = RegexValidator(r"^[a-z0-9_-]+:\S+$", "Write it as creator:model, without spaces.")


class LanguageModel(models.Model):
    """`creator:model`. Its id, history and statistics stay when another endpoint serves it."""

    id = models.CharField(
        primary_key=True,
        max_length=200,
        validators=[validate_model_id],
        help_text="creator:model, for example openai:gpt-4.1-mini. Can't be changed later.",
    )
    name = models.CharField(max_length=200)
    enabled = models.BooleanField(default=True)
    open_to_guests = models.BooleanField(
        default=False, help_text="People without an account may use it, at the operator's cost."
    )
    context_window_tokens = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    reasoning = models.BooleanField(default=False, help_text="Thinks before it answers.")
    position = models.IntegerField(default=500, help_text="The first one is the default.")

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def creator(self) -> str:
        return self.id.partition(":")[0]


class Route(models.Model):
    """One way to a model. The lowest priority number that is usable wins."""

    language_model = models.ForeignKey(LanguageModel, models.CASCADE, related_name="routes")
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, related_name="routes", limit_choices_to={"owner": None}
    )
    provider_model = models.CharField(max_length=200, help_text="The provider's own name for the model.")
    priority = models.IntegerField(default=100)
    from_environment = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["priority", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["language_model", "endpoint", "provider_model"], name="providers_route_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider_model} at {self.endpoint_id}"
