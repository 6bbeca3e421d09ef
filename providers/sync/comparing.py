"""What an endpoint's list, and what is known besides, would change of what is stored. Reads only."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from providers.facts import Facts, Told, as_stored, facts_of, prices_of, stored_prices
from providers.models import OWN_PREFIX, ChangeKind, Endpoint, LanguageModel, Provider, Route
from providers.models.language_model import validate_model_id
from providers.offers import model_id_of
from providers.starting_data import DEMO_MODEL_ID
from providers.sync.names import best_successor, undated
from providers.sync.reading import ListedModels

FIELDS: dict[ChangeKind, tuple[str, ...]] = {
    ChangeKind.NAME: ("name",),
    ChangeKind.LIMITS: ("context_window_tokens", "max_output_tokens"),
    ChangeKind.CAPABILITIES: ("reasoning", "efforts", "input_kinds", "tools", "continuation"),
}
_RESERVED = {OWN_PREFIX.rstrip(":"), DEMO_MODEL_ID.partition(":")[0]}
_ID_CHARACTERS_MAX = 200
_LIST, _OURS = "its list", "data of this version"
# Below it, a few that are gone together are nothing strange.
_MANY = 4


@dataclass(frozen=True, slots=True)
class Proposed:
    """As `CatalogueChange` stores it."""

    kind: ChangeKind
    language_model_id: str
    provider_model: str
    before: dict[str, object]
    after: dict[str, object]
    source: str
    warning: str = ""

    @property
    def fingerprint(self) -> str:
        """Of what would be, not of what is: a rejected row stays rejected as long as this is the same."""
        content = [self.kind.value, self.language_model_id, self.provider_model, self.after]
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


@dataclass(slots=True)
class Comparison:
    """`removals_held` tells that what is gone was not looked at. `notes` are for the operator."""

    proposed: list[Proposed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    removals_held: bool = False


def compare(endpoint: Endpoint, listed: ListedModels) -> Comparison:
    result = Comparison()
    routes = list(
        Route.objects.filter(endpoint=endpoint).select_related("language_model").prefetch_related("prices")
    )
    if not listed.entries:
        result.removals_held = True
        result.notes.append("its list names no model that can chat; nothing is compared")
        return result
    leading = leading_routes(routes)
    missing: list[Route] = []
    for route in routes:
        if not route.enabled:
            continue
        entry = listed.entry_for(route.provider_model)
        if entry is None:
            missing.append(route)
            continue
        facts = facts_of(Provider(endpoint.provider), route.provider_model, entry.facts)
        leads = leading.get(route.language_model_id) == route.pk
        result.proposed += _changes(route, facts, listed=entry.facts, leads=leads)
        if facts.ends_on is not None:
            result.notes.append(f"{route.language_model_id} {ends_words(facts.ends_on)}")
    _compare_missing(result, missing, served=sum(route.enabled for route in routes))
    _compare_new(result, endpoint, listed, routes)
    return result


def leading_routes(routes: Iterable[Route]) -> dict[str, int]:
    """Which route each model is served by first: only that one's endpoint says what the model is.

    Otherwise two endpoints that tell different limits would propose against each other for ever.
    """
    all_routes = Route.objects.filter(
        language_model__in={route.language_model_id for route in routes},
        enabled=True,
        endpoint__in=Endpoint.objects.platform().filter(enabled=True),
    )
    leading: dict[str, int] = {}
    for model_id, route_id in all_routes.order_by("priority", "id").values_list("language_model_id", "id"):
        leading.setdefault(model_id, route_id)
    return leading


def ends_words(day: date) -> str:
    """A day that is over is told too: it may be served some days longer."""
    return f"{'was' if day < timezone.localdate() else 'is'} announced to end on {day.isoformat()}"


# --- What is there ---------------------------------------------------------------------------------
def _changes(route: Route, facts: Facts, *, listed: Facts, leads: bool) -> Iterator[Proposed]:
    model, told = route.language_model, facts.told()
    warning = _warning(facts)
    for kind, names in FIELDS.items():
        news = [name for name in names if name in told and _may_tell(model, name, leads=leads)]
        if any(stored_value(model, name) != told[name] for name in news):
            # What was assumed and is told now to be so comes along: then it is no assumption any more.
            both = [name for name in news if stored_value(model, name) != told[name] or name in model.assumed]
            yield Proposed(
                kind,
                model.pk,
                route.provider_model,
                before={name: stored_value(model, name) for name in both},
                after={name: told[name] for name in both},
                source=_LIST if any(name in listed.told() for name in both) else _OURS,
                warning=warning,
            )
    before, after = prices_of(route), stored_prices(facts.prices or ())
    if after and before != after:
        yield Proposed(
            ChangeKind.PRICE,
            model.pk,
            route.provider_model,
            before={"prices": before},
            after={"prices": after},
            source=_LIST if listed.prices else _OURS,
            warning=warning,
        )


def _warning(facts: Facts) -> str:
    return "" if facts.ends_on is None else f"It {ends_words(facts.ends_on)}."


def _may_tell(model: LanguageModel, name: str, *, leads: bool) -> bool:
    return name not in model.set_by_hand and (leads or name in model.assumed)


def stored_value(model: LanguageModel, name: str) -> Told:
    return as_stored(getattr(model, name))


# --- What is gone ----------------------------------------------------------------------------------
def _compare_missing(result: Comparison, missing: list[Route], *, served: int) -> None:
    """A list that knows nothing of ours is rather another list than the end of everything."""
    if len(missing) > 1 and len(missing) == served:
        result.removals_held = True
        result.notes.append(
            f"none of the {served} models served from here are in its list; no removals are proposed. "
            "Check the address and the key, or disable the endpoint"
        )
        return
    warning = ""
    if len(missing) >= _MANY and len(missing) * 2 > served:
        warning = f"{len(missing)} of {served} models are missing from the list at once: it may not be whole."
        result.notes.append(warning[0].lower() + warning[1:].rstrip("."))
    for route in missing:
        after: dict[str, object] = {}
        if not other_routes(route):
            after = {"successor": route.language_model.successor_id or successor_for(route.language_model)}
        result.proposed.append(
            Proposed(
                ChangeKind.REMOVED,
                route.language_model_id,
                route.provider_model,
                before={"served": True},
                after=after,
                source=_LIST,
                warning=warning,
            )
        )


def other_routes(route: Route) -> bool:
    """Whether anything else still serves its model."""
    others = Route.objects.filter(
        language_model=route.language_model_id,
        enabled=True,
        endpoint__in=Endpoint.objects.platform().usable(),
    )
    return others.exclude(pk=route.pk).exists()


def is_served(model_id: str) -> bool:
    return _served().filter(language_model=model_id).exists()


def successor_for(model: LanguageModel) -> str | None:
    """One that is served and does not itself lead back here."""
    ids = (
        _served()
        .filter(language_model__id__startswith=f"{model.creator}:")
        .exclude(language_model=model.pk)
        .exclude(language_model__successor=model.pk)
        .values_list("language_model_id", flat=True)
    )
    return best_successor(model.pk, set(ids))


def _served() -> QuerySet[Route]:
    return Route.objects.filter(
        enabled=True, endpoint__in=Endpoint.objects.platform().usable(), language_model__enabled=True
    )


# --- What is new -----------------------------------------------------------------------------------
def _compare_new(result: Comparison, endpoint: Endpoint, listed: ListedModels, routes: list[Route]) -> None:
    served = {route.provider_model for route in routes if route.enabled}
    off = {route.provider_model: route.language_model_id for route in routes if not route.enabled}
    left_out = dict(listed.left_out)
    provider = Provider(endpoint.provider)
    wanted: dict[str, str] = {}
    for name, entry in listed.entries.items():
        if name in served or entry.aliases & served:
            continue
        model_id = off.get(name) or model_id_of(provider, name, endpoint_name=endpoint.name)
        plain = undated(name)
        if plain != name and (plain in listed.entries or plain in served):
            reason = "snapshots of listed models"
        elif not _is_model_id(model_id) or model_id in wanted:
            reason = "without a usable name"
        else:
            wanted[model_id] = name
            continue
        left_out[reason] = left_out.get(reason, 0) + 1
    there = set(LanguageModel.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    for model_id, name in wanted.items():
        facts = facts_of(provider, name, listed.entries[name].facts)
        result.proposed.append(
            Proposed(
                ChangeKind.ADDED,
                model_id,
                name,
                before={"model": model_id in there, "route": "off" if name in off else "none"},
                after={
                    **({} if model_id in there else {"name": name, **facts.told()}),
                    "prices": stored_prices(facts.prices or ()),
                },
                source=_LIST,
                warning=_warning(facts),
            )
        )
    result.notes += [f"{count} {reason} left out" for reason, count in left_out.items()]


def _is_model_id(model_id: str) -> bool:
    """Not longer than stored, and not of a creator that is ours: people's own models and Demo."""
    creator = model_id.partition(":")[0]
    fits = len(model_id) <= _ID_CHARACTERS_MAX and creator not in _RESERVED
    try:
        validate_model_id(model_id)
    except ValidationError:
        return False
    return fits
