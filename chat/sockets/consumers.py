"""Websocket consumers: authenticate, parse, call one use case, forward events. No rule lives here."""

import asyncio
import contextlib
import logging
from typing import ClassVar
from uuid import UUID

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from accounts.models import User
from accounts.watch import Watch
from accounts.websocket import is_still_authorised
from betterchat import __version__
from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode, UserFacingError
from chat import queries
from chat.broadcast import RoomEvent, person_group, publish, room_group
from chat.protocol.close_codes import (
    NOT_FOUND,
    NOT_SIGNED_IN,
    PROTOCOL_UNSUPPORTED,
    TOO_MANY_INVALID_FRAMES,
    UNAVAILABLE,
    CloseCode,
)
from chat.protocol.commands import (
    SUBPROTOCOL,
    Acknowledge,
    Command,
    OpenConversation,
    Ping,
    Position,
)
from chat.protocol.events import (
    CommandAccepted,
    CommandRefused,
    ConversationCurrent,
    ConversationDeleted,
    ErrorInfo,
    PersonInfo,
    Pong,
    TurnCreated,
    TurnFinished,
    TurnInfo,
    Welcome,
)
from chat.protocol.parsing import parse_command
from chat.sockets.commands import carry_out
from chat.sockets.outbox import Outbox
from chat.turns import control

logger = logging.getLogger(__name__)

INVALID_FRAMES_MAX = 20
JOIN_SECONDS = 2

_room_events: msgspec.json.Decoder[RoomEvent] = msgspec.json.Decoder(RoomEvent)


class _Consumer(AsyncWebsocketConsumer):  # type: ignore[misc] # channels has no types
    """What both sockets share: the handshake, one edge for failures, and the outbox."""

    may_create_conversations: ClassVar[bool] = False
    user: User
    outbox: Outbox

    async def connect(self) -> None:
        self._writer: asyncio.Task[None] | None = None
        self._closed = False
        self._invalid_frames = 0
        self._groups: list[str] = []
        if SUBPROTOCOL not in self.scope["subprotocols"]:
            return await self._refuse(PROTOCOL_UNSUPPORTED)
        if self.scope["auth"] is None:
            away = self.scope["auth_refused"] == "unavailable"
            return await self._refuse(UNAVAILABLE if away else NOT_SIGNED_IN, subprotocol=SUBPROTOCOL)
        self.user = self.scope["user"]
        try:
            if (group := await self._group()) is None:
                return await self._refuse(NOT_FOUND, subprotocol=SUBPROTOCOL)
            # In the group before anything is read: what changes from here on is heard.
            await self.channel_layer.group_add(group, self.channel_name)
        except (DatabaseError, RedisError, OSError):
            return await self._refuse(UNAVAILABLE, subprotocol=SUBPROTOCOL)
        self._groups.append(group)
        await self.accept(SUBPROTOCOL)
        Watch.current().add(self, scope=self.scope, end=lambda: self._close_with(NOT_SIGNED_IN))
        self.outbox = Outbox(send=self._send_frame, close=self._close_with)
        self._writer = asyncio.create_task(self.outbox.run())
        self.outbox.put(Welcome(user=PersonInfo(self.user.pk, self.user.label), server_version=__version__))

    async def disconnect(self, code: int) -> None:
        self._closed = True
        Watch.current().remove(self)
        for group in self._groups:
            # What is not discarded expires by itself.
            with contextlib.suppress(RedisError, OSError):
                await self.channel_layer.group_discard(group, self.channel_name)
        if self._writer is not None:
            self._writer.cancel()
            self.outbox.release()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._writer is None or self._closed:
            return
        command: Command | None = None
        try:
            command = parse_command(text=text_data, binary=bytes_data)
            await self._dispatch(command)
        except UserFacingError as error:
            await self._tell(command, error)
        except DatabaseError as error:
            logger.warning("a command failed: %s", type(error).__name__)
            if isinstance(command, OpenConversation):  # a room that is not open tells nothing
                return await self._close_with(UNAVAILABLE)
            await self._tell(command, UserFacingError(ErrorCode.UNAVAILABLE))
        except Exception:
            logger.exception("a command failed in an unforeseen way")
            await self._tell(command, UserFacingError(ErrorCode.INTERNAL))

    async def _join_again(self) -> None:
        """Redis may have forgotten who hears the group, and does so anyway after a day."""
        for group in self._groups:
            with contextlib.suppress(RedisError, OSError):
                async with asyncio.timeout(JOIN_SECONDS):  # a Redis that hangs must not hold up commands
                    await self.channel_layer.group_add(group, self.channel_name)

    async def events_lost(self, message: dict[str, str]) -> None:
        """From the channel layer, when Redis is back: the version tells the client what it missed."""
        if self._writer is not None and not self._closed:
            await self._join_again()
            with contextlib.suppress(DatabaseError):  # the client's own ping comes later
                await self._ping()

    async def _tell(self, command: Command | None, error: UserFacingError) -> None:
        self.outbox.put(CommandRefused(getattr(command, "command_id", None), ErrorInfo.of(error)))
        if command is None:
            self._invalid_frames += 1
            if self._invalid_frames >= INVALID_FRAMES_MAX:
                await self._close_with(TOO_MANY_INVALID_FRAMES)

    async def _dispatch(self, command: Command) -> None:
        if isinstance(command, Acknowledge):
            return self.outbox.acknowledge(command.frames)
        if not await in_thread(is_still_authorised)(self.scope):
            return await self._close_with(NOT_SIGNED_IN)
        match command:
            case Ping():
                await self._join_again()
                await self._ping()
            case OpenConversation():
                await self._open(command)
            case _:
                self._check_room(command.conversation_id)
                done, to_stop = await carry_out(
                    command, user=self.user, may_create=self.may_create_conversations
                )
                accepted = CommandAccepted(command.command_id, done.conversation_id, done.version)
                self.outbox.put(accepted)
                await publish(done.broadcasts)
                if to_stop:
                    await control.call_out(to_stop)

    async def _group(self) -> str | None:
        """The channel group to hear; None where the person may not."""
        raise NotImplementedError

    async def _ping(self) -> None:
        raise NotImplementedError

    async def _open(self, command: OpenConversation) -> None:
        raise NotImplementedError

    def _check_room(self, conversation_id: UUID) -> None:
        raise NotImplementedError

    async def _refuse(self, why: CloseCode, *, subprotocol: str | None = None) -> None:
        """Accept, then close: a browser shows no close code of a handshake that was refused."""
        self._closed = True
        await self.accept(subprotocol)
        await self.close(why.code)

    async def _close_with(self, why: CloseCode) -> None:
        if not self._closed:
            self._closed = True
            await self.close(why.code)

    async def _send_frame(self, frame: str) -> None:
        if not self._closed:
            await self.send(text_data=frame)


class RoomConsumer(_Consumer):
    """`/ws/c/<conversation id>/`: everything that happens in one conversation."""

    conversation_id: UUID

    async def _group(self) -> str | None:
        self.conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        self._opened = False
        try:
            await in_thread(queries.get_version)(self.user, self.conversation_id)
        except UserFacingError:
            return None
        return room_group(self.conversation_id)

    def _check_room(self, conversation_id: UUID) -> None:
        if conversation_id != self.conversation_id:
            raise UserFacingError(ErrorCode.NOT_FOUND)

    async def _ping(self) -> None:
        try:
            version = await in_thread(queries.get_version)(self.user, self.conversation_id)
        except UserFacingError:
            return await self._close_with(NOT_FOUND)
        self.outbox.put(Pong(version))

    async def _open(self, command: OpenConversation) -> None:
        """Events that come while the snapshot is read go out before it; the client drops the older ones."""
        self._opened = True
        version = await in_thread(queries.get_version)(self.user, self.conversation_id)
        known = {turn.turn_id: turn.position for turn in command.known_turns}
        if command.known_version == version:
            turns = await in_thread(queries.unfinished_turns)(self.conversation_id)
            self.outbox.put(ConversationCurrent(version))
        else:
            snapshot = await in_thread(queries.snapshot)(self.user, self.conversation_id)
            turns = snapshot.turns
            told = {message.id: message.position for message in snapshot.messages}
            for turn in turns:  # what a tab shows may be ahead of the last checkpoint
                known[turn.id] = max(known.get(turn.id, Position()), told.get(turn.answer_id, Position()))
            self.outbox.put(snapshot)
        for turn in turns:
            if turn.state in ("starting", "running"):
                await self._follow(turn, known.get(turn.id, Position()))

    async def _follow(self, turn: TurnInfo, position: Position) -> None:
        await self.outbox.follow(turn.id, message_id=turn.answer_id, position=position)

    async def room_event(self, message: dict[str, str]) -> None:
        """From the Channels group of the conversation."""
        if not self._opened or self._closed:
            return
        frame = message["event"]
        event = _room_events.decode(frame)
        match event:
            case TurnCreated(turn=turn, answer=answer) if turn.state == "starting":
                self.outbox.put_frame(frame)
                await self._follow(turn, answer.position)
            case TurnFinished(turn=turn):
                self.outbox.put_frame(frame, after_turn=turn.id)
            case ConversationDeleted():
                self.outbox.put_frame(frame)
                self.outbox.put_close(NOT_FOUND)
            case _:
                self.outbox.put_frame(frame)


class PersonConsumer(_Consumer):
    """`/ws/me/`: the person's sidebar, and the first message of a conversation that has no room yet."""

    may_create_conversations = True

    async def _group(self) -> str | None:
        return person_group(self.user.pk)

    def _check_room(self, conversation_id: UUID) -> None:
        """Any conversation; the use case asks whose it is."""

    async def _ping(self) -> None:
        self.outbox.put(Pong(None))

    async def _open(self, command: OpenConversation) -> None:
        raise UserFacingError(ErrorCode.INVALID_FRAME, details={"reason": "a room has a socket of its own"})

    async def person_event(self, message: dict[str, str]) -> None:
        """From the Channels group of the person."""
        if not self._closed:
            self.outbox.put_frame(message["event"])
