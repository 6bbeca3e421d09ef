"""Starting turns: rows 1 and 26, laws 1, 5 and 6."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.models import Conversation, Message, Role, Turn, TurnState
from chat.protocol.parts import plain_text
from chat.turns import lifecycle
from chat.turns.jobs import RUN_TURN, defer_run
from chat.turns.lifecycle import Ending
from chat.turns.start import retry_turn, start_turn
from tests.data import DEMO, a_conversation, a_guest, a_model, a_person, send, the_turn

pytestmark = pytest.mark.django_db


def refusal(act: Callable[[], object]) -> ErrorCode:
    with pytest.raises(UserFacingError) as raised:
        act()
    return raised.value.code


def jobs() -> int:
    return ProcrastinateJob.objects.filter(task_name=RUN_TURN).count()


def finish(turn: Turn, state: TurnState = TurnState.COMPLETED) -> None:
    claim = lifecycle.claim(turn.pk)
    lifecycle.finish(turn.pk, attempt=claim.turn.attempt, sequence=1, parts=[], ending=Ending(state))


def test_the_first_message_creates_one_conversation_with_turn_answer_and_job() -> None:
    a_model()
    done = send(alice := a_person(), "What is a tree?")
    conversation = Conversation.objects.get(pk=done.conversation_id)
    turn = the_turn(conversation)
    assert conversation.owner == alice
    assert conversation.title == "What is a tree?"
    assert turn.state == TurnState.STARTING
    assert turn.message.parts == [{"kind": "text", "text": "What is a tree?"}]
    assert turn.answer.parent == turn.message
    assert conversation.active_leaf == turn.answer
    assert jobs() == 1


def test_the_same_command_ten_times_is_one_message_one_turn_one_job() -> None:
    a_model()
    alice = a_person()
    ids = {"conversation": uuid.uuid4(), "turn": uuid.uuid4(), "message": uuid.uuid4()}
    results = {start_new(alice, **ids) for _ in range(10)}
    assert results == {ids["conversation"]}
    assert (Message.objects.count(), Turn.objects.count(), jobs()) == (2, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_ten_senders_of_one_first_frame_at_once_store_it_once() -> None:
    a_model()
    alice = a_person()
    ids = {"conversation": uuid.uuid4(), "turn": uuid.uuid4(), "message": uuid.uuid4()}
    ready = threading.Barrier(10)

    def send_it() -> uuid.UUID:
        try:
            ready.wait(10)
            return start_new(alice, **ids)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(10) as pool:
        results = {future.result(30) for future in [pool.submit(send_it) for _ in range(10)]}
    assert results == {ids["conversation"]}
    assert (Message.objects.count(), Turn.objects.count(), jobs()) == (2, 1, 1)


def start_new(person: User, *, conversation: uuid.UUID, turn: uuid.UUID, message: uuid.UUID) -> uuid.UUID:
    done = start_turn(
        person,
        conversation_id=conversation,
        turn_id=turn,
        message_id=message,
        parent_id=None,
        text="Hello",
        model_id=DEMO,
        may_create=True,
    )
    return done.conversation_id


@pytest.mark.django_db(transaction=True)
def test_two_people_of_one_leaf_racing_keep_both_messages_in_one_order() -> None:
    alice = a_person()
    conversation = a_conversation(owner=alice)
    leaf = the_turn(conversation).answer_id
    ready = threading.Barrier(8)

    def race(number: int) -> None:
        try:
            ready.wait(10)
            send(alice, f"message {number}", conversation=conversation.pk, after=leaf)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(race, number) for number in range(8)]:
            future.result(30)
    # A single chain: every message has at most one child.
    parents = [m.parent_id for m in conversation.messages.all()]
    assert len(parents) == len(set(parents)) == 18
    states = list(conversation.turns.order_by("created_at").values_list("state", flat=True))
    assert states == [TurnState.STARTING] + [TurnState.QUEUED] * 8


def test_a_message_sent_meanwhile_waits_and_runs_next_once() -> None:
    alice = a_person()
    conversation = a_conversation(owner=alice)
    first = the_turn(conversation)
    send(alice, "second", conversation=conversation.pk, after=first.answer_id)
    second = the_turn(conversation)
    assert (second.state, second.message.parent_id, jobs()) == (TurnState.QUEUED, first.answer_id, 1)
    finish(first)
    second.refresh_from_db()
    assert (second.state, jobs()) == (TurnState.STARTING, 2)


@pytest.mark.parametrize("state", [TurnState.STOPPED, TurnState.FAILED])
def test_what_waited_runs_also_after_a_turn_that_did_not_complete(state: TurnState) -> None:
    alice = a_person()
    conversation = a_conversation(owner=alice)
    first = the_turn(conversation)
    send(alice, "second", conversation=conversation.pk, after=first.answer_id)
    finish(first, state)
    assert the_turn(conversation).state == TurnState.STARTING


def test_the_queue_has_a_stated_limit(settings: Settings) -> None:
    settings.QUEUED_TURNS_MAX = 2
    alice = a_person()
    conversation = a_conversation(owner=alice)
    for _ in range(2):
        send(alice, conversation=conversation.pk, after=None)
    assert refusal(lambda: send(alice, conversation=conversation.pk)) == ErrorCode.QUEUE_FULL


def test_a_stranger_finds_no_conversation_to_send_to() -> None:
    conversation = a_conversation(owner=a_person("alice"))
    charlie = a_person("charlie")
    assert refusal(lambda: send(charlie, conversation=conversation.pk)) == ErrorCode.NOT_FOUND
    assert refusal(lambda: send(charlie, conversation=uuid.uuid4())) == ErrorCode.NOT_FOUND


@pytest.mark.django_db(transaction=True)
def test_a_stranger_can_not_take_over_an_id_by_creating_it() -> None:
    conversation = a_conversation(owner=a_person("alice"))
    charlie = a_person("charlie")
    turn = the_turn(conversation)
    for ids in (
        {"conversation": conversation.pk, "turn": uuid.uuid4(), "message": uuid.uuid4()},
        {"conversation": uuid.uuid4(), "turn": turn.pk, "message": uuid.uuid4()},
        {"conversation": uuid.uuid4(), "turn": uuid.uuid4(), "message": turn.message_id},
    ):
        code = refusal(lambda ids=ids: start_new(charlie, **ids))  # type: ignore[misc]
        assert code in {ErrorCode.NOT_FOUND, ErrorCode.CONFLICT}
    assert Conversation.objects.count() == 1
    assert Message.objects.count() == 2


def test_a_leaf_of_another_conversation_is_not_there() -> None:
    alice = a_person()
    mine, other = a_conversation(owner=alice), a_conversation(owner=alice)
    foreign = the_turn(other).answer_id
    assert refusal(lambda: send(alice, conversation=mine.pk, after=foreign)) == ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.MESSAGE_EMPTY),
        (" \n\t", ErrorCode.MESSAGE_EMPTY),
        ("x" * 32_001, ErrorCode.MESSAGE_TOO_LONG),
        ("a\0b", ErrorCode.INVALID_FRAME),
    ],
)
def test_what_can_not_be_sent_is_refused_in_words(text: str, code: ErrorCode) -> None:
    a_model()
    assert refusal(lambda: send(a_person(), text)) == code
    assert not Conversation.objects.exists()


def test_a_message_of_exactly_the_limit_is_kept_whole() -> None:
    a_model()
    done = send(a_person(), "ü" * 32_000)
    turn = the_turn(Conversation.objects.get(pk=done.conversation_id))
    assert plain_text(turn.message.decoded_parts) == "ü" * 32_000


def test_guests_reach_only_what_is_open_to_them() -> None:
    a_model()
    a_model("openai:gpt-4.1-mini")
    guest = a_guest()
    assert refusal(lambda: send(guest, model="openai:gpt-4.1-mini")) == ErrorCode.MODEL_NOT_FOR_GUESTS
    send(guest, model=DEMO)


@pytest.mark.parametrize("model_id", ["nobody:nothing", "byok:nobody:nothing", "a\0b", "x" * 200])
def test_an_unknown_model_is_refused(model_id: str) -> None:
    a_model()
    assert refusal(lambda: send(a_person(), model=model_id)) == ErrorCode.MODEL_UNAVAILABLE


def test_a_retry_is_a_sibling_and_keeps_what_failed() -> None:
    alice = a_person()
    conversation = a_conversation(owner=alice)
    failed = the_turn(conversation)
    finish(failed, TurnState.FAILED)
    retry_turn(
        alice,
        conversation_id=conversation.pk,
        turn_id=uuid.uuid4(),
        message_id=failed.message_id,
        model_id=DEMO,
    )
    again = the_turn(conversation)
    assert again.answer.parent_id == failed.message_id
    assert again.answer_id != failed.answer_id
    assert Message.objects.filter(pk=failed.answer_id).exists()
    conversation.refresh_from_db()
    assert conversation.active_leaf_id == again.answer_id


def test_a_message_that_is_being_answered_is_not_answered_twice() -> None:
    alice = a_person()
    conversation = a_conversation(owner=alice)
    turn = the_turn(conversation)

    def retry() -> object:
        return retry_turn(
            alice,
            conversation_id=conversation.pk,
            turn_id=uuid.uuid4(),
            message_id=turn.message_id,
            model_id=DEMO,
        )

    assert refusal(retry) == ErrorCode.TURN_IN_PROGRESS


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_refuses_a_second_unfinished_turn_for_a_message() -> None:
    conversation = a_conversation(owner=a_person())
    turn = the_turn(conversation)
    answer = Message.objects.create(
        id=uuid.uuid4(), conversation=conversation, parent=turn.message, role=Role.ASSISTANT
    )
    with pytest.raises(Exception, match="one_unfinished_turn_per_message"), transaction.atomic():
        Turn.objects.create(
            id=uuid.uuid4(),
            conversation=conversation,
            message=turn.message,
            answer=answer,
            model_id=DEMO,
            state=TurnState.RUNNING,
        )


@pytest.mark.django_db(transaction=True)
def test_a_job_deferred_in_a_transaction_that_rolls_back_does_not_exist() -> None:
    conversation = a_conversation(owner=a_person())
    before = jobs()

    class Fault(Exception):
        pass

    def deferring_and_failing() -> None:
        with transaction.atomic():
            defer_run(the_turn(conversation).pk)
            assert jobs() == before + 1
            raise Fault

    with pytest.raises(Fault):
        deferring_and_failing()
    assert jobs() == before
    assert connection.in_atomic_block is False
