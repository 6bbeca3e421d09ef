"""Starting turns: the transaction behind `turn.start` and `turn.retry`.

Locks are taken in the order Conversation, Turn. The conversation's row lock puts racing senders in one
order; the client's ids make a repeated command find what the first one stored.
"""

import uuid
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat import queries
from chat.broadcast import Done, ToPerson, ToRoom
from chat.models import Conversation, Message, Role, Turn, TurnState
from chat.models.turn import UNFINISHED
from chat.protocol.events import TurnCreated
from chat.protocol.parts import TextPart, encode_parts, text_sha256
from chat.turns.choice import Choice, choose
from chat.turns.jobs import defer_run
from chat.turns.placement import attach_point
from chat.turns.titles import placeholder_title


def start_turn(
    user: User,
    *,
    conversation_id: UUID,
    turn_id: UUID,
    message_id: UUID,
    parent_id: UUID | None,
    text: str,
    model_id: str,
    effort: str = "",
    may_create: bool,
) -> Done:
    """Store a message, its empty answer, the turn and its job, all or nothing.

    `parent_id` is the leaf the sender saw. Where the branch has grown since, the message goes to its
    end and waits for the answer there: nobody's message is lost and nothing runs twice on one leaf.
    Raises NOT_FOUND, CONFLICT (an id is taken), MESSAGE_EMPTY, MESSAGE_TOO_LONG, INVALID_FRAME (NUL),
    QUEUE_FULL, and what `choose` raises.
    """
    _check_text(text)
    standing = Conversation.objects.readable_by(user).filter(pk=conversation_id).first()
    try:
        choice = choose(user, standing, model_id=model_id, effort=effort)
    except UserFacingError:
        if repeated := _stored_before(standing, turn_id=turn_id, message_id=message_id):
            return repeated
        raise
    try:
        with transaction.atomic(durable=True):
            conversation = _lock_or_create(
                user, conversation_id, text=text, choice=choice, may_create=may_create
            )
            if repeated := _already_started(conversation, turn_id=turn_id, message_id=message_id):
                return repeated
            parent = attach_point(conversation, seen_leaf_id=parent_id)
            message = Message.objects.create(
                id=message_id,
                conversation=conversation,
                parent=parent,
                role=Role.USER,
                author=user,
                parts=encode_parts([TextPart(text)]),
                text_sha256=text_sha256([TextPart(text)]),
            )
            return _create_turn(conversation, turn_id=turn_id, message=message, choice=choice)
    except IntegrityError:
        return _after_collision(user, conversation_id, turn_id=turn_id, message_id=message_id)


def retry_turn(
    user: User,
    *,
    conversation_id: UUID,
    turn_id: UUID,
    message_id: UUID,
    model_id: str,
    effort: str = "",
) -> Done:
    """Answer a message again, as a sibling of the answers it has.

    Raises NOT_FOUND, CONFLICT, TURN_IN_PROGRESS, and what `choose` raises.
    """
    standing = queries.get_conversation(user, conversation_id)
    try:
        choice = choose(user, standing, model_id=model_id, effort=effort)
    except UserFacingError:
        if repeated := _stored_before(standing, turn_id=turn_id, message_id=message_id):
            return repeated
        raise
    try:
        with transaction.atomic(durable=True):
            conversation = _lock(user, conversation_id)
            if repeated := _already_started(conversation, turn_id=turn_id, message_id=message_id):
                return repeated
            message = conversation.messages.filter(pk=message_id, role=Role.USER).first()
            if message is None:
                raise UserFacingError(ErrorCode.NOT_FOUND)
            if message.turns.filter(state__in=UNFINISHED).exists():
                raise UserFacingError(ErrorCode.TURN_IN_PROGRESS)
            return _create_turn(conversation, turn_id=turn_id, message=message, choice=choice)
    except IntegrityError:
        return _after_collision(user, conversation_id, turn_id=turn_id, message_id=message_id)


def _check_text(text: str) -> None:
    limit = settings.MESSAGE_CHARACTERS_MAX
    if not text.strip():
        raise UserFacingError(ErrorCode.MESSAGE_EMPTY)
    if len(text) > limit:
        raise UserFacingError(
            ErrorCode.MESSAGE_TOO_LONG, details={"length": f"{len(text):,}", "limit": f"{limit:,}"}
        )
    if "\0" in text:  # Postgres can't store it
        raise UserFacingError(ErrorCode.INVALID_FRAME, details={"reason": "the text has a NUL character"})


def _stored_before(standing: Conversation | None, *, turn_id: UUID, message_id: UUID) -> Done | None:
    """What a repeated command had stored while its model could still be used."""
    return _already_started(standing, turn_id=turn_id, message_id=message_id) if standing else None


def _lock(user: User, conversation_id: UUID) -> Conversation:
    conversation = (
        Conversation.objects.writable_by(user).select_for_update().filter(pk=conversation_id).first()
    )
    if conversation is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return conversation


def _lock_or_create(
    user: User, conversation_id: UUID, *, text: str, choice: Choice, may_create: bool
) -> Conversation:
    if may_create and not Conversation.objects.filter(pk=conversation_id).exists():
        # A second sender's insert waits here for the first one's commit, then fails: IntegrityError.
        Conversation.objects.create(
            id=conversation_id, owner=user, title=placeholder_title(text), model_id=choice.model_id
        )
    return _lock(user, conversation_id)


def _already_started(conversation: Conversation, *, turn_id: UUID, message_id: UUID) -> Done | None:
    turn = Turn.objects.filter(pk=turn_id).first()
    if turn is None:
        return None
    if turn.conversation_id != conversation.pk or turn.message_id != message_id:
        raise UserFacingError(ErrorCode.CONFLICT)
    return Done(conversation.pk, conversation.version)


def _after_collision(user: User, conversation_id: UUID, *, turn_id: UUID, message_id: UUID) -> Done:
    """An id was taken while we inserted it: by this command's twin, or by something else."""
    conversation = queries.get_conversation(user, conversation_id)
    if repeated := _already_started(conversation, turn_id=turn_id, message_id=message_id):
        return repeated
    raise UserFacingError(ErrorCode.CONFLICT)


def _create_turn(conversation: Conversation, *, turn_id: UUID, message: Message, choice: Choice) -> Done:
    waits = Turn.objects.filter(answer=message.parent_id, state__in=UNFINISHED).exists()
    if waits:
        _check_queue(conversation)
    answer = Message.objects.create(
        id=uuid.uuid4(),
        conversation=conversation,
        parent=message,
        role=Role.ASSISTANT,
        model_id=choice.model_id,
    )
    turn = Turn.objects.create(
        id=turn_id,
        conversation=conversation,
        message=message,
        answer=answer,
        model_id=choice.model_id,
        effort=choice.effort,
        state=TurnState.QUEUED if waits else TurnState.STARTING,
    )
    if not waits:
        defer_run(turn.pk)
    conversation.active_leaf = answer
    conversation.model_id = choice.model_id
    # A model that decides itself leaves the choice as it was, for the next one that asks.
    conversation.effort = choice.effort or conversation.effort
    conversation.last_activity_at = timezone.now()
    conversation.version = F("version") + 1
    conversation.save(update_fields=["active_leaf", "model_id", "effort", "last_activity_at", "version"])
    # Columns that the database filled in, and the version it counted.
    for stored in (conversation, message, answer, turn):
        stored.refresh_from_db()
    return Done(
        conversation.pk,
        conversation.version,
        (
            ToRoom(
                conversation.pk,
                TurnCreated(
                    version=conversation.version,
                    turn=queries.turn_info(turn),
                    message=queries.message_info(message),
                    answer=queries.message_info(answer),
                ),
            ),
            ToPerson(conversation.owner_id, queries.listed(conversation, is_running=True)),
        ),
    )


def _check_queue(conversation: Conversation) -> None:
    limit = settings.QUEUED_TURNS_MAX
    if Turn.objects.filter(conversation=conversation, state=TurnState.QUEUED).count() >= limit:
        raise UserFacingError(ErrorCode.QUEUE_FULL, details={"limit": limit})
