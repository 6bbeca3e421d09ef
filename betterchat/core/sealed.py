"""Rows that keep one secret, and what an operator does with all of them: count, check, wrap anew."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from django.apps import apps
from django.db import models, transaction

from betterchat.core import secrets
from betterchat.core.secrets import CannotOpenError, Place, Secret

LAST_FOUR_FROM_LENGTH = 12


class SealedModel(models.Model):
    """A row whose secret only `open` gives back. What identifies the row is part of the seal.

    `last_four` is empty for secrets so short that four characters would give them away.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sealed = models.TextField(editable=False)
    # As the sealed text says; a column of its own so that rows can be found and counted by it.
    master_key_id = models.CharField(max_length=32, editable=False, db_index=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    last_four = models.CharField(max_length=4, blank=True, editable=False)

    SEALED_FIELDS: ClassVar[tuple[str, ...]] = ("sealed", "master_key_id", "version", "last_four")
    # Relations that `seal_owner` and `seal_use` read.
    SEAL_RELATED: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    def seal_owner(self) -> str:
        """Whose secret it is."""
        raise NotImplementedError

    def seal_use(self) -> str:
        """What the secret may be used for, such as the host it is sent to."""
        return ""

    def put(self, text: str) -> None:
        """Seal `text` as the row's next version; the caller saves."""
        self.version += 1
        self.sealed = secrets.seal(text, self._place())
        self.master_key_id = secrets.key_id_of(self.sealed)
        self.last_four = text[-4:] if len(text) >= LAST_FOUR_FROM_LENGTH else ""

    def open(self) -> Secret:
        """Raises CannotOpenError."""
        return secrets.unseal(self.sealed, self._place())

    def rewrapped(self) -> str:
        """Raises CannotOpenError."""
        return secrets.rewrap(self.sealed, self._place())

    def _place(self) -> Place:
        return Place(
            table=self._meta.db_table,
            column="sealed",
            row=str(self.pk),
            owner=self.seal_owner(),
            version=self.version,
            use=self.seal_use(),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction of a rotation did. `unopened` names rows, such as `providers_credential 5f…`."""

    rewrapped: int
    unopened: tuple[str, ...]


def sealed_models() -> list[type[SealedModel]]:
    return [model for model in apps.get_models() if issubclass(model, SealedModel)]


def counts_by_key() -> dict[str, int]:
    """Rows by the master key that wrapped them."""
    counts: dict[str, int] = {}
    for model in sealed_models():
        rows = model._default_manager.values_list("master_key_id").annotate(models.Count("pk"))
        for key_id, count in rows:
            counts[key_id] = counts.get(key_id, 0) + count
    return counts


def missing_keys() -> dict[str, int]:
    """Master keys that rows need and this process does not have."""
    known = secrets.key_ids()
    return {key_id: count for key_id, count in counts_by_key().items() if key_id not in known}


def unopened_rows() -> list[str]:
    """Every row is opened; those that can't be are named."""
    found: list[str] = []
    for model in sealed_models():
        for row in _rows(model).iterator():
            try:
                row.open()
            except CannotOpenError:
                found.append(_name(row))
    return found


def rotate(*, batch_size: int) -> Iterator[Batch]:
    """Wrap every row with the current master key, one transaction per batch.

    A killed run leaves whole batches behind; the next one goes on with what is left. Rows are locked
    while they are rewritten, so that a secret replaced at the same moment is not overwritten.
    """
    for model in sealed_models():
        last = uuid.UUID(int=0)
        while (step := _rotate_batch(model, after=last, size=batch_size)) is not None:
            last, batch = step
            yield batch


def _rotate_batch(model: type[SealedModel], *, after: uuid.UUID, size: int) -> tuple[uuid.UUID, Batch] | None:
    """The last row's id and what was done; None at the end of the table."""
    unopened: list[str] = []
    current = secrets.current_key_id()
    with transaction.atomic():
        rows = list(
            _rows(model)
            .select_for_update(of=("self",))
            .filter(pk__gt=after)
            .exclude(master_key_id=current)
            .order_by("pk")[:size]
        )
        for row in rows:
            try:
                row.sealed = row.rewrapped()
            except CannotOpenError:
                unopened.append(_name(row))
                continue
            row.master_key_id = secrets.key_id_of(row.sealed)
            row.save(update_fields=["sealed", "master_key_id"])
    if not rows:
        return None
    return rows[-1].pk, Batch(len(rows) - len(unopened), tuple(unopened))


def _rows(model: type[SealedModel]) -> models.QuerySet[SealedModel]:
    """With what their seals name."""
    rows = model._default_manager.all()
    return rows.select_related(*model.SEAL_RELATED) if model.SEAL_RELATED else rows


def _name(row: SealedModel) -> str:
    return f"{row._meta.db_table} {row.pk}"
