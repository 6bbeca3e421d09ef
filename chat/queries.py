"""Reading conversations for pages and tabs. Constant numbers of queries, windows of bounded size."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from django.db import connection

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.models import Conversation, Message, Turn
from chat.models.turn import UNFINISHED
from chat.protocol.commands import EffortName
from chat.protocol.events import (
    ConversationInfo,
    ConversationListed,
    ConversationSnapshot,
    ErrorInfo,
    FinishReasonName,
    MessageInfo,
    PersonInfo,
    RoleName,
    TitleSourceName,
    TurnInfo,
    TurnStateName,
)
from chat.protocol.usage import TurnUsage
from chat.spending import conversation_usage, turn_usages

WINDOW_MESSAGES = 100

_BRANCH_SQL = """
WITH RECURSIVE branch (id, parent_id, depth) AS (
    SELECT id, parent_id, 1 FROM chat_message WHERE id = %s AND conversation_id = %s
    UNION ALL
    SELECT parent.id, parent.parent_id, branch.depth + 1
    FROM chat_message parent JOIN branch ON parent.id = branch.parent_id
    WHERE branch.depth < %s
)
SELECT id FROM branch ORDER BY depth DESC
"""


def branch_ids(conversation_id: UUID, *, leaf_id: UUID | None, limit: int = 2**31 - 1) -> list[UUID]:
    """Ids from the root (or the last `limit` of them) down to `leaf_id`; empty where there is no leaf."""
    if leaf_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BRANCH_SQL, [leaf_id, conversation_id, limit])
        return [row[0] for row in cursor.fetchall()]


def get_conversation(user: User, conversation_id: UUID) -> Conversation:
    """Raises NOT_FOUND alike for what does not exist and for what is not `user`'s."""
    conversation = Conversation.objects.readable_by(user).filter(pk=conversation_id).first()
    if conversation is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return conversation


def get_version(user: User, conversation_id: UUID) -> int:
    """The current version of a conversation that `user` may read. Raises NOT_FOUND."""
    version = (
        Conversation.objects.readable_by(user)
        .filter(pk=conversation_id)
        .values_list("version", flat=True)
        .first()
    )
    if version is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return version


def snapshot(
    user: User, conversation_id: UUID, *, before_message_id: UUID | None = None
) -> ConversationSnapshot:
    """The end of the active branch, or what lies above `before_message_id`. Raises NOT_FOUND.

    Read in the order conversation, turns, messages: what changes in between makes the snapshot newer
    than its version says, never older, and the events that follow change nothing twice.
    """
    conversation = get_conversation(user, conversation_id)
    if before_message_id is None:
        leaf_id = conversation.active_leaf_id
    else:
        above = Message.objects.filter(pk=before_message_id, conversation=conversation)
        if not (found := above.values_list("parent_id", flat=True)):
            raise UserFacingError(ErrorCode.NOT_FOUND)
        leaf_id = found[0]
    ids = branch_ids(conversation.pk, leaf_id=leaf_id, limit=WINDOW_MESSAGES + 1)
    has_earlier = len(ids) > WINDOW_MESSAGES
    ids = ids[-WINDOW_MESSAGES:]
    turns = list(Turn.objects.filter(answer__in=ids).order_by("created_at"))
    usages = turn_usages(turn.pk for turn in turns if turn.state not in UNFINISHED)
    by_id = Message.objects.select_related("author").in_bulk(ids)
    return ConversationSnapshot(
        conversation=conversation_info(conversation),
        messages=[message_info(by_id[id_]) for id_ in ids if id_ in by_id],
        turns=[turn_info(turn, usage=usages.get(turn.pk)) for turn in turns],
        has_earlier=has_earlier,
    )


def unfinished_turns(conversation_id: UUID) -> list[TurnInfo]:
    turns = Turn.objects.filter(conversation=conversation_id, state__in=UNFINISHED).order_by("created_at")
    return [turn_info(turn) for turn in turns]


def conversation_info(conversation: Conversation) -> ConversationInfo:
    return ConversationInfo(
        id=conversation.pk,
        title=conversation.title,
        title_source=cast(TitleSourceName, conversation.title_source),
        model_id=conversation.model_id,
        effort=effort_name(conversation.effort),
        version=conversation.version,
        created_at=conversation.created_at,
        last_activity_at=conversation.last_activity_at,
        usage=conversation_usage(conversation.pk),
    )


def message_info(message: Message) -> MessageInfo:
    author = message.author
    return MessageInfo(
        id=message.pk,
        parent_id=message.parent_id,
        role=cast(RoleName, message.role),
        parts=message.decoded_parts,
        created_at=message.created_at,
        author=PersonInfo(id=author.pk, label=author.label) if author else None,
        model_id=message.model_id or None,
        position=message.position,
        text_sha256=message.text_sha256 or None,
    )


def turn_info(turn: Turn, *, usage: TurnUsage | None = None) -> TurnInfo:
    return TurnInfo(
        id=turn.pk,
        message_id=turn.message_id,
        answer_id=turn.answer_id,
        state=cast(TurnStateName, turn.state),
        model_id=turn.model_id,
        effort=effort_name(turn.effort),
        created_at=turn.created_at,
        started_at=turn.started_at,
        finished_at=turn.finished_at,
        finish_reason=cast(FinishReasonName, turn.finish_reason) if turn.finish_reason else None,
        error=_turn_error(turn),
        usage=usage,
    )


def effort_name(stored: str) -> EffortName | None:
    return cast(EffortName, stored) if stored else None


def _turn_error(turn: Turn) -> ErrorInfo | None:
    if not turn.error_code:
        return None
    return ErrorInfo.of(
        UserFacingError(
            ErrorCode(turn.error_code),
            details=turn.error_details,
            retry_after_seconds=turn.retry_after_seconds,
        )
    )


def listed(conversation: Conversation, *, is_running: bool) -> ConversationListed:
    return ConversationListed(
        id=conversation.pk,
        title=conversation.title,
        last_activity_at=conversation.last_activity_at,
        is_running=is_running,
    )


def running_among(conversation_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these conversations have a turn that has not ended."""
    return set(
        Turn.objects.filter(conversation__in=list(conversation_ids), state__in=UNFINISHED).values_list(
            "conversation_id", flat=True
        )
    )
