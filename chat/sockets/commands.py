"""Commands to use cases: one call for each, and nothing else."""

from typing import assert_never
from uuid import UUID

from accounts.models import User
from betterchat.core.db import in_thread
from chat import conversations
from chat.broadcast import Done
from chat.protocol.commands import (
    ConfigureConversation,
    DeleteConversation,
    RenameConversation,
    RestoreConversation,
    RetryTurn,
    StartTurn,
    StopTurn,
)
from chat.turns import control
from chat.turns.start import retry_turn, start_turn

type Change = (
    StartTurn
    | RetryTurn
    | StopTurn
    | ConfigureConversation
    | RenameConversation
    | DeleteConversation
    | RestoreConversation
)


async def carry_out(command: Change, *, user: User, may_create: bool) -> tuple[Done, tuple[UUID, ...]]:
    """What the command's use case stored, and the running turns to be told to stop."""
    match command:
        case StartTurn():
            done = await in_thread(start_turn)(
                user,
                conversation_id=command.conversation_id,
                turn_id=command.turn_id,
                message_id=command.message_id,
                parent_id=command.parent_id,
                text=command.text,
                model_id=command.model_id,
                effort=command.effort,
                may_create=may_create,
            )
        case RetryTurn():
            done = await in_thread(retry_turn)(
                user,
                conversation_id=command.conversation_id,
                turn_id=command.turn_id,
                message_id=command.message_id,
                model_id=command.model_id,
                effort=command.effort,
            )
        case StopTurn(conversation_id=conversation_id, turn_id=turn_id):
            done = await in_thread(control.stop_turn)(user, conversation_id=conversation_id, turn_id=turn_id)
            return done, () if done.broadcasts else (turn_id,)
        case ConfigureConversation(conversation_id=conversation_id, model_id=model_id, effort=effort):
            done = await in_thread(conversations.configure)(
                user, conversation_id, model_id=model_id, effort=effort
            )
        case RenameConversation(conversation_id=conversation_id, title=title):
            done = await in_thread(conversations.rename)(user, conversation_id, title=title)
        case DeleteConversation(conversation_id=conversation_id):
            return await in_thread(conversations.delete)(user, conversation_id)
        case RestoreConversation(conversation_id=conversation_id):
            done = await in_thread(conversations.restore)(user, conversation_id)
        case _:
            assert_never(command)
    return done, ()
