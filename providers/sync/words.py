"""A proposed change as the operator reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from providers.facts import prices_of
from providers.models import (
    CatalogueChange,
    ChangeKind,
    Continuation,
    Effort,
    InputKind,
    PriceSource,
    Route,
)

_LABELS = {
    "name": "Name",
    "context_window_tokens": "Context window",
    "max_output_tokens": "Longest answer",
    "reasoning": "Thinks first",
    "efforts": "Efforts",
    "input_kinds": "Reads",
    "tools": "Calls tools",
    "continuation": "A cut answer",
}
_PRICE_LABELS = {
    "input": "Input",
    "output": "Output",
    "cached_input": "Cached input",
    "cache_write": "Cache write",
}
_CHOICES: dict[str, dict[str, str]] = {
    "efforts": dict[str, str](Effort.choices),
    "input_kinds": dict[str, str](InputKind.choices),
    "continuation": {
        Continuation.PREFILL: "is continued",
        Continuation.ASK: "is asked to go on",
        Continuation.RESTART: "starts anew",
    },
}
_UNKNOWN = "unknown"

type _Step = Mapping[str, int | str | None]


@dataclass(frozen=True, slots=True)
class Line:
    """`before` is None where there is nothing to compare with."""

    label: str
    before: str | None
    after: str


def lines(change: CatalogueChange) -> list[Line]:
    match ChangeKind(change.kind):
        case ChangeKind.ADDED:
            return list(_added(change))
        case ChangeKind.REMOVED:
            return list(_removed(change))
        case ChangeKind.PRICE:
            return list(_prices(change.before["prices"], change.after["prices"]))
        case _:
            return [
                Line(label, _value(name, change.before[name]), _value(name, change.after[name]))
                for name, label in _LABELS.items()
                if name in change.after
            ]


def price_words(route: Route) -> str:
    """`$0.4 in, $1.6 out` per million tokens, of short requests: the operator's own, or the catalogue's."""
    own = prices_of(route, PriceSource.OPERATOR)
    steps = own or prices_of(route)
    if not steps:
        return _UNKNOWN
    return f"{_amount(steps[0]['input'])} in, {_amount(steps[0]['output'])} out{' (your own)' if own else ''}"


def _added(change: CatalogueChange) -> Iterator[Line]:
    if change.before["route"] == "off":
        yield Line("Route", None, "is listed again and would be switched on")
    elif change.before["model"]:
        yield Line("Route", None, "another way to a model that is here")
    for name, label in _LABELS.items():
        if name in change.after:
            yield Line(label, None, _value(name, change.after[name]))
    for step in change.after["prices"]:
        above = f" above {step['above_input_tokens']:,} tokens" if step["above_input_tokens"] else ""
        yield Line(f"Price{above}", None, f"{_amount(step['input'])} in, {_amount(step['output'])} out")
    if not change.after["prices"]:
        yield Line("Price", None, _UNKNOWN)


def _removed(change: CatalogueChange) -> Iterator[Line]:
    yield Line("Route", "served", "switched off; nothing is deleted")
    if "successor" in change.after:
        chosen: str | None = change.after["successor"]
        yield Line("Successor", None, chosen or "none found; choose one on the model's page")


def _prices(before: list[_Step], after: list[_Step]) -> Iterator[Line]:
    old = {int(step["above_input_tokens"] or 0): step for step in before}
    new = {int(step["above_input_tokens"] or 0): step for step in after}
    for above in sorted({*old, *new}):
        for name, label in _PRICE_LABELS.items():
            was = old[above][name] if above in old else None
            will = new[above][name] if above in new else None
            if was != will:
                over = f" above {above:,} tokens" if above else ""
                yield Line(f"{label}{over}", _amount(was), _amount(will))


def _amount(value: object) -> str:
    return _UNKNOWN if value is None else f"${value}"


def _value(name: str, value: object) -> str:
    if value is None:
        return _UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    names = _CHOICES.get(name, {})
    if isinstance(value, list):
        return ", ".join(names.get(str(each), str(each)) for each in value) or "none"
    return names.get(str(value), str(value))
