"""Putting calls together from pieces, as many servers as there are ways to cut and number them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from providers.events import ToolCall, ToolCallDelta
from providers.wires.frames import as_json, index_of, parsed, text_of


@dataclass(slots=True)
class _Open:
    number: int
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def complete(self) -> bool:
        return _is_whole(self.arguments)


class CallPieces:
    """Collects OpenAI's `tool_calls` deltas.

    By the book, a piece names its call by `index`. In the wild the index is missing or always 0, the id is
    missing, comes with every piece, or twice; arguments come whole, as an object, or as null.
    """

    def __init__(self) -> None:
        self._calls: list[_Open] = []
        self._by_index: dict[int, _Open] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, piece: dict[str, object], *, place: int) -> ToolCallDelta:
        """`piece` is one entry of the list, `place` where it stands in it."""
        function = piece.get("function")
        told: dict[str, object] = function if isinstance(function, dict) else piece
        id_, name, arguments = text_of(piece.get("id")), text_of(told.get("name")), arguments_of(told)
        id_ = id_ if id_.strip() else ""
        call = self._call(index_of(piece.get("index")), id_, name, arguments, place=place)
        call.id = call.id or id_
        if name and name != call.name:
            call.name = call.name + name if call.name and not call.pieces else call.name or name
        if id_ and id_ == call.id and name and _is_whole(arguments) and arguments == call.arguments:
            arguments = ""  # told a second time
        if arguments:
            call.pieces.append(arguments)
        return ToolCallDelta(call.number, call.id, call.name, arguments)

    def _call(self, index: int | None, id_: str, name: str, arguments: str, *, place: int) -> _Open:
        known = self._by_index.get(index) if index is not None else self._without_index(id_, name, place)
        if known is not None and not _begins_another(known, id_, name, arguments):
            return known
        call = _Open(len(self._calls))
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _without_index(self, id_: str, name: str, place: int) -> _Open | None:
        if id_:
            return next((call for call in reversed(self._calls) if call.id == id_), None)
        if name and (place or not self._calls):
            return None
        return self._calls[-1] if self._calls else None

    def calls(self) -> Iterator[ToolCall]:
        for call in self._calls:
            yield ToolCall(call.number, call.id, call.name, call.arguments)


def _begins_another(known: _Open, id_: str, name: str, arguments: str) -> bool:
    """Whether a piece that names a known call is in truth the first of the next one."""
    if id_ and known.id and id_ != known.id:
        return bool(name)
    if not name or not known.name or not known.pieces or not arguments.lstrip().startswith("{"):
        return False
    # A whole call is there, and behind it an object begins: no piece of the first one looks like that.
    return known.complete and not (id_ and id_ == known.id and arguments == known.arguments)


def _is_whole(arguments: str) -> bool:
    return arguments.lstrip().startswith("{") and isinstance(parsed(arguments), dict)


def arguments_of(told: dict[str, object]) -> str:
    """Text as it is; an object as JSON; null and absence as nothing."""
    arguments = told.get("arguments")
    if arguments is None:
        return ""
    if isinstance(arguments, str):
        return arguments
    try:
        return json.dumps(arguments, ensure_ascii=False)
    except (TypeError, ValueError):
        return as_json(arguments)
