"""Events: what the server sends. Every frame but a live delta is a JSON object with a `type`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from betterchat.core.errors import UserFacingError
from chat.protocol.commands import PROTOCOL_VERSION, EffortName, Position
from chat.protocol.parts import NoticePart, PartKind, ReasoningPart, TextPart

TurnStateName = Literal["queued", "starting", "running", "completed", "stopped", "failed"]
RoleName = Literal["user", "assistant"]
FinishReasonName = Literal["stop", "length"]
TitleSourceName = Literal["placeholder", "model", "manual"]


class ErrorInfo(msgspec.Struct, frozen=True):
    """A failure in words. `action` names the one main thing to offer; see the table of codes."""

    code: str
    sentence: str
    next_step: str
    action: str
    retry_after_seconds: int | None = None

    @classmethod
    def of(cls, error: UserFacingError) -> "ErrorInfo":
        return cls(
            code=error.code.value,
            sentence=error.sentence,
            next_step=error.next_step,
            action=error.action.value,
            retry_after_seconds=error.retry_after_seconds,
        )


class PersonInfo(msgspec.Struct, frozen=True):
    id: int
    label: str


class MessageInfo(msgspec.Struct, frozen=True):
    """One node of the tree. `position` says up to where `parts` holds an answer still being written;
    `text_sha256` is set once the message is final (see `text_sha256` under Parts)."""

    id: UUID
    parent_id: UUID | None
    role: RoleName
    parts: list[TextPart | ReasoningPart | NoticePart]
    created_at: datetime
    author: PersonInfo | None
    model_id: str | None
    position: Position
    text_sha256: str | None


class TurnInfo(msgspec.Struct, frozen=True):
    """One request until its answer is complete. `message_id` is asked, `answer_id` answers it.

    `effort` is null where the model decides itself how much it thinks."""

    id: UUID
    message_id: UUID
    answer_id: UUID
    state: TurnStateName
    model_id: str
    effort: EffortName | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    finish_reason: FinishReasonName | None
    error: ErrorInfo | None


class ConversationInfo(msgspec.Struct, frozen=True):
    """`model_id` and `effort` are what the next turn begins with: those of the last one, or chosen since.
    `effort` is null where none was asked for yet."""

    id: UUID
    title: str
    title_source: TitleSourceName
    model_id: str
    effort: EffortName | None
    version: int
    created_at: datetime
    last_activity_at: datetime


class _Event(msgspec.Struct, tag_field="type", frozen=True):
    pass


class Welcome(_Event, frozen=True, tag="welcome"):
    """First on every socket."""

    user: PersonInfo
    server_version: str
    protocol: int = PROTOCOL_VERSION


class Pong(_Event, frozen=True, tag="pong"):
    """`version` is the conversation's current one on a room socket, null on the person's. A client
    that has seen a lower one missed an event and sends `conversation.open` again."""

    version: int | None


class CommandAccepted(_Event, frozen=True, tag="command.accepted"):
    """What the command asked is stored durably."""

    command_id: UUID
    conversation_id: UUID
    version: int


class CommandRefused(_Event, frozen=True, tag="command.refused"):
    """Nothing was stored. `command_id` is null where the frame could not be read."""

    command_id: UUID | None
    error: ErrorInfo


class ConversationSnapshot(_Event, frozen=True, tag="conversation.snapshot"):
    """The active branch (its last messages, oldest first) and the turns that wrote it.

    `has_earlier` says that the branch begins before `messages[0]`; GET
    `/c/<id>/branch/?before=<message id>` returns the messages before it as the same object.
    """

    conversation: ConversationInfo
    messages: list[MessageInfo]
    turns: list[TurnInfo]
    has_earlier: bool


class ConversationCurrent(_Event, frozen=True, tag="conversation.current"):
    """Answer to `conversation.open` where the client's version is still the current one."""

    version: int


class TurnCreated(_Event, frozen=True, tag="turn.created"):
    """A message was sent (or an answer asked for again: then `message` is one the client may know)."""

    version: int
    turn: TurnInfo
    message: MessageInfo
    answer: MessageInfo


class TurnStarted(_Event, frozen=True, tag="turn.started"):
    """A worker took the turn."""

    version: int
    turn: TurnInfo


class TurnFinished(_Event, frozen=True, tag="turn.finished"):
    """The answer is final. It comes after the last live frame of the turn. A client whose text has
    another hash than `text_sha256` sends `conversation.open` with `known_version` null."""

    version: int
    turn: TurnInfo
    text_sha256: str


class ConversationRenamed(_Event, frozen=True, tag="conversation.renamed"):
    version: int
    title: str
    title_source: TitleSourceName


class ConversationConfigured(_Event, frozen=True, tag="conversation.configured"):
    """The model or the effort of the turns to come was chosen. `turn.created` tells of both as well."""

    version: int
    model_id: str
    effort: EffortName | None


class ConversationDeleted(_Event, frozen=True, tag="conversation.deleted"):
    """The room closes after this (4404)."""

    version: int


class ConversationListed(_Event, frozen=True, tag="conversation.listed"):
    """Person's socket: a conversation is new in the sidebar or its line there changed."""

    id: UUID
    title: str
    last_activity_at: datetime
    is_running: bool


class ConversationUnlisted(_Event, frozen=True, tag="conversation.unlisted"):
    """Person's socket: the conversation left the sidebar."""

    id: UUID


class LiveOpened(_Event, frozen=True, tag="live.opened"):
    """From here on, live frames with this `handle` write the answer `message_id`, starting after
    `position`. Handles are short numbers, valid on this socket only."""

    handle: int
    turn_id: UUID
    message_id: UUID
    position: Position


class PartStarted(_Event, frozen=True, tag="part.started"):
    """Live: part number `part` (from 0) begins, empty."""

    handle: int
    sequence: int
    part: int
    kind: PartKind


class PartEnded(_Event, frozen=True, tag="part.ended"):
    """Live: no more text for this part."""

    handle: int
    sequence: int
    part: int
    duration_ms: int


class PartAdded(_Event, frozen=True, tag="part.added"):
    """Live: part number `part` comes whole."""

    handle: int
    sequence: int
    part: int
    content: NoticePart


class AnswerSilent(_Event, frozen=True, tag="answer.silent"):
    """Live: the provider has sent nothing at all for `seconds`, not even that it thinks. 0: it is heard
    again; the next text says so as well."""

    handle: int
    sequence: int
    seconds: int


class AnswerReplaced(_Event, frozen=True, tag="answer.replaced"):
    """Live: forget what you hold of this answer; it is `parts`, at `position`."""

    handle: int
    position: Position
    parts: list[TextPart | ReasoningPart | NoticePart]


class LiveDelta(msgspec.Struct, array_like=True, frozen=True):
    """Live: text to append, as a bare array `[handle, first, last, part, text]` to be short.

    It holds the entries `first` to `last` of the current attempt. `first` is the sequence seen last
    plus one; where it is higher, something is missing: send `conversation.open` with `known_version`
    null. Entries up to the sequence seen last are known already.
    """

    handle: int
    first: int
    last: int
    part: int
    text: str


type Event = (
    Welcome
    | Pong
    | CommandAccepted
    | CommandRefused
    | ConversationSnapshot
    | ConversationCurrent
    | TurnCreated
    | TurnStarted
    | TurnFinished
    | ConversationRenamed
    | ConversationConfigured
    | ConversationDeleted
    | ConversationListed
    | ConversationUnlisted
    | LiveOpened
    | PartStarted
    | PartEnded
    | PartAdded
    | AnswerSilent
    | AnswerReplaced
)
EVENT_TYPES: tuple[type[_Event], ...] = (
    Welcome,
    Pong,
    CommandAccepted,
    CommandRefused,
    ConversationSnapshot,
    ConversationCurrent,
    TurnCreated,
    TurnStarted,
    TurnFinished,
    ConversationRenamed,
    ConversationConfigured,
    ConversationDeleted,
    ConversationListed,
    ConversationUnlisted,
    LiveOpened,
    PartStarted,
    PartEnded,
    PartAdded,
    AnswerSilent,
    AnswerReplaced,
)
