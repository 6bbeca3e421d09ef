"""An answer while it is written: its parts in memory, and the entries that tell the tabs."""

import time
from uuid import UUID

import msgspec
from django.conf import settings

from chat.protocol.commands import Position
from chat.protocol.parts import NoticePart, Part, PartKind, ReasoningPart, TextPart, WrittenPart, written_text
from chat.stream import Added, Appended, Began, Closed, Ended, Entry, Replaced, Silent


class Answer:
    """One attempt at an answer. Owned by the event loop's thread.

    Events go into `pending`; `seal` numbers them. What is numbered is exactly what `parts` holds, so
    that a checkpoint taken after `seal` and the entries after its position make the same text.
    """

    def __init__(self, *, turn_id: UUID, answer_id: UUID, attempt: int, parts: list[Part]) -> None:
        self.turn_id = turn_id
        self.answer_id = answer_id
        self.attempt = attempt
        self.sequence = 0
        self.parts = parts
        self.characters = len(written_text(parts))
        self._pending: list[Entry] = []
        self._sealed: list[tuple[Position, Entry]] = []
        self._open_part: int | None = None
        self._written: WrittenPart = TextPart(text="")
        self._part_began = 0.0
        self._heard_at = time.monotonic()
        self._silence_told = False
        self.is_open = True
        self.replace()

    @property
    def position(self) -> Position:
        return Position(self.attempt, self.sequence)

    @property
    def has_entries(self) -> bool:
        return bool(self._pending or self._sealed)

    def add(self, kind: PartKind, text: str) -> None:
        """Append text, beginning a new part where the kind changes."""
        index = self._open_part
        if index is None or not isinstance(self._written, _PART_TYPES[kind]):
            self.end_part()
            self._written = _PART_TYPES[kind](text="")
            self.parts.append(self._written)
            index = self._open_part = len(self.parts) - 1
            self._part_began = time.monotonic()
            self._pending.append(Began(index, kind))
        self._written.text += text
        self.characters += len(text)
        last = self._pending[-1] if self._pending else None
        if isinstance(last, Appended) and last.part == index:
            self._pending[-1] = Appended(index, last.text + text)
        else:
            self._pending.append(Appended(index, text))

    def note(self, notice: NoticePart) -> None:
        """Say something between the parts."""
        self.end_part()
        self.parts.append(notice)
        self._pending.append(Added(len(self.parts) - 1, notice))

    def end_part(self) -> None:
        index, self._open_part = self._open_part, None
        if index is None:
            return
        duration_ms = round((time.monotonic() - self._part_began) * 1000)
        if isinstance(part := self.parts[index], ReasoningPart):
            part.duration_ms = duration_ms
        self._pending.append(Ended(index, duration_ms))

    def heard(self) -> None:
        """The provider sent something."""
        self._heard_at = time.monotonic()
        if self._silence_told:
            self._silence_told = False
            self._pending.append(Silent(0))

    def tell_silence(self) -> None:
        """Say once that nothing was heard for long. To be called every second or so."""
        seconds = time.monotonic() - self._heard_at
        if self.is_open and not self._silence_told and seconds >= settings.PROVIDER_STALLED_SECONDS:
            self._silence_told = True
            self._pending.append(Silent(round(seconds)))

    def close(self) -> None:
        self.end_part()
        self.is_open = False
        self._pending.append(Closed())

    def replace(self) -> None:
        """Tell the whole answer anew: at the start of an attempt, and where entries may have been lost."""
        self._sealed.clear()
        self._pending = [Replaced([msgspec.structs.replace(part) for part in self.parts])]
        if not self.is_open:
            self._pending.append(Closed())

    def seal(self) -> list[tuple[Position, Entry]]:
        """Number what is pending. Returns all numbered entries not yet confirmed by `written`."""
        for entry in self._pending:
            self.sequence += 1
            self._sealed.append((self.position, entry))
        self._pending = []
        return list(self._sealed)

    def written(self, count: int) -> None:
        """The first `count` numbered entries are in the stream."""
        del self._sealed[:count]


_PART_TYPES: dict[PartKind, type[TextPart] | type[ReasoningPart]] = {
    "text": TextPart,
    "reasoning": ReasoningPart,
}
