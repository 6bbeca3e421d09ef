"""What goes out of one socket, in order and no faster than the client takes it.

Rare events stand in a short queue. Live text has no queue: the socket keeps a cursor into each tail it
follows, and what lies behind the cursor is joined when there is room, so that a slow client gets fewer and
larger frames and costs no memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from chat.protocol.close_codes import TOO_SLOW, CloseCode
from chat.protocol.commands import Position
from chat.protocol.events import (
    AnswerReplaced,
    AnswerSilent,
    Event,
    LiveDelta,
    LiveOpened,
    PartAdded,
    PartEnded,
    PartStarted,
)
from chat.sockets.hub import Hub, Tail
from chat.stream import Added, Appended, Began, Closed, Ended, Replaced, Silent

WINDOW_FRAMES = 64
WINDOW_CHARACTERS = 128_000
STALL_SECONDS = 60.0
LIVE_FRAME_CHARACTERS = 16_000
EVENTS_MAX = 500
END_WAIT_SECONDS = 3.0

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Cursor:
    tail: Tail
    message_id: UUID
    position: Position
    opened: bool = False
    index: int = 0


@dataclass(frozen=True, slots=True)
class _Queued:
    """An event, or the close of the socket, that waits; `after_turn` holds it back until that turn's
    live text is through."""

    frame: str | CloseCode
    after_turn: UUID | None
    deadline: float


class Outbox:
    """The sending side of a socket. `run` until cancelled; `close` is called when the client is too slow."""

    def __init__(
        self, *, send: Callable[[str], Awaitable[None]], close: Callable[[CloseCode], Awaitable[None]]
    ) -> None:
        self._send = send
        self._close = close
        self._events: deque[_Queued] = deque()
        self._cursors: dict[UUID, _Cursor] = {}
        self._wake = asyncio.Event()
        self._acknowledged_frames = 0
        self._in_flight: deque[int] = deque()
        self._in_flight_characters = 0

    def put(self, event: Event, *, after_turn: UUID | None = None) -> None:
        """Send an event, after the live text of `after_turn` where that is given."""
        self.put_frame(_encode(event).decode(), after_turn=after_turn)

    def put_frame(self, frame: str, *, after_turn: UUID | None = None) -> None:
        deadline = asyncio.get_running_loop().time() + END_WAIT_SECONDS
        self._events.append(_Queued(frame, after_turn, deadline))
        self._wake.set()

    def put_close(self, why: CloseCode) -> None:
        """Close the socket once what was put before is sent."""
        self._events.append(_Queued(why, None, 0.0))
        self._wake.set()

    async def follow(self, turn_id: UUID, *, message_id: UUID, position: Position) -> None:
        """Send the live text of a turn from `position` on. Following it anew moves the cursor there."""
        tail = await Hub.current().follow(turn_id, follower=self, wake=self._wake.set)
        self._cursors[turn_id] = _Cursor(tail, message_id, position)
        self._wake.set()

    def acknowledge(self, frames: int) -> None:
        """The client has received that many frames; numbers that can't be true are ignored."""
        while self._acknowledged_frames < frames and self._in_flight:
            self._in_flight_characters -= self._in_flight.popleft()
            self._acknowledged_frames += 1
        self._wake.set()

    def release(self) -> None:
        """Stop following; the socket is gone."""
        for cursor in self._cursors.values():
            Hub.current().unfollow(cursor.tail, follower=self)
        self._cursors.clear()

    async def run(self) -> None:
        while True:
            await self._wait()
            self._wake.clear()
            while True:
                if len(self._events) > EVENTS_MAX:
                    return await self._close(TOO_SLOW)
                if not self._has_room() and not await self._room():
                    return await self._close(TOO_SLOW)
                frame = self._next_frame()
                if frame is None:
                    break
                if isinstance(frame, CloseCode):
                    return await self._close(frame)
                self._in_flight.append(len(frame))
                self._in_flight_characters += len(frame)
                await self._send(frame)

    async def _wait(self) -> None:
        """Until there is news, or an event has waited long enough for its turn's live text."""
        if not self._events:
            await self._wake.wait()
            return
        seconds = self._events[0].deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _has_room(self) -> bool:
        return len(self._in_flight) < WINDOW_FRAMES and self._in_flight_characters < WINDOW_CHARACTERS

    async def _room(self) -> bool:
        """Wait for acknowledgements. False where the client takes nothing any more."""
        if not self._events and not any(c.index < len(c.tail.entries) for c in self._cursors.values()):
            return True
        try:
            async with asyncio.timeout(STALL_SECONDS):
                while not self._has_room():
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _next_frame(self) -> str | CloseCode | None:
        if self._events and not self._is_held(self._events[0]):
            return self._events.popleft().frame
        for turn_id, cursor in list(self._cursors.items()):
            frame = self._live_frame(cursor)
            if frame is not None:
                return frame
            if cursor.tail.closed:
                Hub.current().unfollow(cursor.tail, follower=self)
                del self._cursors[turn_id]
        if self._events and not self._is_held(self._events[0]):
            return self._events.popleft().frame
        return None

    def _is_held(self, event: _Queued) -> bool:
        if event.after_turn is None or event.after_turn not in self._cursors:
            return False
        return asyncio.get_running_loop().time() < event.deadline

    def _live_frame(self, cursor: _Cursor) -> str | None:
        tail = cursor.tail
        if not cursor.opened:
            cursor.opened = True
            cursor.index = tail.index_after(cursor.position)
            opened = LiveOpened(tail.handle, tail.turn_id, cursor.message_id, cursor.position)
            return _encode(opened).decode()
        first = cursor.index
        if first >= len(tail.entries):
            return None
        if tail.last_frame is None or tail.last_frame[0] != first:
            tail.last_frame = _frame_at(tail, first)
        _, cursor.index, frame = tail.last_frame
        return frame or self._live_frame(cursor)


def _frame_at(tail: Tail, first: int) -> tuple[int, int, str]:
    """The frame for the entries from index `first`, as many as can be joined, and the index behind them.

    The frame is empty where an entry is not told (the stream's end)."""
    position, entry = tail.entries[first]
    end = first + 1
    event: LiveDelta | PartStarted | PartEnded | PartAdded | AnswerSilent | AnswerReplaced
    match entry:
        case Appended(part=part, text=text):
            words, length, last = [text], len(text), position
            while end < len(tail.entries) and length < LIVE_FRAME_CHARACTERS:
                following_position, following = tail.entries[end]
                if not isinstance(following, Appended) or following.part != part:
                    break
                words.append(following.text)
                length += len(following.text)
                last = following_position
                end += 1
            event = LiveDelta(tail.handle, position.sequence, last.sequence, part, "".join(words))
        case Began(part=part, kind=kind):
            event = PartStarted(tail.handle, position.sequence, part, kind)
        case Ended(part=part, duration_ms=duration_ms):
            event = PartEnded(tail.handle, position.sequence, part, duration_ms)
        case Added(part=part, content=content):
            event = PartAdded(tail.handle, position.sequence, part, content)
        case Silent(seconds=seconds):
            event = AnswerSilent(tail.handle, position.sequence, seconds)
        case Replaced(parts=parts):
            event = AnswerReplaced(tail.handle, position, parts)
        case Closed():
            return first, end, ""
        case _:
            raise AssertionError(entry)
    return first, end, _encode(event).decode()
