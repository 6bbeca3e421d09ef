"""What a person may choose, apart from what serves it."""

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from providers.models.endpoint import Endpoint

validate_model_id = RegexValidator(r"^[a-z0-9_-]+:\S+$", "Write it as creator:model, without spaces.")


class InputKind(models.TextChoices):
    TEXT = "text", "Text"
    IMAGE = "image", "Images"
    FILE = "file", "Files"
    AUDIO = "audio", "Audio"
    VIDEO = "video", "Video"


class Effort(models.TextChoices):
    """How much a model should think. Each wire maps it to what its model understands."""

    OFF = "off", "Off"
    MINIMAL = "minimal", "Minimal"
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"
    MAX = "max", "Max"


class Continuation(models.TextChoices):
    """How a model goes on with an answer that was cut in the middle."""

    PREFILL = "prefill", "It continues an answer that the request ends with"
    ASK = "ask", "It is asked to continue"
    RESTART = "restart", "It answers anew; what was shown before stays, set apart"


CATALOGUE_FIELDS = (
    "name",
    "context_window_tokens",
    "max_output_tokens",
    "reasoning",
    "efforts",
    "input_kinds",
    "tools",
    "continuation",
)


def _text_only() -> list[str]:
    return [InputKind.TEXT.value]


class LanguageModel(models.Model):
    """`creator:model`. Its id, history and statistics stay when another endpoint serves it.

    `assumed` names the fields that no source told (see `providers.facts`), `set_by_hand` those that are
    the operator's own; both are of CATALOGUE_FIELDS.
    """

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
    efforts = ArrayField(
        models.CharField(max_length=8, choices=Effort.choices),
        default=list,
        blank=True,
        help_text="How much thinking people may ask for. None: the model decides.",
    )
    input_kinds = ArrayField(models.CharField(max_length=8, choices=InputKind.choices), default=_text_only)
    tools = models.BooleanField(null=True, blank=True, help_text="Can call tools. Unknown counts as yes.")
    continuation = models.CharField(
        max_length=8,
        choices=Continuation.choices,
        default=Continuation.ASK,
        help_text="How an answer goes on that was cut in the middle.",
    )
    successor = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Proposed in its place once this one can't be used any more.",
    )
    position = models.IntegerField(default=500, help_text="The first one is the default.")
    assumed = ArrayField(models.CharField(max_length=40), default=list, blank=True, editable=False)
    set_by_hand = ArrayField(
        models.CharField(
            max_length=40, choices=[(name, name.replace("_", " ")) for name in CATALOGUE_FIELDS]
        ),
        default=list,
        blank=True,
        help_text="The catalogue proposes nothing for these.",
    )

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
    enabled = models.BooleanField(default=True)
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


def _price_field(what: str) -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(
        f"{what}, USD per million tokens",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
    )


class PriceSource(models.TextChoices):
    OPERATOR = "operator", "Operator"
    CATALOGUE = "catalogue", "Catalogue"


class Price(models.Model):
    """What tokens cost on a route, in USD per million tokens (which is micro-dollars per token).

    Holds for calls with more input than `above_input_tokens`; of several the highest that is passed counts.
    Null is unknown, never free. If there is any row of the operator's, the catalogue's don't count.
    """

    route = models.ForeignKey(Route, models.CASCADE, related_name="prices")
    source = models.CharField(max_length=10, choices=PriceSource.choices, default=PriceSource.OPERATOR)
    above_input_tokens = models.PositiveIntegerField(default=0)
    input = _price_field("input")
    output = _price_field("output")
    cached_input = _price_field("cached input")
    cache_write = _price_field("cache write")

    class Meta:
        ordering: ClassVar[list[str]] = ["source", "above_input_tokens"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["route", "source", "above_input_tokens"], name="providers_price_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.input} in, {self.output} out ({self.source})"
