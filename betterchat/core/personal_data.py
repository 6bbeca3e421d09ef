"""What upper floors keep of a person: how it goes when the person goes, and how it is handed out.

accounts sets deletion and export in motion and knows nobody above it; whoever keeps something registers a
holder at start (`AppConfig.ready`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

type AfterCommit = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of the archive a person downloads. `path` is relative, with forward slashes."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Holder:
    """`delete` runs inside the transaction that deletes the person, and returns what follows its commit."""

    name: str
    delete: Callable[[int], AfterCommit]
    export: Callable[[int], Iterator[ExportedFile]]


_holders: dict[str, Holder] = {}


def register(holder: Holder) -> None:
    _holders[holder.name] = holder


def holders() -> tuple[Holder, ...]:
    """The latest registered first: upper floors let go before those they stand on."""
    return tuple(reversed(_holders.values()))
