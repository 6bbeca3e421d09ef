"""Telling the tabs: rare events through the Channels group of a room or of a person.

Use cases return broadcasts; the caller publishes them after the commit. A lost one is found by the
version counter (see `Pong`), so a failure to publish never fails what was stored.
"""

import logging
from dataclasses import dataclass
from uuid import UUID

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from chat.protocol.events import (
    ConversationConfigured,
    ConversationDeleted,
    ConversationListed,
    ConversationRenamed,
    ConversationUnlisted,
    TurnCreated,
    TurnFinished,
    TurnStarted,
)

logger = logging.getLogger(__name__)

type RoomEvent = (
    TurnCreated
    | TurnStarted
    | TurnFinished
    | ConversationRenamed
    | ConversationConfigured
    | ConversationDeleted
)
type PersonEvent = ConversationListed | ConversationUnlisted


@dataclass(frozen=True, slots=True)
class ToRoom:
    conversation_id: UUID
    event: RoomEvent


@dataclass(frozen=True, slots=True)
class ToPerson:
    user_id: int
    event: PersonEvent


type Broadcast = ToRoom | ToPerson


@dataclass(frozen=True, slots=True)
class Done:
    """What a use case stored: the conversation's version after it, and whom to tell of it."""

    conversation_id: UUID
    version: int
    broadcasts: tuple[Broadcast, ...] = ()


def room_group(conversation_id: UUID) -> str:
    return f"conversation.{conversation_id.hex}"


def person_group(user_id: int) -> str:
    return f"person.{user_id}"


async def publish(broadcasts: tuple[Broadcast, ...]) -> None:
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS has no default"
    for broadcast in broadcasts:
        match broadcast:
            case ToRoom(conversation_id, event):
                group, handler = room_group(conversation_id), "room.event"
            case ToPerson(user_id, event):
                group, handler = person_group(user_id), "person.event"
        message = {"type": handler, "event": msgspec.json.encode(event).decode()}
        try:
            await layer.group_send(group, message)
        except (RedisError, OSError) as error:
            logger.warning("an event could not be published: %s", type(error).__name__)


publish_from_sync = async_to_sync(publish)
