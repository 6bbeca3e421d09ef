"""What a model call costs, to the micro-dollar. Pure: prices and counts in, a sum with its price out.

USD per million tokens is micro-dollars per token, so a cost is counts times prices, reckoned exactly and
rounded once, half up.
"""

import enum
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

import msgspec

from providers.events import UsageReport
from providers.model_map import known_model
from providers.models import Price, PriceSource, Provider

_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
_MICROUSD_MAX = 2**63 - 1
# What English text comes to. Other scripts take more tokens, code too: an estimate is marked as one.
CHARACTERS_PER_TOKEN = 4


class PriceOrigin(enum.StrEnum):
    """Where a price comes from. `known` is litellm's list, for people's own keys; `reported` is the sum that
    the provider itself told; `free` is nothing to pay: Demo, and calls that were refused."""

    OPERATOR = "operator"
    CATALOGUE = "catalogue"
    KNOWN = "known"
    REPORTED = "reported"
    FREE = "free"


class PriceStep(msgspec.Struct, frozen=True):
    """USD per million tokens, for calls with more input than `above_input_tokens`. None is unknown."""

    above_input_tokens: int = 0
    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None


class Prices(msgspec.Struct, frozen=True):
    """What one call will cost: of one origin, a step for each size of input. No steps: unknown.

    `reported` takes the sum that the provider tells before all of them. `msgspec.to_builtins` makes it fit
    for JSON, `msgspec.convert` reads it again, without a loss.
    """

    origin: PriceOrigin = PriceOrigin.KNOWN
    steps: tuple[PriceStep, ...] = ()
    reported: bool = False


class PriceSnapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """The price one cost was reckoned with, as `Usage.price` keeps it: decimals are strings there."""

    origin: PriceOrigin
    above_input_tokens: int = 0
    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    reported_usd: Decimal | None = None


class Cost(msgspec.Struct, frozen=True):
    microusd: int
    price: PriceSnapshot


UNKNOWN = Prices()
FREE = Prices(PriceOrigin.FREE)
_NOTHING_TO_PAY = Cost(0, PriceSnapshot(PriceOrigin.FREE))


def prices_of_route(provider: Provider, rows: Iterable[Price]) -> Prices:
    """Of the operator's routes. One row of the operator's sets all of the catalogue's aside."""
    if provider is Provider.DEMO:
        return FREE
    rows = list(rows)
    entered = [row for row in rows if row.source == PriceSource.OPERATOR]
    origin = PriceOrigin.OPERATOR if entered else PriceOrigin.CATALOGUE
    return Prices(origin, _steps(entered or rows), reported=_tells_cost(provider))


def prices_of_own(provider: Provider, provider_model: str) -> Prices:
    """Of people's own models: the list's, by provider and the provider's own name. Servers have none."""
    known = known_model(provider, provider_model)
    return Prices(PriceOrigin.KNOWN, _steps(known.prices) if known else (), reported=_tells_cost(provider))


def cost_of(prices: Prices, report: UsageReport) -> Cost | None:
    """None where a count or a price that is needed is unknown, or where the counts contradict each other.

    Cached tokens that were not reported are none: who has a price for them tells them, or leaves them out
    where there are none. Cached tokens without a price of their own cost what input costs, for then there
    is no discount. Written ones without a price are unknown: to write costs more than input does.
    """
    if prices.origin is PriceOrigin.FREE:
        return _NOTHING_TO_PAY
    with localcontext(_EXACT):
        if prices.reported and report.cost_usd is not None:
            told = PriceSnapshot(PriceOrigin.REPORTED, reported_usd=report.cost_usd)
            return _rounded(report.cost_usd * 1_000_000, told)
        if report.input_tokens is None or report.output_tokens is None:
            return None
        if report.input_tokens == report.output_tokens == 0:
            return _NOTHING_TO_PAY
        step = _step_for(prices, report.input_tokens)
        if step is None:
            return None
        cached, written = report.cached_tokens or 0, report.cache_write_tokens or 0
        fresh = report.input_tokens - cached - written
        cached_price = step.input if step.cached_input is None else step.cached_input
        amounts = (
            (fresh, step.input),
            (cached, cached_price),
            (written, step.cache_write),
            (report.output_tokens, step.output),
        )
        sums = [_amount(count, price) for count, price in amounts]
        if fresh < 0 or any(amount is None for amount in sums):
            return None
        snapshot = PriceSnapshot(origin=prices.origin, **msgspec.structs.asdict(step))
        return _rounded(sum((amount for amount in sums if amount is not None), Decimal(0)), snapshot)


def estimate(
    prompt_characters: int, answer_characters: int, *, reported: UsageReport | None = None
) -> UsageReport:
    """Counts of a call that was cut, stopped or killed before it reported. What it did report stays."""
    known = reported or UsageReport()
    if known.input_tokens is not None and known.output_tokens is not None:
        return known
    return replace(
        known,
        input_tokens=_tokens(prompt_characters) if known.input_tokens is None else known.input_tokens,
        output_tokens=_tokens(answer_characters) if known.output_tokens is None else known.output_tokens,
        estimated=True,
    )


def usage_columns(prices: Prices, report: UsageReport | None) -> dict[str, object]:
    """What a call used, as the columns of its `Usage` row: counts, whether they are ours, cost and price."""
    report = report or UsageReport()
    cost = cost_of(prices, report)
    return {
        "input_tokens": report.input_tokens,
        "output_tokens": report.output_tokens,
        "reasoning_tokens": report.reasoning_tokens,
        "cached_tokens": report.cached_tokens,
        "cache_write_tokens": report.cache_write_tokens,
        "estimated": report.estimated,
        "cost_microusd": cost.microusd if cost else None,
        "price": msgspec.to_builtins(cost.price) if cost else None,
    }


def _tells_cost(provider: Provider) -> bool:
    """Whose `usage.cost` is documented to be dollars: https://openrouter.ai/docs/use-cases/usage-accounting.

    Others put other things there, or nothing that anybody vouches for.
    """
    return provider is Provider.OPENROUTER


def _steps(rows: Iterable[object]) -> tuple[PriceStep, ...]:
    steps = (msgspec.convert(row, PriceStep, from_attributes=True) for row in rows)
    return tuple(sorted(steps, key=lambda step: step.above_input_tokens))


def _step_for(prices: Prices, input_tokens: int) -> PriceStep | None:
    """The highest step that the input passes. It starts from zero, so that no input is a call too."""
    fitting = (s for s in prices.steps if not s.above_input_tokens or input_tokens > s.above_input_tokens)
    return max(fitting, key=lambda step: step.above_input_tokens, default=None)


def _amount(count: int, price: Decimal | None) -> Decimal | None:
    if count == 0:
        return Decimal(0)  # what there is none of needs no price
    return None if price is None else count * price


def _rounded(microusd: Decimal, price: PriceSnapshot) -> Cost | None:
    whole = int(microusd.to_integral_value(ROUND_HALF_UP))
    return Cost(whole, price) if 0 <= whole <= _MICROUSD_MAX else None


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
