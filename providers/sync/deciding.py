"""The operator's decision on a proposed change: the only place where a sync changes the catalogue."""

from collections.abc import Iterable
from typing import assert_never

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from providers.facts import ASSUMPTIONS, price_rows, prices_of
from providers.models import (
    CatalogueChange,
    ChangeKind,
    ChangeStatus,
    Endpoint,
    LanguageModel,
    Price,
    PriceSource,
    Route,
)
from providers.offers import priority_of
from providers.starting_data import DEMO_MODEL_ID, POSITION_OF_LISTED
from providers.sync.comparing import is_served, other_routes, stored_value, successor_for

_GONE = "This proposal is not there any more: a newer sync replaced it."
_AGAIN = "Run sync_models again to compare anew."


class RefusedError(Exception):
    """The row can't be decided so; `sentence` tells why. Nothing was changed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def accept(change_id: int, *, by: User) -> CatalogueChange:
    """Carry it out, also a row rejected before. Raises RefusedError, too where it is out of date."""
    with transaction.atomic(durable=True):
        change = _locked(change_id)
        if change.status == ChangeStatus.ACCEPTED:
            raise RefusedError("This was accepted already.")
        if change.endpoint.url != change.address:
            raise RefusedError(f"The endpoint is at another address since this was found. {_AGAIN}")
        model = _carry_out(change)
        _decided(change, ChangeStatus.ACCEPTED, by=by)
        _log(
            by,
            model,
            f"Accepted from the catalogue: {change.get_kind_display().lower()} at {change.endpoint}.",
        )
    return change


def reject(change_id: int, *, by: User) -> CatalogueChange:
    """It is not proposed again until the endpoint says something else. Raises RefusedError."""
    with transaction.atomic(durable=True):
        change = _locked(change_id)
        if change.status != ChangeStatus.PENDING:
            raise RefusedError(f"This was {change.get_status_display().lower()} already.")
        _decided(change, ChangeStatus.REJECTED, by=by)
    return change


def _locked(change_id: int) -> CatalogueChange:
    """Endpoint before change, as a sync locks them."""
    endpoint_id = CatalogueChange.objects.filter(pk=change_id).values_list("endpoint", flat=True).first()
    if endpoint_id is None:
        raise RefusedError(_GONE)
    endpoint = Endpoint.objects.platform().select_for_update().filter(pk=endpoint_id).first()
    change = CatalogueChange.objects.select_for_update().filter(pk=change_id).first()
    if endpoint is None or change is None:
        raise RefusedError(_GONE)
    change.endpoint = endpoint
    return change


def _decided(change: CatalogueChange, status: ChangeStatus, *, by: User) -> None:
    change.status, change.decided_at, change.decided_by = status, timezone.now(), by
    change.save(update_fields=["status", "decided_at", "decided_by"])
    _log(by, change, f"{status.label}.")


def _log(by: User, row: models.Model, message: str) -> None:
    LogEntry.objects.log_actions(by.pk, [row], CHANGE, message, single_object=True)


def _carry_out(change: CatalogueChange) -> LanguageModel:
    kind = ChangeKind(change.kind)
    match kind:
        case ChangeKind.ADDED:
            return _add(change)
        case ChangeKind.REMOVED:
            return _remove(change)
        case ChangeKind.PRICE:
            return _reprice(change)
        case ChangeKind.LIMITS | ChangeKind.CAPABILITIES | ChangeKind.NAME:
            return _change(change)
        case _:
            assert_never(kind)


# --- New and gone ----------------------------------------------------------------------------------
def _add(change: CatalogueChange) -> LanguageModel:
    """A model that came meanwhile from elsewhere is left as it is and gets the route only."""
    model = _model(change)
    route = _route(change)
    if route is not None and route.enabled:
        raise RefusedError(f"Out of date: {change.language_model_id} is served from there already.")
    if model is None:
        if "name" not in change.after:
            raise _stale(change, "was deleted")
        model = _new_model(change)
    if route is None:
        route = Route.objects.create(
            language_model=model,
            endpoint=change.endpoint,
            provider_model=change.provider_model,
            priority=priority_of(change.endpoint),
        )
    else:
        route.enabled = True
        route.save(update_fields=["enabled"])
    _set_prices(route, change.after["prices"])
    return model


def _new_model(change: CatalogueChange) -> LanguageModel:
    """Behind all others, so that it does not become anybody's default by coming."""
    told = {name: value for name, value in change.after.items() if name != "prices"}
    others = LanguageModel.objects.exclude(pk=DEMO_MODEL_ID).aggregate(last=models.Max("position"))
    return LanguageModel.objects.create(
        id=change.language_model_id,
        position=max(others["last"] or 0, POSITION_OF_LISTED) + 1,
        assumed=[name for name in ASSUMPTIONS if name not in told],
        **told,
    )


def _remove(change: CatalogueChange) -> LanguageModel:
    """The route is switched off, nothing is deleted. A model that nothing serves now gets a successor."""
    model, route = _model(change), _route(change)
    if model is None or route is None or not route.enabled:
        raise _stale(change, "is not served from there any more")
    route.enabled = False
    route.save(update_fields=["enabled"])
    if not other_routes(route) and model.successor_id is None:
        proposed = change.after.get("successor")
        # Of several that go at once, one may have been proposed for another.
        model.successor_id = proposed if proposed and is_served(proposed) else successor_for(model)
        model.save(update_fields=["successor"])
    return model


# --- Changed ---------------------------------------------------------------------------------------
def _reprice(change: CatalogueChange) -> LanguageModel:
    model, route = _model(change), _route(change)
    if model is None or route is None or not route.enabled:
        raise _stale(change, "is not served from there any more")
    if prices_of(route) != change.before["prices"]:
        raise _stale(change, "has another price")
    _set_prices(route, change.after["prices"])
    return model


def _set_prices(route: Route, steps: Iterable[dict[str, int | str | None]]) -> None:
    """The catalogue's rows only: the operator's stay and win."""
    Price.objects.filter(route=route, source=PriceSource.CATALOGUE).delete()
    Price.objects.bulk_create(price_rows(route, steps))


def _change(change: CatalogueChange) -> LanguageModel:
    model = _model(change)
    if model is None:
        raise _stale(change, "was deleted")
    for name, before in change.before.items():
        if stored_value(model, name) != before or name in model.set_by_hand:
            raise _stale(change, f"has another {name.replace('_', ' ')}")
    for name, after in change.after.items():
        setattr(model, name, after)
    model.assumed = [name for name in model.assumed if name not in change.after]
    model.save(update_fields=["assumed", *change.after])
    return model


def _model(change: CatalogueChange) -> LanguageModel | None:
    return LanguageModel.objects.select_for_update().filter(pk=change.language_model_id).first()


def _route(change: CatalogueChange) -> Route | None:
    routes = Route.objects.select_for_update().filter(
        language_model=change.language_model_id,
        endpoint=change.endpoint,
        provider_model=change.provider_model,
    )
    return routes.first()


def _stale(change: CatalogueChange, what: str) -> RefusedError:
    return RefusedError(f"Out of date: {change.language_model_id} {what} since this was found. {_AGAIN}")
