"""Asking endpoints for their lists and keeping what would change, for the operator to decide."""

from dataclasses import dataclass

from django.db import transaction

from betterchat.core.errors import UserFacingError
from providers.models import CatalogueChange, ChangeKind, ChangeStatus, Endpoint
from providers.routing import key_of
from providers.sync.comparing import Proposed, compare
from providers.sync.formats import FORMATS
from providers.sync.reading import TOTAL_SECONDS, ListedModels, UnusableListError, read_list


@dataclass(frozen=True, slots=True)
class Synced:
    """What one endpoint's list came to. With a `failure` nothing was compared and nothing changed."""

    endpoint: str
    failure: str = ""
    waiting: int = 0
    rejected_before: int = 0
    notes: tuple[str, ...] = ()


def endpoints_to_sync(name: str = "") -> list[Endpoint]:
    """The operator's that are switched on and have a list; one of them with `name`."""
    usable = Endpoint.objects.platform().usable().select_related("credential").filter(provider__in=FORMATS)
    return list(usable.filter(name=name) if name else usable)


def sync_endpoint(endpoint: Endpoint, *, seconds: float = TOTAL_SECONDS) -> Synced:
    """Blocks on the network for up to `seconds`, outside any transaction. Changes proposals only."""
    try:
        listed = read_list(endpoint, key=key_of(endpoint), seconds=seconds)
    except UserFacingError as error:
        return Synced(endpoint.name, failure=error.sentence.rstrip("."))
    except UnusableListError as error:
        return Synced(endpoint.name, failure=error.sentence)
    return _store(endpoint, listed)


def _store(endpoint: Endpoint, listed: ListedModels) -> Synced:
    """The newer sync replaces what waits. Rows that say the same stay, so that an open page can decide them.

    A rejection is forgotten once the endpoint says something else.
    """
    with transaction.atomic(durable=True):
        if not Endpoint.objects.select_for_update().filter(pk=endpoint.pk).exists():
            return Synced(endpoint.name, failure="it was deleted meanwhile")
        comparison = compare(endpoint, listed)
        found = {proposed.fingerprint: proposed for proposed in comparison.proposed}
        rows = CatalogueChange.objects.filter(endpoint=endpoint).exclude(status=ChangeStatus.ACCEPTED)
        gone = rows.exclude(fingerprint__in=found)
        if comparison.removals_held:
            gone = gone.exclude(kind=ChangeKind.REMOVED, status=ChangeStatus.REJECTED)
        gone.delete()
        rejected = set(rows.filter(status=ChangeStatus.REJECTED).values_list("fingerprint", flat=True))
        waiting = [_row(endpoint, proposed) for key, proposed in found.items() if key not in rejected]
        there = dict(rows.filter(status=ChangeStatus.PENDING).values_list("fingerprint", "pk"))
        for row in waiting:
            row.pk = there.get(row.fingerprint)
        CatalogueChange.objects.bulk_create(row for row in waiting if row.pk is None)
        CatalogueChange.objects.bulk_update(
            [row for row in waiting if row.fingerprint in there],
            ["before", "source", "warning", "address", "found_at"],
        )
    return Synced(
        endpoint.name, waiting=len(waiting), rejected_before=len(rejected), notes=tuple(comparison.notes)
    )


def _row(endpoint: Endpoint, proposed: Proposed) -> CatalogueChange:
    return CatalogueChange(
        endpoint=endpoint,
        kind=proposed.kind,
        language_model_id=proposed.language_model_id,
        provider_model=proposed.provider_model,
        before=proposed.before,
        after=proposed.after,
        source=proposed.source,
        warning=proposed.warning,
        address=endpoint.url,
        fingerprint=proposed.fingerprint,
    )
