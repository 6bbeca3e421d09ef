"""Commands: what a client may send. Closed: an unknown type or field is refused."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

PROTOCOL_VERSION = 1
SUBPROTOCOL = f"betterchat.v{PROTOCOL_VERSION}"

EffortName = Literal["off", "minimal", "low", "medium", "high", "max"]


class _Command(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, frozen=True):
    pass


class Position(msgspec.Struct, forbid_unknown_fields=True, frozen=True, order=True):
    """How far an answer is known: the `sequence`-th entry of the `attempt`-th try. (0, 0) is nothing."""

    attempt: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    sequence: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0


class KnownTurn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the client holds of an unfinished answer."""

    turn_id: UUID
    position: Position


class OpenConversation(_Command, frozen=True, tag="conversation.open"):
    """Room socket only, and first: begin to receive.

    `known_version` is the version of the snapshot the client holds (null: none). If it is not the current
    one, a snapshot comes first. Unfinished answers go on from `known_turns`, or from where the snapshot
    has them if that is further: a client that says how far it knows an answer keeps what it has of it.
    """

    known_version: int | None = None
    known_turns: Annotated[list[KnownTurn], msgspec.Meta(max_length=100)] = []


class StartTurn(_Command, frozen=True, tag="turn.start"):
    """Send a message and ask for the answer.

    The ids are made by the client (UUID): repeating the command does nothing new. `parent_id` is the
    last message the client sees on the branch, null in an empty conversation. A conversation that does
    not exist is created by its first message, on the person's socket only. An empty `model_id` stands
    for the model of the conversation, or the person's default in a new one.

    `effort` is how much the model should think. One that the model does not offer is refused
    (`effort_unavailable`). Empty stands for the conversation's effort (`medium` in a new one), or the
    nearest that the model offers; a model that offers none decides itself. `turn.effort` tells which it is.
    """

    command_id: UUID
    conversation_id: UUID
    turn_id: UUID
    message_id: UUID
    parent_id: UUID | None
    text: str
    model_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    effort: EffortName | Literal[""] = ""


class RetryTurn(_Command, frozen=True, tag="turn.retry"):
    """Answer a message once more, beside the answers it has. `turn_id` is new and made by the client.

    An empty `model_id` stands for the model of the conversation; `effort` is as in `turn.start`.
    """

    command_id: UUID
    conversation_id: UUID
    turn_id: UUID
    message_id: UUID
    model_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    effort: EffortName | Literal[""] = ""


class StopTurn(_Command, frozen=True, tag="turn.stop"):
    """End a turn now; what came of the answer stays. A turn that has ended already is left as it is."""

    command_id: UUID
    conversation_id: UUID
    turn_id: UUID


class ConfigureConversation(_Command, frozen=True, tag="conversation.configure"):
    """Choose the model and the effort of the turns to come. An empty one stays as it is.

    `effort` has to be one that the model offers (`effort_unavailable`).
    """

    command_id: UUID
    conversation_id: UUID
    model_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    effort: EffortName | Literal[""] = ""


class RenameConversation(_Command, frozen=True, tag="conversation.rename"):
    """Give a title by hand; no automatic title replaces it."""

    command_id: UUID
    conversation_id: UUID
    title: str


class DeleteConversation(_Command, frozen=True, tag="conversation.delete"):
    """Take a conversation out of sight. `conversation.restore` brings it back until it is purged."""

    command_id: UUID
    conversation_id: UUID


class RestoreConversation(_Command, frozen=True, tag="conversation.restore"):
    """Undo `conversation.delete`. Person's socket only: a deleted conversation has no room."""

    command_id: UUID
    conversation_id: UUID


class Acknowledge(_Command, frozen=True, tag="ack"):
    """How many frames this socket has received since it opened.

    Send it at least every 16 frames or 16,000 characters. A socket that lets more than 64 frames or
    128,000 characters pass without one gets nothing more until it does, and is closed (4408) after 60 s.
    """

    frames: Annotated[int, msgspec.Meta(ge=0)]


class Ping(_Command, frozen=True, tag="ping"):
    """Answered by `pong`. Send one about every 25 s: it also shows whether an event was missed."""


type Command = (
    OpenConversation
    | StartTurn
    | RetryTurn
    | StopTurn
    | ConfigureConversation
    | RenameConversation
    | DeleteConversation
    | RestoreConversation
    | Acknowledge
    | Ping
)
COMMAND_TYPES: tuple[type[_Command], ...] = (
    OpenConversation,
    StartTurn,
    RetryTurn,
    StopTurn,
    ConfigureConversation,
    RenameConversation,
    DeleteConversation,
    RestoreConversation,
    Acknowledge,
    Ping,
)
