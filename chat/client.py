"""A client of the websocket protocol, to use and to read: keeps one conversation as the server tells it.

`Replica` is the state and how each frame changes it (no network); `connect` is the network around it, with
acknowledgements and coming back after a lost connection. `manage.py chat` is built on both.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Union
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import aiohttp
import msgspec

from chat.protocol.close_codes import CLOSE_CODES
from chat.protocol.commands import (
    SUBPROTOCOL,
    Acknowledge,
    Command,
    KnownTurn,
    OpenConversation,
    Ping,
    Position,
)
from chat.protocol.events import (
    EVENT_TYPES,
    AnswerReplaced,
    AnswerSilent,
    ConversationConfigured,
    ConversationRenamed,
    ConversationSnapshot,
    Event,
    LiveDelta,
    LiveOpened,
    MessageInfo,
    PartAdded,
    PartEnded,
    PartStarted,
    Pong,
    TurnCreated,
    TurnFinished,
    TurnInfo,
    TurnStarted,
)
from chat.protocol.parts import NoticePart, Part, ReasoningPart, TextPart, text_sha256

ACKNOWLEDGE_FRAMES = 16
ACKNOWLEDGE_CHARACTERS = 16_000
PING_SECONDS = 25.0
RECONNECTS_MAX = 20

_decode_event: Callable[[str], Event] = msgspec.json.Decoder(Union[EVENT_TYPES]).decode  # noqa: UP007
_decode_delta = msgspec.json.Decoder(LiveDelta).decode
_encode = msgspec.json.Encoder().encode
_FINAL = ("completed", "stopped", "failed")


class ConnectionLost(Exception):
    """The socket closed. `code` is the websocket's close code; `come_back` whether to try again."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the connection was closed ({code})")
        self.code = code
        self.come_back = all(known.come_back for known in CLOSE_CODES if known.code == code)


def decode_frame(frame: str) -> Event | LiveDelta:
    """Raises msgspec.DecodeError for what no server of this version sends."""
    return _decode_delta(frame) if frame.startswith("[") else _decode_event(frame)


class Replica:
    """One conversation as this client knows it. `needs_resync` asks for `conversation.open` anew."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.title = ""
        self.messages: dict[UUID, MessageInfo] = {}
        self.turns: dict[UUID, TurnInfo] = {}
        self.needs_resync = False
        self.resyncs = 0
        self._handles: dict[int, UUID] = {}

    def open_command(self) -> OpenConversation:
        known = [
            KnownTurn(turn.id, self.messages[turn.answer_id].position)
            for turn in self.turns.values()
            if turn.state not in _FINAL and turn.answer_id in self.messages
        ]
        version = None if self.needs_resync else self.version
        return OpenConversation(known_version=version, known_turns=known[:100])

    def connected(self) -> None:
        """A new socket: handles of the old one mean nothing."""
        self._handles.clear()

    def apply(self, event: Event | LiveDelta) -> None:
        match event:
            case ConversationSnapshot():
                self._load(event)
            case (
                TurnCreated()
                | TurnStarted()
                | TurnFinished()
                | ConversationRenamed()
                | ConversationConfigured()
            ):
                self._apply_versioned(event)
            case Pong(version=version):
                behind = version is not None and self.version is not None and version > self.version
                self._resync_if(behind)
            case LiveOpened(handle=handle, message_id=message_id):
                self._handles[handle] = message_id
            case LiveDelta():
                self._append(event)
            case PartStarted() | PartEnded() | PartAdded() | AnswerSilent():
                self._apply_part(event)
            case AnswerReplaced(handle=handle, position=position, parts=parts):
                message = self._message_of(handle)
                if message and message.text_sha256 is None and position > message.position:
                    self._store(message, position=position, parts=parts)
            case _:
                pass

    def _apply_part(self, event: PartStarted | PartEnded | PartAdded | AnswerSilent) -> None:
        message = self._next(event.handle, event.sequence, event.sequence)
        if message is None:
            return
        match event:
            case PartStarted(kind=kind):
                message.parts.append(TextPart(text="") if kind == "text" else ReasoningPart(text=""))
            case PartEnded(part=index, duration_ms=duration_ms):
                if isinstance(ended := message.parts[index], ReasoningPart):
                    ended.duration_ms = duration_ms
            case PartAdded(content=content):
                message.parts.append(content)
            case AnswerSilent():
                pass

    def _load(self, snapshot: ConversationSnapshot) -> None:
        self.version = snapshot.conversation.version
        self.title = snapshot.conversation.title
        for message in snapshot.messages:
            known = self.messages.get(message.id)
            # What is shown of an unfinished answer may be ahead of the snapshot and is not taken back.
            if known is None or message.text_sha256 is not None or known.position <= message.position:
                self.messages[message.id] = message
        self.turns |= {turn.id: turn for turn in snapshot.turns}
        self.needs_resync = False

    def _apply_versioned(
        self,
        event: TurnCreated | TurnStarted | TurnFinished | ConversationRenamed | ConversationConfigured,
    ) -> None:
        if self.version is None or event.version <= self.version:
            return
        if event.version > self.version + 1:
            return self._resync_if(True)
        self.version = event.version
        match event:
            case ConversationRenamed(title=title):
                self.title = title
            case TurnCreated(turn=turn, message=message, answer=answer):
                self.turns[turn.id] = turn
                self.messages.setdefault(message.id, message)
                self.messages.setdefault(answer.id, answer)
            case TurnStarted(turn=turn):
                self.turns[turn.id] = turn
            case TurnFinished(turn=turn, text_sha256=sha256):
                self.turns[turn.id] = turn
                message = self.messages[turn.answer_id]
                if text_sha256(message.parts) == sha256:
                    final = msgspec.structs.replace(message, text_sha256=sha256)
                    self.messages[message.id] = final
                else:
                    self._resync_if(True)

    def _append(self, delta: LiveDelta) -> None:
        if message := self._next(delta.handle, delta.first, delta.last):
            part = message.parts[delta.part]
            if not isinstance(part, NoticePart):
                part.text += delta.text

    def _next(self, handle: int, first: int, last: int) -> MessageInfo | None:
        """The message that entries `first` to `last` continue; None where they are known or don't fit."""
        message = self._message_of(handle)
        if message is None or message.text_sha256 is not None or last <= message.position.sequence:
            return None
        if first != message.position.sequence + 1:
            self._resync_if(True)
            return None
        position = Position(message.position.attempt, last)
        return self._store(message, position=position, parts=message.parts)

    def _message_of(self, handle: int) -> MessageInfo | None:
        message_id = self._handles.get(handle)
        return self.messages.get(message_id) if message_id else None

    def _store(self, message: MessageInfo, *, position: Position, parts: list[Part]) -> MessageInfo:
        changed = msgspec.structs.replace(message, position=position, parts=parts)
        self.messages[message.id] = changed
        return changed

    def _resync_if(self, condition: bool) -> None:
        if condition and not self.needs_resync:
            self.needs_resync = True
            self.resyncs += 1


class Socket:
    """One websocket: frames in as text, commands out. Acknowledges and pings by itself."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self._frames = 0
        self._acknowledged = 0
        self._unacknowledged_characters = 0

    async def send(self, command: Command) -> None:
        await self.send_text(_encode(command).decode())

    async def send_text(self, frame: str) -> None:
        try:
            await self._websocket.send_str(frame)
        except ConnectionError as error:
            raise ConnectionLost(self._websocket.close_code) from error

    def abort(self) -> None:
        """Break the connection without a goodbye, as a network does."""
        transport = self._websocket.get_extra_info("transport")
        if transport is not None:
            transport.abort()

    async def frames(self) -> AsyncIterator[str]:
        """Every frame. Raises ConnectionLost when the socket closes."""
        while True:
            try:
                message = await self._websocket.receive(timeout=PING_SECONDS)
            except TimeoutError:
                await self.send(Ping())
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionLost(self._websocket.close_code)
            frame: str = message.data
            yield frame
            self._frames += 1
            self._unacknowledged_characters += len(frame)
            due = self._frames - self._acknowledged >= ACKNOWLEDGE_FRAMES
            if due or self._unacknowledged_characters >= ACKNOWLEDGE_CHARACTERS:
                self._acknowledged, self._unacknowledged_characters = self._frames, 0
                await self.send(Acknowledge(self._frames))


@contextlib.asynccontextmanager
async def connect(url: str, path: str, *, token: str) -> AsyncIterator[Socket]:
    """A socket at `path` (`/ws/me/`, `/ws/c/<id>/`) of the server at `url`. Raises ConnectionLost."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    address = urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + path, "", ""))
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        try:
            websocket = await session.ws_connect(
                address, protocols=[SUBPROTOCOL], max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=5)
            )
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost(None) from error
        try:
            yield Socket(websocket)
        finally:
            await websocket.close()


async def follow(
    url: str, conversation_id: UUID, *, token: str, replica: Replica
) -> AsyncGenerator[tuple[str, Socket]]:
    """Every frame of a room, applied to `replica`; comes back by itself after a lost connection.

    Raises ConnectionLost where coming back is of no use, or after 20 vain tries in a row.
    """
    failures = 0
    while True:
        asked = False
        try:
            async with connect(url, f"/ws/c/{conversation_id}/", token=token) as socket:
                replica.connected()
                await socket.send(replica.open_command())
                async for frame in socket.frames():
                    failures = 0
                    replica.apply(decode_frame(frame))
                    yield frame, socket
                    if replica.needs_resync and not asked:
                        await socket.send(replica.open_command())
                    asked = replica.needs_resync
        except ConnectionLost as lost:
            failures += 1
            if not lost.come_back or failures > RECONNECTS_MAX:
                raise
        await asyncio.sleep(min(10.0, 0.1 * 2**failures) * random.uniform(0.5, 1.0))  # noqa: S311
