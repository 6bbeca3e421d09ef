"""What is known of a model at an endpoint, whoever tells it, and what is assumed where nobody does."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from providers.model_map import KnownPrice, known_model
from providers.models import (
    CATALOGUE_FIELDS,
    Continuation,
    Effort,
    InputKind,
    LanguageModel,
    Price,
    PriceSource,
    Provider,
    Route,
)
from providers.starting_data import StartingModel, starting_data

# The values themselves are the defaults of LanguageModel.
ASSUMPTIONS: dict[str, str] = {
    "context_window_tokens": "context window unknown",
    "max_output_tokens": "longest answer unknown, the provider's own limit holds",
    "reasoning": "does not think before it answers",
    "efforts": "no choice of effort",
    "input_kinds": "reads text only",
    "tools": "can call tools",
    "continuation": "can be asked to continue a cut answer",
}
_PRICE_FIELDS = ("input", "output", "cached_input", "cache_write")
_PRICE_MAX = Decimal(999_999)
_MICRO = Decimal("0.000001")

type Told = str | int | bool | list[str] | None
type TieredPrices = list[dict[str, int | str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """None is what the source does not tell."""

    name: str | None = None
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    reasoning: bool | None = None
    efforts: tuple[Effort, ...] | None = None
    input_kinds: tuple[InputKind, ...] | None = None
    tools: bool | None = None
    continuation: Continuation | None = None
    prices: tuple[KnownPrice, ...] | None = None
    ends_on: date | None = None

    def over(self, other: "Facts") -> "Facts":
        """Both together; where they differ, this one counts."""
        mine = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return dataclasses.replace(other, **{name: told for name, told in mine.items() if told is not None})

    def told(self) -> dict[str, Told]:
        """The fields of a LanguageModel that the source tells, as they are stored."""
        values = {name: getattr(self, name) for name in CATALOGUE_FIELDS}
        return {name: as_stored(value) for name, value in values.items() if value is not None}


NOTHING = Facts()


def facts_of(provider: Provider, provider_model: str, listed: Facts | None = None) -> Facts:
    """The endpoint's own list first, then the starting data, then litellm's map; names are ours first."""
    started = _started(provider, provider_model)
    return (
        Facts(name=started.name).over(listed or NOTHING).over(started).over(_mapped(provider, provider_model))
    )


def fill(model: LanguageModel, facts: Facts) -> LanguageModel:
    """For a model that is not stored yet: takes what is told and notes what is assumed."""
    told = facts.told()
    for name, value in told.items():
        setattr(model, name, value)
    model.assumed = [name for name in ASSUMPTIONS if name not in told]
    return model


def assumption_words(fields: Iterable[str]) -> str:
    return "; ".join(ASSUMPTIONS[name] for name in ASSUMPTIONS if name in set(fields))


def as_stored(value: object) -> Told:
    """As it comes back from the database, and goes into JSON."""
    if isinstance(value, tuple | list):
        return [str(getattr(each, "value", each)) for each in value]
    if isinstance(value, Continuation):
        return value.value
    assert value is None or isinstance(value, str | int)
    return value


# --- Prices ----------------------------------------------------------------------------------------
def stored_prices(prices: Iterable[KnownPrice]) -> TieredPrices:
    """One object a step, lowest first, amounts as text and rounded as they are stored."""
    steps = {price.above_input_tokens: price for price in prices}
    return [
        {
            "above_input_tokens": above,
            **{name: _amount(getattr(steps[above], name)) for name in _PRICE_FIELDS},
        }
        for above in sorted(steps)
    ]


def prices_of(route: Route, source: PriceSource = PriceSource.CATALOGUE) -> TieredPrices:
    """The rows of one source, in the same form."""
    rows = [price for price in route.prices.all() if price.source == source]
    known = [
        KnownPrice(row.above_input_tokens, row.input, row.output, row.cached_input, row.cache_write)
        for row in rows
    ]
    return stored_prices(known)


def price_rows(route: Route, steps: Iterable[Mapping[str, int | str | None]]) -> list[Price]:
    """Not saved."""
    return [
        Price(
            route=route,
            source=PriceSource.CATALOGUE,
            above_input_tokens=int(step["above_input_tokens"] or 0),
            **{name: None if (text := step[name]) is None else Decimal(text) for name in _PRICE_FIELDS},
        )
        for step in steps
    ]


def _amount(value: Decimal | None) -> str | None:
    if value is None or not value.is_finite() or not 0 <= value <= _PRICE_MAX:
        return None
    return f"{(value + 0).quantize(_MICRO).normalize():f}"


# --- Sources that come with the program ------------------------------------------------------------
def _started(provider: Provider, provider_model: str) -> Facts:
    found: StartingModel | None = next(
        (model for model in starting_data().models if model.at.get(provider) == provider_model), None
    )
    if found is None:
        return Facts()
    return Facts(
        name=found.name,
        context_window_tokens=found.context_window_tokens,
        max_output_tokens=found.max_output_tokens,
        reasoning=found.reasoning or None,
    )


def _mapped(provider: Provider, provider_model: str) -> Facts:
    known = known_model(provider, provider_model)
    if known is None:
        return Facts()
    return Facts(
        context_window_tokens=known.context_window_tokens,
        max_output_tokens=known.max_output_tokens,
        reasoning=known.reasoning,
        efforts=known.efforts,
        input_kinds=known.input_kinds,
        tools=known.tools,
        continuation=known.continuation,
        prices=known.prices or None,
        ends_on=known.ends_on,
    )
