"""The stream of a turn: its answer as numbered entries in Redis, from one worker to every web process.

Entry ids are `attempt-sequence`. Redis refuses an id that is not above the last one, so a worker that was
replaced while it was frozen can't write into its successor's answer.
"""

from typing import cast
from uuid import UUID

import msgspec
from django.conf import settings
from redis.asyncio import Redis

from chat.protocol.commands import Position
from chat.protocol.parts import NoticePart, PartKind, ReasoningPart, TextPart


class Replaced(msgspec.Struct, array_like=True, tag="r", frozen=True):
    """The answer is exactly this. First entry of every attempt, and after entries may have been lost."""

    parts: list[TextPart | ReasoningPart | NoticePart]


class Began(msgspec.Struct, array_like=True, tag="b", frozen=True):
    part: int
    kind: PartKind


class Appended(msgspec.Struct, array_like=True, tag="a", frozen=True):
    part: int
    text: str


class Ended(msgspec.Struct, array_like=True, tag="e", frozen=True):
    part: int
    duration_ms: int


class Added(msgspec.Struct, array_like=True, tag="n", frozen=True):
    """A part that comes whole."""

    part: int
    content: NoticePart


class Silent(msgspec.Struct, array_like=True, tag="s", frozen=True):
    """The provider has sent nothing for so long; 0: it is heard again. Text says so too."""

    seconds: int


class Closed(msgspec.Struct, array_like=True, tag="x", frozen=True):
    """Nothing follows: the turn's end is in Postgres."""


type Entry = Replaced | Began | Appended | Ended | Added | Silent | Closed

_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(
    Replaced | Began | Appended | Ended | Added | Silent | Closed
)
encode_entry = msgspec.json.Encoder().encode
FIELD = b"e"


def stream_key(turn_id: UUID) -> str:
    return f"turn:{turn_id.hex}"


def entry_id(position: Position) -> str:
    return f"{position.attempt}-{position.sequence}"


# What redis-py hands out for a range of a stream.
type Rows = list[tuple[bytes, dict[bytes, bytes]]]


def decode_rows(rows: Rows) -> list[tuple[Position, Entry]]:
    return [(_parse_id(raw_id), _decoder.decode(fields[FIELD])) for raw_id, fields in rows]


async def read_after(turn_id: UUID, position: Position) -> list[tuple[Position, Entry]]:
    """What a turn's stream holds beyond `position`. Raises RedisError, OSError."""
    redis = connect()
    try:
        rows = await redis.xrange(stream_key(turn_id), min=f"({entry_id(position)}")
    finally:
        await redis.aclose()
    return decode_rows(cast(Rows, rows))


def _parse_id(raw: bytes) -> Position:
    attempt, _, sequence = raw.decode().partition("-")
    return Position(attempt=int(attempt), sequence=int(sequence))


def connect() -> "Redis":
    """A client of the running event loop. Blocking reads have no socket timeout of their own."""
    return Redis.from_url(settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=5)
