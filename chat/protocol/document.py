"""PROTOCOL.md and the JSON Schema, both written from the types: what they say is what the server does."""

import inspect
import json
from collections.abc import Iterable

import msgspec

from betterchat.core.errors import ERROR_TEXTS
from chat.protocol.close_codes import CLOSE_CODES
from chat.protocol.commands import COMMAND_TYPES, PROTOCOL_VERSION, SUBPROTOCOL, KnownTurn, Position
from chat.protocol.events import (
    EVENT_TYPES,
    ConversationInfo,
    ErrorInfo,
    LiveDelta,
    MessageInfo,
    PersonInfo,
    TurnInfo,
)
from chat.protocol.parts import NoticePart, ReasoningPart, TextPart, text_sha256

_SHAPES = (
    Position,
    KnownTurn,
    PersonInfo,
    ConversationInfo,
    MessageInfo,
    TextPart,
    ReasoningPart,
    NoticePart,
    TurnInfo,
    ErrorInfo,
)

_INTRODUCTION = f"""# The websocket protocol, version {PROTOCOL_VERSION}

Generated from `chat/protocol/` by `manage.py export_protocol`; do not edit. `chat/client.py` is a client to
read, `manage.py chat` runs it, `static/src/protocol/schema.json` is the JSON Schema of every frame.

## Connecting
| address | what it is for |
|---|---|
| `/ws/me/` | the person's socket: sidebar events, and the first message of a new conversation |
| `/ws/c/<conversation id>/` | the room of one conversation |

Offer the subprotocol `{SUBPROTOCOL}`; without it the socket is closed ({4406}). Programs send
`Authorization: Bearer <token>` (`manage.py token EMAIL --name NAME` makes one). Browsers send their session
cookie, which counts only with an `Origin` of this server.

The first event is `welcome`. On a room's socket, send `conversation.open`: nothing is told before.
A conversation that is not there and one that is not yours are closed with the same code (4404).

## Frames
Every frame is one JSON text of at most 1 MiB. Commands (client to server) and events (server to clients)
are objects with a `type`; live text is a bare array. Commands with unknown types or fields are refused;
clients ignore events and fields that they don't know.

A command with a `command_id` is answered by `command.accepted`, after it is stored, or by
`command.refused`. The ids in it are made by the client: sending the same command again does nothing new, so
after a lost connection simply send it again.

## Keeping up
1. Take the `conversation.snapshot`. Its messages hold answers up to their `position`.
2. Apply every event with a `version` above the snapshot's, in order; ignore the others. A gap between the
   versions means a lost event: send `conversation.open` with `known_version` null.
3. For each running answer, `live.opened` names a handle; apply its live frames in sequence.
4. `turn.finished` closes the answer. Snapshot and frames together are the final text: compare
   `text_sha256`, and open anew with `known_version` null where it differs.
5. Acknowledge frames (`ack`), and send a `ping` about every 25 s.

After a lost connection, open with the version and positions you hold. Ids are UUIDs, times are
RFC 3339 in UTC, texts are Unicode without NUL.
"""


def schema() -> dict[str, object]:
    """JSON Schema 2020-12 of all frames: `$defs`, with `Command`, `Event` and `LiveDelta` as the roots."""
    _, components = msgspec.json.schema_components(
        [*COMMAND_TYPES, *EVENT_TYPES, LiveDelta], ref_template="#/$defs/{name}"
    )
    definitions = dict(components)
    for name, types in (("Command", COMMAND_TYPES), ("Event", EVENT_TYPES)):
        definitions[name] = {"anyOf": [{"$ref": f"#/$defs/{type_.__name__}"} for type_ in types]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}


def schema_text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def protocol_text() -> str:
    sections = [
        _INTRODUCTION,
        "## Commands",
        *(_describe(type_) for type_ in COMMAND_TYPES),
        "## Events",
        *(_describe(type_) for type_ in EVENT_TYPES),
        "### `[handle, first, last, part, text]`\n\n" + _doc(LiveDelta),
        "## Shapes",
        *(_describe(type_) for type_ in _SHAPES),
        f"`text_sha256`: {inspect.getdoc(text_sha256)}",
        "## Close codes\n" + _close_codes(),
        "## Error codes\nBraces stand for details. `action` is the one main thing to offer.\n" + _errors(),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _describe(type_: type[msgspec.Struct]) -> str:
    info = msgspec.inspect.type_info(type_)
    assert isinstance(info, msgspec.inspect.StructType)
    title = f'`"{info.tag_field}": "{info.tag}"`' if info.tag is not None else f"{type_.__name__}"
    lines = [f"### {title}", "", _doc(type_)]
    if info.fields:
        lines += ["", "| field | type |", "|---|---|"]
        lines += [f"| `{field.encode_name}` | {_type(field)} |" for field in info.fields]
    return "\n".join(lines)


def _doc(type_: type[msgspec.Struct]) -> str:
    return inspect.cleandoc(type_.__doc__ or "")


def _type(field: msgspec.inspect.Field) -> str:
    optional = "" if field.required else ", optional"
    return _type_name(field.type) + optional


def _type_name(type_: msgspec.inspect.Type) -> str:
    match type_:
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(_type_name(each) for each in types)
        case msgspec.inspect.ListType(item_type=item):
            return f"list of {_type_name(item)}"
        case msgspec.inspect.StructType(cls=cls):
            return cls.__name__
        case msgspec.inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" if value else "empty" for value in values)
        case msgspec.inspect.Metadata(type=inner):
            return _type_name(inner)
        case _:
            return _PLAIN_NAMES[type(type_)]


_PLAIN_NAMES: dict[type[msgspec.inspect.Type], str] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: "whole number",
    msgspec.inspect.BoolType: "yes or no",
    msgspec.inspect.UUIDType: "UUID",
    msgspec.inspect.DateTimeType: "time",
    msgspec.inspect.NoneType: "null",
}


def _close_codes() -> str:
    rows = [(str(c.code), c.meaning, "yes" if c.come_back else "no") for c in CLOSE_CODES]
    return _table(("code", "meaning", "connect again by itself"), rows)


def _errors() -> str:
    rows = [
        (f"`{code}`", text.sentence, text.next_step, f"`{text.action}`") for code, text in ERROR_TEXTS.items()
    ]
    return _table(("code", "sentence", "next step", "action"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
