"""What the chat keeps of a person: deleted with them, handed out as JSON and Markdown."""

import json
import logging
from collections.abc import Iterator
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db.models.functions import Now
from redis.exceptions import RedisError

from betterchat.core.personal_data import AfterCommit, ExportedFile, Holder, register
from chat import queries
from chat.models import Conversation, Message, Role, Turn
from chat.models.turn import UNFINISHED
from chat.protocol.parts import plain_text
from chat.stream import connect, stream_key
from chat.turns.control import call_out

logger = logging.getLogger(__name__)


def delete(user_id: int) -> AfterCommit:
    """Conversations with all messages and turns, those in the trash too. Running answers are ended."""
    conversations = Conversation.objects.filter(owner_id=user_id)
    list(conversations.select_for_update().order_by("pk").values_list("pk", flat=True))
    turns = Turn.objects.filter(conversation__owner_id=user_id)
    unfinished = tuple(turns.filter(state__in=UNFINISHED).values_list("pk", flat=True))
    turns.filter(pk__in=unfinished).update(stop_requested_at=Now())
    all_turns = tuple(turns.values_list("pk", flat=True))
    conversations.delete()
    Message.objects.filter(author_id=user_id).update(author=None)

    def after_commit() -> None:
        async_to_sync(_forget)(all_turns, unfinished)

    return after_commit


async def _forget(turns: tuple[UUID, ...], unfinished: tuple[UUID, ...]) -> None:
    """Live text expires by itself; it need not wait for that."""
    await call_out(unfinished)
    redis = connect()
    try:
        if turns:
            await redis.delete(*(stream_key(turn) for turn in turns))
    except (RedisError, OSError) as error:
        logger.warning("live text expires by itself: %s", type(error).__name__)
    finally:
        await redis.aclose()


def export(user_id: int) -> Iterator[ExportedFile]:
    """Each conversation twice: the whole tree as JSON, the shown branch as Markdown."""
    for conversation in Conversation.objects.filter(owner_id=user_id).order_by("created_at", "pk"):
        messages = list(conversation.messages.order_by("created_at", "pk"))
        name = f"conversations/{conversation.created_at:%Y-%m-%d}-{conversation.pk}"
        yield ExportedFile(
            f"{name}.json", json.dumps(_tree(conversation, messages), ensure_ascii=False, indent=1)
        )
        yield ExportedFile(f"{name}.md", _readable(conversation, messages))


def _tree(conversation: Conversation, messages: list[Message]) -> dict[str, object]:
    turns = conversation.turns.order_by("created_at").values(
        "id",
        "message_id",
        "answer_id",
        "model_id",
        "effort",
        "state",
        "error_code",
        "created_at",
        "finished_at",
    )
    return {
        "id": str(conversation.pk),
        "title": conversation.title,
        "model": conversation.model_id,
        "created_at": conversation.created_at.isoformat(),
        "last_activity_at": conversation.last_activity_at.isoformat(),
        "deleted_at": conversation.deleted_at and conversation.deleted_at.isoformat(),
        "active_leaf": conversation.active_leaf_id and str(conversation.active_leaf_id),
        "messages": [
            {
                "id": str(message.pk),
                "parent": message.parent_id and str(message.parent_id),
                "role": message.role,
                "model": message.model_id,
                "parts": message.parts,
                "text_sha256": message.text_sha256,
                "created_at": message.created_at.isoformat(),
            }
            for message in messages
        ],
        "turns": [
            {name: value if value is None else str(value) for name, value in turn.items()} for turn in turns
        ],
    }


def _readable(conversation: Conversation, messages: list[Message]) -> str:
    by_id = {message.pk: message for message in messages}
    branch = queries.branch_ids(conversation.pk, leaf_id=conversation.active_leaf_id)
    said = [
        f"## {'You' if by_id[id_].role == Role.USER else by_id[id_].model_id or 'Answer'}\n\n"
        f"{plain_text(by_id[id_].decoded_parts)}\n"
        for id_ in branch
        if id_ in by_id
    ]
    return "\n".join([f"# {conversation.title}\n", *said])


register(Holder(name="chat", delete=delete, export=export))
