"""What a model is sent: the branch from the root to the message it answers, and what came of the answer."""

from dataclasses import replace
from typing import assert_never

from chat.models import Message, Turn
from chat.protocol.parts import plain_text
from chat.queries import branch_ids
from providers.events import Effort, ModelRequest, PromptMessage, Purpose, Role
from providers.models import Continuation


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


_LAST_WORDS = 12
_CONTINUE = (
    "Your answer above was cut off by a technical failure. Continue it exactly where it stopped, in the same "
    "language and format. Begin by repeating its last words, which are:\n\n{words}\n\nThen go straight on. "
    "Do not start over, do not comment on this, do not apologise."
)


def continued(request: ModelRequest, *, text: str, continuation: Continuation) -> ModelRequest:
    """The request that makes a model go on behind `text`, in the way that is declared for it."""
    # Anthropic refuses a last message that ends with white space; the seam puts it back.
    answer = PromptMessage(Role.ASSISTANT, text.rstrip())
    match continuation:
        case Continuation.PREFILL:
            added: tuple[PromptMessage, ...] = (answer,)
        case Continuation.ASK:
            words = " ".join(text.split()[-_LAST_WORDS:])
            added = (answer, PromptMessage(Role.USER, _CONTINUE.format(words=words)))
        case Continuation.RESTART:
            added = ()
        case _:
            assert_never(continuation)
    return replace(request, messages=(*request.messages, *added))
