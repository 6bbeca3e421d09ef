"""A worker's turn: every word kept, every end named, one accepted writer."""

import asyncio
import uuid

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from betterchat.core.db import in_thread
from chat.models import Conversation, Generation, Message, TitleSource, Turn, TurnState
from chat.protocol.commands import Position
from chat.protocol.parts import Part, TextPart, plain_text, text_sha256, written_text
from chat.stream import Appended, Closed, Replaced, connect, stream_key
from chat.turns import control, lifecycle
from chat.turns.answer import Answer
from chat.turns.fence import Fenced
from chat.turns.jobs import RUN_TURN
from chat.turns.lifecycle import Checkpoint, Ending, save_checkpoints
from chat.turns.recovery import apply_entry, requeue_orphans
from chat.turns.runner import run_turn
from chat.turns.titles import make_title
from providers.models import Usage
from tests.chat.running import a_worker, bounded, entries_of, run, stored
from tests.data import DEMO, a_conversation, a_person, send, the_turn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fast_demo(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 2000


def a_turn(text: str = "long 50") -> Turn:
    return the_turn(a_conversation(owner=a_person(), text=text))


async def text_in_stream(turn: Turn) -> str:
    parts: list[Part] = []
    for entry in await entries_of(turn.pk):
        parts = apply_entry(parts, entry)
    return written_text(parts)


async def test_the_stream_and_the_database_end_with_the_same_text() -> None:
    turn = await run(await in_thread(a_turn)())
    assert turn.state == TurnState.COMPLETED
    parts = turn.answer.decoded_parts
    assert "50" in plain_text(parts)
    assert await text_in_stream(turn) == written_text(parts)
    assert turn.answer.text_sha256 == text_sha256(parts)
    assert isinstance((await entries_of(turn.pk))[-1], Closed)


async def test_usage_is_recorded_for_the_call_and_what_is_unknown_is_null() -> None:
    turn = await run(await in_thread(a_turn)())

    def check() -> None:
        usage = Generation.objects.get(turn=turn).usage
        assert usage is not None
        assert usage.user == turn.message.author
        assert usage.language_model_id == DEMO
        assert usage.duration_ms > 0
        assert usage.first_token_ms is not None
        assert usage.input_tokens is None

    await in_thread(check)()


async def test_a_stop_keeps_what_came(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 50
    turn = await in_thread(a_turn)("long 5000")
    owner = await in_thread(lambda: turn.conversation.owner)()
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        while not await text_in_stream(turn):
            await asyncio.sleep(0.01)
        done = await in_thread(control.stop_turn)(
            owner, conversation_id=turn.conversation_id, turn_id=turn.pk
        )
        assert done.broadcasts == ()
        await control.call_out((turn.pk,))
        await bounded(running)
    turn = await stored(turn.pk)
    assert turn.state == TurnState.STOPPED
    assert plain_text(turn.answer.decoded_parts)


async def test_a_stop_that_was_not_called_out_is_found_by_the_next_checkpoint(
    settings: Settings,
) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 50
    turn = await in_thread(a_turn)("long 5000")
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        while not await text_in_stream(turn):
            await asyncio.sleep(0.01)
        owner = await in_thread(lambda: turn.conversation.owner)()
        await in_thread(control.stop_turn)(owner, conversation_id=turn.conversation_id, turn_id=turn.pk)
        await bounded(running)
    assert (await stored(turn.pk)).state == TurnState.STOPPED


async def test_a_turn_that_waits_is_stopped_at_once_and_the_one_behind_it_runs() -> None:
    def arrange() -> tuple[Turn, Turn, Turn]:
        alice = a_person()
        conversation = a_conversation(owner=alice, text="long 5")
        first = the_turn(conversation)
        send(alice, "long 5", conversation=conversation.pk)
        second = the_turn(conversation)
        send(alice, "long 5", conversation=conversation.pk)
        third = the_turn(conversation)
        done = control.stop_turn(alice, conversation_id=conversation.pk, turn_id=second.pk)
        assert done.broadcasts
        return first, second, third

    first, second, third = await in_thread(arrange)()
    await run(first)
    assert (await stored(second.pk)).state == TurnState.STOPPED
    assert (await stored(third.pk)).state == TurnState.STARTING
    assert (await run(third)).state == TurnState.COMPLETED


async def test_a_turn_taken_by_another_worker_is_not_written_by_the_first(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 500
    turn = await in_thread(a_turn)("count 2000")
    async with a_worker() as frozen, a_worker() as successor:
        first = asyncio.create_task(run_turn(turn.pk, recorder=frozen))
        while not await text_in_stream(turn):
            await asyncio.sleep(0.01)
        await bounded(run_turn(turn.pk, recorder=successor))
        await bounded(first)
    turn = await stored(turn.pk)
    # The successor found text already shown: it keeps it and goes on behind it.
    assert (turn.state, turn.attempt, turn.deaths) == (TurnState.COMPLETED, 2, 1)
    assert plain_text(turn.answer.decoded_parts) == " ".join(map(str, range(1, 2001)))
    assert await text_in_stream(turn) == plain_text(turn.answer.decoded_parts)


async def test_a_worker_that_died_before_the_first_word_is_replaced_without_a_trace() -> None:
    turn = await in_thread(a_turn)("long 20")
    await in_thread(lifecycle.claim)(turn.pk)  # and then it is gone
    turn = await run(turn)
    assert (turn.state, turn.attempt) == (TurnState.COMPLETED, 2)


async def test_a_turn_that_kills_its_workers_is_not_retried_for_ever() -> None:
    turn = await in_thread(a_turn)("long 20")
    for _ in range(3):
        await in_thread(lifecycle.claim)(turn.pk)
    turn = await run(turn)
    assert (turn.state, turn.error_code) == (TurnState.FAILED, "turn_interrupted")


async def test_text_beyond_the_last_checkpoint_is_found_in_the_stream(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 200
    turn = await in_thread(a_turn)("long 5000")
    worker = a_worker()
    recorder = await worker.__aenter__()
    running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
    while len(await text_in_stream(turn)) < 100:
        await asyncio.sleep(0.005)
    recorder.drop_all()  # as if killed: nothing more is written
    await worker.__aexit__(None, None, None)
    shown = await text_in_stream(turn)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await in_thread(Turn.objects.filter(pk=turn.pk).update)(
        state=TurnState.RUNNING, finished_at=None, error_code="", attempt=1
    )
    await in_thread(Message.objects.filter(pk=turn.answer_id).update)(
        parts=[], attempt=0, sequence=0, text_sha256=""
    )
    settings.DEMO_TOKENS_PER_SECOND = 5000
    turn = await run(turn)
    assert plain_text(turn.answer.decoded_parts).startswith(shown)
    assert turn.state == TurnState.COMPLETED


async def test_an_answer_is_told_anew_when_redis_lost_its_stream() -> None:
    turn = await in_thread(a_turn)("long 400")
    redis = connect()
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        while not await text_in_stream(turn):
            await asyncio.sleep(0.005)
        await redis.delete(stream_key(turn.pk))
        await bounded(running)
    await redis.aclose()
    turn = await stored(turn.pk)
    assert turn.state == TurnState.COMPLETED
    assert isinstance((await entries_of(turn.pk))[0], Replaced)
    assert await text_in_stream(turn) == written_text(turn.answer.decoded_parts)


async def test_an_answer_without_end_is_ended_at_the_stated_limit(settings: Settings) -> None:
    settings.ANSWER_CHARACTERS_MAX = 200
    turn = await run(await in_thread(a_turn)("long 5000"))
    assert (turn.state, turn.error_code) == (TurnState.FAILED, "answer_too_long")
    assert len(plain_text(turn.answer.decoded_parts)) > 200


def test_an_old_attempts_checkpoint_and_end_change_nothing() -> None:
    turn = a_turn()
    lifecycle.claim(turn.pk)
    lifecycle.claim(turn.pk)
    late: list[dict[str, object]] = [{"kind": "text", "text": "late"}]
    save_checkpoints([Checkpoint(turn.pk, turn.answer_id, 1, 99, late)])
    assert Message.objects.get(pk=turn.answer_id).parts == []
    ending = Ending(TurnState.COMPLETED)
    with pytest.raises(Fenced):
        lifecycle.finish(turn.pk, attempt=1, sequence=9, parts=[TextPart("late")], ending=ending)
    assert Turn.objects.get(pk=turn.pk).state == TurnState.RUNNING


def test_a_checkpoint_never_goes_back() -> None:
    turn = a_turn()
    lifecycle.claim(turn.pk)
    for sequence, text in ((5, "five"), (3, "three")):
        parts: list[dict[str, object]] = [{"kind": "text", "text": text}]
        save_checkpoints([Checkpoint(turn.pk, turn.answer_id, 1, sequence, parts)])
    answer = Message.objects.get(pk=turn.answer_id)
    assert (answer.sequence, answer.parts[0]["text"]) == (5, "five")


def test_entries_up_to_a_position_make_exactly_the_parts_at_that_position() -> None:
    answer = Answer(turn_id=uuid.uuid4(), answer_id=uuid.uuid4(), attempt=1, parts=[])
    for kind, text in (("reasoning", "hm"), ("text", "a"), ("text", "b"), ("reasoning", "c"), ("text", "d")):
        answer.add(kind, text)  # type: ignore[arg-type]
        entries = answer.seal()
        parts: list[Part] = []
        for _, entry in entries:
            parts = apply_entry(parts, entry)
        assert [type(p) for p in parts] == [type(p) for p in answer.parts]
        assert parts == answer.parts
        assert entries[-1][0] == answer.position == Position(1, len(entries))
    assert sum(isinstance(entry, Appended) for _, entry in answer.seal()) == 5


async def test_the_first_answer_gives_the_conversation_a_title_by_the_same_model() -> None:
    turn = await run(await in_thread(a_turn)("long 5"))
    await bounded(make_title(turn.pk))

    def check() -> None:
        conversation = Conversation.objects.get(pk=turn.conversation_id)
        assert conversation.title_source == TitleSource.MODEL
        assert 0 < len(conversation.title) <= 80
        assert set(Usage.objects.values_list("purpose", "language_model_id")) == {
            ("answer", DEMO),
            ("title", DEMO),
        }

    await in_thread(check)()


async def test_a_late_automatic_title_never_replaces_one_given_by_hand() -> None:
    def rename_meanwhile(turn: Turn) -> None:
        Conversation.objects.filter(pk=turn.conversation_id).update(
            title="Mine", title_source=TitleSource.MANUAL
        )

    turn = await run(await in_thread(a_turn)("long 5"))
    making = asyncio.create_task(make_title(turn.pk))
    await in_thread(rename_meanwhile)(turn)
    await bounded(making)
    conversation = await in_thread(Conversation.objects.get)(pk=turn.conversation_id)
    assert (conversation.title, conversation.title_source) == ("Mine", TitleSource.MANUAL)


def test_a_turn_without_a_job_is_given_a_new_one_and_others_are_left_alone() -> None:
    lost, kept = a_turn(), the_turn(a_conversation(owner=a_person("bob")))
    ProcrastinateJob.objects.filter(args__turn_id=str(lost.pk)).delete()
    assert requeue_orphans() == 1
    assert requeue_orphans() == 0
    assert sorted(job.args["turn_id"] for job in ProcrastinateJob.objects.all()) == sorted(
        [str(lost.pk), str(kept.pk)]
    )


def test_a_job_that_was_fetched_and_never_heard_of_is_replaced() -> None:
    turn = a_turn()
    job = ProcrastinateJob.objects.get(task_name=RUN_TURN, args__turn_id=str(turn.pk))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job.pk])
    assert requeue_orphans() == 0  # it may be about to begin
    with connection.cursor() as cursor:
        earlier = "UPDATE procrastinate_events SET at = at - interval '1 minute' WHERE job_id = %s"
        cursor.execute(earlier, [job.pk])
    assert requeue_orphans() == 1
    assert requeue_orphans() == 0
