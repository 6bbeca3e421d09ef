"""Where a message goes in the tree."""

from uuid import UUID

from betterchat.core.errors import ErrorCode, UserFacingError
from chat import queries
from chat.models import Conversation, Message, Role


def attach_point(conversation: Conversation, *, seen_leaf_id: UUID | None) -> Message | None:
    """The answer a new message follows: the end of the branch its sender saw. None in an empty tree.

    Call it under the conversation's lock. Raises NOT_FOUND for a leaf of another conversation.
    """
    active_id = conversation.active_leaf_id
    if seen_leaf_id is None or seen_leaf_id == active_id:
        return _message(conversation, active_id) if active_id else None
    seen = _message(conversation, seen_leaf_id)
    if seen.pk in queries.branch_ids(conversation.pk, leaf_id=active_id):
        assert active_id is not None
        return _message(conversation, active_id)
    return _newest_leaf_below(seen)


def _message(conversation: Conversation, message_id: UUID) -> Message:
    message = conversation.messages.filter(pk=message_id).first()
    if message is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return message


def _newest_leaf_below(message: Message) -> Message:
    """Down the newest children to an answer: a message is never attached to an unanswered one."""
    leaf = message
    while child := leaf.children.order_by("-created_at", "-id").first():
        leaf = child
    if leaf.role != Role.ASSISTANT:
        raise UserFacingError(ErrorCode.CONFLICT)
    return leaf
