"""Reading conversations for pages and tabs. Constant numbers of queries, windows of bounded size."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, Sum

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.models import Conversation, Generation, Message, Turn
from chat.models.turn import UNFINISHED
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
from chat.protocol.usage import ConversationUsage, TurnUsage
from providers.models import Usage

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
        created_at=turn.created_at,
        started_at=turn.started_at,
        finished_at=turn.finished_at,
        finish_reason=cast(FinishReasonName, turn.finish_reason) if turn.finish_reason else None,
        error=_turn_error(turn),
        usage=usage,
    )


def turn_usages(turn_ids: Iterable[UUID]) -> dict[UUID, TurnUsage]:
    """What each of these turns used, in one query; without those that called no model."""
    calls: defaultdict[UUID, list[Usage]] = defaultdict(list)
    generations = Generation.objects.filter(turn__in=list(turn_ids), usage__isnull=False)
    for generation in generations.select_related("usage__endpoint").order_by("turn", "number"):
        assert generation.usage is not None
        calls[generation.turn_id].append(generation.usage)
    return {turn_id: _summed(usages) for turn_id, usages in calls.items()}


def _summed(usages: Sequence[Usage]) -> TurnUsage:
    labels = [usage.endpoint.label for usage in usages if usage.endpoint]
    first = (usage.first_token_ms for usage in usages if usage.first_token_ms is not None)
    return TurnUsage(
        calls=len(usages),
        input_tokens=_all_or_nothing(usage.input_tokens for usage in usages),
        output_tokens=_all_or_nothing(usage.output_tokens for usage in usages),
        cached_tokens=_what_is_told(usage.cached_tokens for usage in usages),
        reasoning_tokens=_what_is_told(usage.reasoning_tokens for usage in usages),
        cost_microusd=_all_or_nothing(usage.cost_microusd for usage in usages),
        estimated=any(usage.estimated for usage in usages),
        own_key=any(usage.own_key for usage in usages),
        served_by=list(dict.fromkeys(labels)),
        first_token_ms=next(first, None),
        duration_ms=sum(usage.duration_ms for usage in usages),
    )


def _all_or_nothing(counts: Iterable[int | None]) -> int | None:
    known = list(counts)
    told = [count for count in known if count is not None]
    return sum(told) if len(told) == len(known) else None


def _what_is_told(counts: Iterable[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def conversation_usage(conversation_id: UUID) -> ConversationUsage:
    """All branches together, in one query."""
    calls = Generation.objects.filter(turn__conversation=conversation_id, usage__isnull=False)
    sums = calls.aggregate(
        calls=Count("pk"),
        input_tokens=Sum("usage__input_tokens", default=0),
        output_tokens=Sum("usage__output_tokens", default=0),
        cost_microusd=Sum("usage__cost_microusd", default=0),
        unknown_cost_calls=Count("pk", filter=Q(usage__cost_microusd=None)),
        estimated_calls=Count("pk", filter=Q(usage__estimated=True)),
    )
    return ConversationUsage(**{name: int(count) for name, count in sums.items()})


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
