"""What a model is sent: the branch from the root to the message it answers."""

from chat.models import Message, Turn
from chat.protocol.parts import plain_text
from chat.queries import branch_ids
from providers.events import Effort, ModelRequest, PromptMessage, Purpose, Role


def build_request(turn: Turn) -> ModelRequest:
    """Text of the branch in order. Answers without a word (stopped, failed) are left out."""
    ids = branch_ids(turn.conversation_id, leaf_id=turn.message_id)
    by_id = Message.objects.in_bulk(ids)
    messages: list[PromptMessage] = []
    for id_ in ids:
        message = by_id[id_]
        if text := plain_text(message.decoded_parts):
            messages.append(PromptMessage(Role(message.role), text))
    return ModelRequest(
        model_id=turn.model_id,
        messages=tuple(messages),
        purpose=Purpose.ANSWER,
        effort=Effort(turn.effort) if turn.effort else None,
    )
