"""Use cases on a conversation as a whole: configure, rename, delete, restore, purge."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.broadcast import Done, ToPerson, ToRoom
from chat.models import Conversation, TitleSource
from chat.models.conversation import TITLE_CHARACTERS_MAX, ConversationQuerySet
from chat.protocol.events import ConversationConfigured, ConversationDeleted, ConversationUnlisted
from chat.queries import effort_name, get_conversation, listed, running_among
from chat.turns.choice import choose
from chat.turns.control import stop_all
from chat.turns.titles import renamed_broadcasts


def configure(user: User, conversation_id: UUID, *, model_id: str, effort: str) -> Done:
    """Choose what the turns to come begin with; an empty one stays.

    Raises NOT_FOUND, and what `choose` raises.
    """
    choose(user, get_conversation(user, conversation_id), model_id=model_id, effort=effort)
    with transaction.atomic(durable=True):
        conversation = _lock(Conversation.objects.writable_by(user), conversation_id)
        wanted = model_id or conversation.model_id, effort or conversation.effort
        if wanted == (conversation.model_id, conversation.effort):
            return Done(conversation.pk, conversation.version)
        conversation.model_id, conversation.effort = wanted
        conversation.version += 1
        conversation.save(update_fields=["model_id", "effort", "version"])
        configured = ConversationConfigured(
            version=conversation.version,
            model_id=conversation.model_id,
            effort=effort_name(conversation.effort),
        )
        return Done(conversation.pk, conversation.version, (ToRoom(conversation.pk, configured),))


def rename(user: User, conversation_id: UUID, *, title: str) -> Done:
    """Give a title by hand. Raises NOT_FOUND, TITLE_INVALID (empty, over 80 characters, NUL)."""
    title = " ".join(title.split())
    if not title or len(title) > TITLE_CHARACTERS_MAX or "\0" in title:
        raise UserFacingError(ErrorCode.TITLE_INVALID, details={"limit": TITLE_CHARACTERS_MAX})
    with transaction.atomic(durable=True):
        conversation = _lock(Conversation.objects.writable_by(user), conversation_id)
        conversation.title = title
        conversation.title_source = TitleSource.MANUAL
        conversation.version += 1
        conversation.save(update_fields=["title", "title_source", "version"])
        return Done(conversation.pk, conversation.version, renamed_broadcasts(conversation))


def delete(user: User, conversation_id: UUID) -> tuple[Done, tuple[UUID, ...]]:
    """Out of sight until restored or purged. Returns also the running turns, to be called out.

    Deleting what is deleted already changes nothing. Raises NOT_FOUND.
    """
    with transaction.atomic(durable=True):
        conversation = _lock(Conversation.objects.filter(owner=user), conversation_id)
        if conversation.deleted_at is not None:
            return Done(conversation.pk, conversation.version), ()
        running = stop_all(conversation)
        conversation.refresh_from_db()
        conversation.deleted_at = timezone.now()
        conversation.version += 1
        conversation.save(update_fields=["deleted_at", "version"])
        broadcasts = (
            ToRoom(conversation.pk, ConversationDeleted(version=conversation.version)),
            ToPerson(conversation.owner_id, ConversationUnlisted(id=conversation.pk)),
        )
        return Done(conversation.pk, conversation.version, broadcasts), running


def restore(user: User, conversation_id: UUID) -> Done:
    """Undo `delete`. Restoring what is there already changes nothing. Raises NOT_FOUND."""
    with transaction.atomic(durable=True):
        conversation = _lock(Conversation.objects.filter(owner=user), conversation_id)
        if conversation.deleted_at is None:
            return Done(conversation.pk, conversation.version)
        conversation.deleted_at = None
        conversation.version += 1
        conversation.save(update_fields=["deleted_at", "version"])
        is_running = bool(running_among([conversation.pk]))
        broadcasts = (ToPerson(conversation.owner_id, listed(conversation, is_running=is_running)),)
        return Done(conversation.pk, conversation.version, broadcasts)


def purge_deleted(*, before: datetime) -> int:
    """Delete for good what was deleted before that moment. Returns the number of conversations."""
    expired = Conversation.objects.filter(deleted_at__lt=before)
    count = expired.count()
    expired.delete()
    return count


def _lock(conversations: ConversationQuerySet, conversation_id: UUID) -> Conversation:
    conversation = conversations.select_for_update().filter(pk=conversation_id).first()
    if conversation is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return conversation
