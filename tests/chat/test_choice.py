"""The model and the effort of a conversation and of its turns: rows 15, 41 and 46."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat import conversations, queries
from chat.broadcast import Done, ToRoom
from chat.models import Conversation, Turn
from chat.protocol.commands import EffortName
from chat.protocol.events import ConversationConfigured, TurnCreated
from chat.turns.prompt import build_request
from chat.turns.start import retry_turn, start_turn
from providers.models import Effort, Endpoint, LanguageModel, Provider
from tests.chat.test_start import finish
from tests.data import DEMO, a_model, a_person, the_turn

pytestmark = pytest.mark.django_db
THINKER, LEVELS = "openai:thinker", "openai:levels"


@pytest.fixture
def alice() -> User:
    """With Demo, a model with every effort, and one with two."""
    a_model()
    for model_id, efforts in ((THINKER, [effort.value for effort in Effort]), (LEVELS, ["low", "medium"])):
        a_model(model_id, provider=Provider.OPENAI)
        LanguageModel.objects.filter(pk=model_id).update(name=model_id.title(), efforts=efforts)
    return a_person()


def sent(person: User, *, conversation: uuid.UUID | None = None, model: str = "", effort: str = "") -> Turn:
    done = start_turn(
        person,
        conversation_id=conversation or uuid.uuid4(),
        turn_id=uuid.uuid4(),
        message_id=uuid.uuid4(),
        parent_id=None,
        text="Hello",
        model_id=model,
        effort=effort,
        may_create=conversation is None,
    )
    return the_turn(Conversation.objects.get(pk=done.conversation_id))


def standing(turn: Turn) -> tuple[str, str]:
    conversation = Conversation.objects.get(pk=turn.conversation_id)
    return conversation.model_id, conversation.effort


def refusal(act: Callable[[], object]) -> UserFacingError:
    with pytest.raises(UserFacingError) as raised:
        act()
    return raised.value


def test_the_words_of_the_protocol_are_those_of_the_models() -> None:
    assert EffortName.__args__ == tuple(effort.value for effort in Effort)  # type: ignore[attr-defined]


def test_without_a_choice_a_new_conversation_asks_for_medium(alice: User) -> None:
    turn = sent(alice, model=THINKER)
    assert turn.effort == "medium"
    assert build_request(turn).effort is Effort.MEDIUM
    assert queries.turn_info(turn).effort == "medium"


def test_a_model_without_efforts_is_asked_for_none(alice: User) -> None:
    turn = sent(alice, model=DEMO)
    assert (turn.effort, queries.turn_info(turn).effort, build_request(turn).effort) == ("", None, None)
    assert queries.conversation_info(turn.conversation).effort is None


def test_a_choice_stays_with_the_conversation(alice: User) -> None:
    first = sent(alice, model=THINKER, effort="high")
    assert standing(first) == (THINKER, "high")
    assert sent(alice, conversation=first.conversation_id).effort == "high"
    snapshot = queries.snapshot(alice, first.conversation_id)
    assert snapshot.conversation.effort == "high"
    assert [turn.effort for turn in snapshot.turns] == ["high", "high"]


def test_another_model_takes_the_nearest_it_offers_and_one_without_keeps_the_choice(alice: User) -> None:
    id_ = sent(alice, model=THINKER, effort="max").conversation_id
    assert sent(alice, conversation=id_, model=DEMO).effort == ""
    levels = sent(alice, conversation=id_, model=LEVELS)
    assert levels.effort == "medium"
    assert standing(levels) == (LEVELS, "medium")


def test_an_effort_the_model_does_not_offer_is_refused_and_nothing_is_stored(alice: User) -> None:
    error = refusal(lambda: sent(alice, model=LEVELS, effort="max"))
    assert error.code is ErrorCode.EFFORT_UNAVAILABLE
    assert error.sentence == "Openai:Levels can't be asked for the effort max; it offers low, medium."
    assert refusal(lambda: sent(alice, model=DEMO, effort="low")).code is ErrorCode.EFFORT_UNAVAILABLE
    assert not Conversation.objects.exists()


def test_a_retry_may_think_harder(alice: User) -> None:
    turn = sent(alice, model=THINKER, effort="low")
    finish(turn)
    ids: dict[str, Any] = {"conversation_id": turn.conversation_id, "message_id": turn.message_id}
    retry_turn(alice, **ids, turn_id=uuid.uuid4(), model_id="", effort="high")
    again = the_turn(turn.conversation)
    assert (again.effort, Turn.objects.get(pk=turn.pk).effort) == ("high", "low")


def test_a_command_repeated_after_its_model_went_is_the_one_that_was_stored(alice: User) -> None:
    ids: dict[str, Any] = {name: uuid.uuid4() for name in ("conversation_id", "turn_id", "message_id")}

    def start() -> Done:
        return start_turn(alice, **ids, parent_id=None, text="Hello", model_id=THINKER, may_create=True)

    first = start()
    LanguageModel.objects.filter(pk=THINKER).delete()
    again = start()
    assert (again.conversation_id, again.version) == (first.conversation_id, first.version)
    assert Turn.objects.count() == 1


# --- Choosing ahead --------------------------------------------------------------------------------
def configured(person: User, turn: Turn, **choice: str) -> ConversationConfigured | None:
    done = conversations.configure(
        person, turn.conversation_id, model_id=choice.get("model_id", ""), effort=choice.get("effort", "")
    )
    for broadcast in done.broadcasts:
        assert isinstance(broadcast, ToRoom)
        assert isinstance(broadcast.event, ConversationConfigured)
        assert broadcast.event.version == done.version
        return broadcast.event
    return None


def test_a_choice_made_ahead_is_stored_and_told_once(alice: User) -> None:
    turn = sent(alice, model=THINKER, effort="low")
    told = configured(alice, turn, effort="max")
    assert told is not None
    assert (told.model_id, told.effort) == (THINKER, "max")
    assert configured(alice, turn, effort="max") is None
    assert configured(alice, turn) is None
    assert sent(alice, conversation=turn.conversation_id).effort == "max"


def test_another_model_chosen_ahead_leaves_the_effort_until_it_is_asked(alice: User) -> None:
    turn = sent(alice, model=THINKER, effort="max")
    configured(alice, turn, model_id=LEVELS)
    assert standing(turn) == (LEVELS, "max")
    configured(alice, turn, model_id=THINKER)
    assert sent(alice, conversation=turn.conversation_id).effort == "max"


def test_what_can_not_be_used_can_not_be_chosen(alice: User) -> None:
    turn = sent(alice, model=LEVELS)
    for choice, code in (
        ({"model_id": "nobody:x"}, ErrorCode.MODEL_UNAVAILABLE),
        ({"effort": "max"}, ErrorCode.EFFORT_UNAVAILABLE),
        ({"model_id": THINKER, "effort": "deep"}, ErrorCode.EFFORT_UNAVAILABLE),
    ):
        assert refusal(lambda choice=choice: configured(alice, turn, **choice)).code is code  # type: ignore[misc]
    stranger = a_person("charlie")
    assert refusal(lambda: configured(stranger, turn, effort="low")).code is ErrorCode.NOT_FOUND
    assert standing(turn) == (LEVELS, "medium")


def test_the_event_of_a_turn_tells_its_model_and_effort(alice: User) -> None:
    turn = sent(alice, model=THINKER)
    finish(turn)
    done = retry_turn(
        alice,
        conversation_id=turn.conversation_id,
        turn_id=uuid.uuid4(),
        message_id=turn.message_id,
        model_id=LEVELS,
        effort="low",
    )
    told = done.broadcasts[0]
    assert isinstance(told, ToRoom)
    assert isinstance(told.event, TurnCreated)
    assert (told.event.turn.model_id, told.event.turn.effort) == (LEVELS, "low")


# --- Models that go --------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["switched off", "deleted", "key gone"])
def test_a_conversation_whose_model_is_gone_opens_and_proposes_another(
    client: Client, alice: User, how: str
) -> None:
    turn = sent(alice, model=THINKER)
    LanguageModel.objects.filter(pk=THINKER).update(successor=LEVELS)
    gone = LanguageModel.objects.filter(pk=THINKER)
    if how == "deleted":
        gone.delete()
    elif how == "switched off":
        gone.update(enabled=False)
    else:
        Endpoint.objects.filter(routes__language_model=THINKER).update(available=False)
    client.force_login(alice)
    page = client.get(f"/c/{turn.conversation_id}/")
    assert page.status_code == 200
    html = page.content.decode()
    assert f'"standing_id":"{THINKER}","replacement_id":"{LEVELS}"' in html
    assert "Hello" in html
    code = ErrorCode.PROVIDER_KEY_MISSING if how == "key gone" else ErrorCode.MODEL_UNAVAILABLE
    assert refusal(lambda: sent(alice, conversation=turn.conversation_id)).code is code
    assert sent(alice, conversation=turn.conversation_id, model=LEVELS).effort == "medium"
