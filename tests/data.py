"""Test data in words. Alice owns, Bob takes part, Charlie is a stranger."""

import uuid
from uuid import UUID

from accounts.models import User
from chat.broadcast import Done
from chat.models import Conversation, Turn
from chat.turns.start import start_turn
from providers.models import Endpoint, LanguageModel, Provider, Route

DEMO = "demo:demo"


def a_person(name: str = "alice") -> User:
    return User.objects.create_user(f"{name}@example.org", "correct horse battery", display_name=name.title())


def a_guest() -> User:
    return User.objects.create_guest()


def a_model(
    model_id: str = DEMO,
    *,
    provider: Provider = Provider.DEMO,
    provider_model: str = "demo",
    base_url: str = "",
    open_to_guests: bool = False,
) -> LanguageModel:
    """A model with one endpoint that serves it."""
    model, _ = LanguageModel.objects.get_or_create(
        id=model_id, defaults={"name": model_id, "open_to_guests": open_to_guests or model_id == DEMO}
    )
    endpoint, _ = Endpoint.objects.get_or_create(
        name=model_id.replace(":", "-"),
        defaults={"provider": provider, "base_url": base_url, "allow_private": True},
    )
    Route.objects.get_or_create(
        language_model=model, endpoint=endpoint, defaults={"provider_model": provider_model}
    )
    return model


def send(
    person: User,
    text: str = "Hello",
    *,
    conversation: UUID | None = None,
    after: UUID | None = None,
    turn: UUID | None = None,
    message: UUID | None = None,
    model: str = DEMO,
) -> Done:
    return start_turn(
        person,
        conversation_id=conversation or uuid.uuid4(),
        turn_id=turn or uuid.uuid4(),
        message_id=message or uuid.uuid4(),
        parent_id=after,
        text=text,
        model_id=model,
        may_create=conversation is None,
    )


def a_conversation(*, owner: User, text: str = "Hello") -> Conversation:
    """With one message whose turn waits for a worker."""
    a_model()
    return Conversation.objects.get(pk=send(owner, text).conversation_id)


def the_turn(conversation: Conversation) -> Turn:
    """The newest turn."""
    return conversation.turns.order_by("-created_at").select_related("answer", "message")[0]
