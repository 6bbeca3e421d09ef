"""Stopping a turn from anywhere: the wish is stored, then called out to the workers.

The call (Redis pub/sub) may be lost; the worker also reads the stored wish with each checkpoint.
"""

import asyncio
import logging
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from redis.asyncio import Redis
from redis.exceptions import RedisError

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.broadcast import Done
from chat.models import Conversation, Turn, TurnState
from chat.stream import connect
from chat.turns import lifecycle
from chat.turns.recorder import Recorder

logger = logging.getLogger(__name__)

STOP_CHANNEL = "betterchat.stop"
_RECONNECT_SECONDS = 1.0


def stop_turn(user: User, *, conversation_id: UUID, turn_id: UUID) -> Done:
    """Ask for the end of a turn; one that no worker has yet ends here. Raises NOT_FOUND.

    Follow it with `call_out` where the turn was running (`Done.broadcasts` is empty then).
    """
    with transaction.atomic(durable=True):
        conversation = (
            Conversation.objects.writable_by(user).select_for_update().filter(pk=conversation_id).first()
        )
        turn = Turn.objects.filter(pk=turn_id, conversation=conversation).first() if conversation else None
        if conversation is None or turn is None:
            raise UserFacingError(ErrorCode.NOT_FOUND)
        broadcasts = lifecycle.stop_waiting(turn, conversation=conversation)
        if not broadcasts:
            Turn.objects.filter(pk=turn_id, state=TurnState.RUNNING, stop_requested_at=None).update(
                stop_requested_at=Now()
            )
        return Done(conversation.pk, conversation.version, broadcasts)


def stop_all(conversation: Conversation) -> tuple[UUID, ...]:
    """Ask for the end of whatever runs or waits in a conversation that goes out of sight.

    Inside a transaction, under the conversation's lock. Returns the turns to call out.
    """
    unfinished = conversation.turns.filter(
        state__in=(TurnState.QUEUED, TurnState.STARTING, TurnState.RUNNING)
    ).order_by("-created_at")  # the waiting ones first, so that none is started by another's end
    running: list[UUID] = []
    for turn in unfinished:
        if not lifecycle.stop_waiting(turn, conversation=conversation):
            Turn.objects.filter(pk=turn.pk, stop_requested_at=None).update(stop_requested_at=Now())
            running.append(turn.pk)
    return tuple(running)


async def call_out(turn_ids: tuple[UUID, ...]) -> None:
    """Tell the workers at once. Best effort."""
    redis = connect()
    try:
        for turn_id in turn_ids:
            await redis.publish(STOP_CHANNEL, turn_id.hex)
    except (RedisError, OSError) as error:
        logger.warning("a stop could not be called out: %s", type(error).__name__)
    finally:
        await redis.aclose()


async def listen_forever(recorder: Recorder) -> None:
    """The worker's ear for `call_out`."""
    while True:
        redis: Redis = connect()
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(STOP_CHANNEL)
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        _stop(recorder, message["data"])
        except (RedisError, OSError) as error:
            logger.warning("stops are heard late for now: %s", type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)
        finally:
            await redis.aclose()


def _stop(recorder: Recorder, data: bytes) -> None:
    try:
        recorder.stop(UUID(data.decode()))
    except ValueError:
        logger.warning("the stop channel carried something that is no turn id")
