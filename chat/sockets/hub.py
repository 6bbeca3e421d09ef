"""The hub of a web process: follows every stream its sockets watch with one blocking read for all of them."""

import asyncio
import itertools
import logging
import uuid
import weakref
from collections.abc import Callable
from typing import cast
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.protocol.commands import Position
from chat.stream import FIELD, Closed, Entry, Rows, connect, decode_rows, entry_id, stream_key

logger = logging.getLogger(__name__)

BLOCK_MILLISECONDS = 15_000
RETRY_SECONDS = 0.5
_WAKE_SECONDS = 60

type Wake = Callable[[], None]


class Tail:
    """What this process has read of one stream, shared by all sockets that watch it."""

    def __init__(self, *, turn_id: UUID, handle: int) -> None:
        self.turn_id = turn_id
        self.handle = handle
        self.entries: list[tuple[Position, Entry]] = []
        self.closed = False
        self.followers: dict[object, Wake] = {}
        # The frame made last, for the many sockets that stand at the same place: (first, end, frame).
        self.last_frame: tuple[int, int, str] | None = None

    @property
    def last_id(self) -> str:
        return entry_id(self.entries[-1][0]) if self.entries else "0"

    def index_after(self, position: Position) -> int:
        """Where a reader goes on who knows everything up to `position`."""
        low, high = 0, len(self.entries)
        while low < high:
            middle = (low + high) // 2
            if self.entries[middle][0] <= position:
                low = middle + 1
            else:
                high = middle
        return low


class Hub:
    """One per event loop; it reads while somebody follows and rests otherwise."""

    _of_loop: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._tails: dict[str, Tail] = {}
        self._handles = itertools.count(1)
        self._wake_key = f"wake:{uuid.uuid4().hex}"
        self._wake_id = "0"
        self._reader: asyncio.Task[None] | None = None
        self._waker: Redis | None = None

    @classmethod
    def current(cls) -> "Hub":
        loop = asyncio.get_running_loop()
        return cls._of_loop.setdefault(loop, cls())

    async def follow(self, turn_id: UUID, *, follower: object, wake: Wake) -> Tail:
        """The tail of a turn's stream; `wake` is called whenever it has grown."""
        key = stream_key(turn_id)
        tail = self._tails.get(key)
        if tail is None:
            tail = self._tails[key] = Tail(turn_id=turn_id, handle=next(self._handles))
        tail.followers[follower] = wake
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        elif not tail.entries:
            await self._interrupt()
        return tail

    def unfollow(self, tail: Tail, *, follower: object) -> None:
        tail.followers.pop(follower, None)
        if not tail.followers:
            self._tails.pop(stream_key(tail.turn_id), None)
        if not self._tails and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _interrupt(self) -> None:
        """End the blocking read, so that the next one has the new stream in it."""
        try:
            if self._waker is None:
                self._waker = connect()
            await self._waker.xadd(self._wake_key, {FIELD: b""}, maxlen=1)
            await self._waker.expire(self._wake_key, _WAKE_SECONDS)
        except (RedisError, OSError) as error:
            logger.warning("the reader of live text can't be woken: %s", type(error).__name__)

    async def _read(self) -> None:
        redis = connect()
        try:
            while True:
                try:
                    await self._read_once(redis)
                except (RedisError, OSError) as error:
                    logger.warning("live text can't be read: %s", type(error).__name__)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            waker, self._waker = self._waker, None
            await redis.aclose()
            if waker is not None:
                await waker.aclose()

    async def _read_once(self, redis: Redis) -> None:
        streams: dict[bytes | str | memoryview, int | bytes | str | memoryview] = {
            key: tail.last_id for key, tail in self._tails.items() if not tail.closed
        }
        streams[self._wake_key] = self._wake_id
        answer = await redis.xread(streams, block=BLOCK_MILLISECONDS)
        for raw_key, rows in cast("list[tuple[bytes, Rows]]", answer or []):
            key = raw_key.decode()
            if key == self._wake_key:
                self._wake_id = rows[-1][0].decode()
            elif tail := self._tails.get(key):
                self._extend(tail, rows)

    def _extend(self, tail: Tail, rows: Rows) -> None:
        tail.entries += decode_rows(rows)
        tail.closed = isinstance(tail.entries[-1][1], Closed)
        for wake in list(tail.followers.values()):
            wake()
