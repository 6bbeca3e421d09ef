"""An answer that was cut goes on: from another endpoint (row 29), in another worker (row 22), with a seam
that says so, without a word lost or shown twice, and with the usage of every call."""

import asyncio
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode
from chat.models import Conversation, Turn, TurnState
from chat.protocol.parts import NoticePart, TextPart, plain_text, text_sha256
from chat.turns import control, lifecycle
from chat.turns.prompt import build_request
from chat.turns.runner import run_turn
from chat.turns.usage import UsageMeter
from providers import breaker, gateway
from providers.models import Continuation, Endpoint, LanguageModel, Provider, Route, Usage
from tests.chat.running import a_worker, run, stored
from tests.data import a_model, a_person, send, the_turn
from tests.fakes.continuing import known_text
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as running:
        yield running


@pytest.fixture(autouse=True)
def _rested() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def a_turn(upstream: FakeUpstream, *behaviours: str, how: Continuation = Continuation.ASK) -> Turn:
    """A turn whose model is served by one endpoint for each behaviour, in this order."""
    model = "fake:known"
    a_model(
        model, provider=Provider.OPENAI_COMPATIBLE, provider_model=behaviours[0], base_url=upstream.openai_url
    )
    LanguageModel.objects.filter(pk=model).update(continuation=how)
    for number, behaviour in enumerate(behaviours[1:], start=1):
        endpoint = Endpoint.objects.create(
            name=f"spare-{number}",
            provider=Provider.OPENAI_COMPATIBLE,
            base_url=upstream.openai_url,
            allow_private=True,
        )
        Route.objects.create(
            language_model_id=model, endpoint=endpoint, provider_model=behaviour, priority=200 + number
        )
    done = send(a_person(), "Say what you know", model=model)
    return the_turn(Conversation.objects.get(pk=done.conversation_id))


def notices(turn: Turn) -> list[NoticePart]:
    return [part for part in turn.answer.decoded_parts if isinstance(part, NoticePart)]


@pytest.mark.parametrize("second", ["exact", "repeat", "preamble", "ignore"])
@pytest.mark.parametrize("cut", [1, 40, 200])
async def test_another_endpoint_goes_on_in_mid_answer(upstream: FakeUpstream, second: str, cut: int) -> None:
    turn = await run(await in_thread(a_turn)(upstream, f"known-exact-{cut}", f"known-{second}-0"))
    assert (turn.state, turn.finish_reason) == (TurnState.COMPLETED, "stop")
    assert plain_text(turn.answer.decoded_parts) == known_text()
    [notice] = notices(turn)
    assert notice.notice == "continued"
    assert f"known-exact-{cut} at" in notice.sentence
    assert f"known-{second}-0 at" in notice.sentence
    assert turn.answer.text_sha256 == text_sha256(turn.answer.decoded_parts)


async def test_a_prefilled_answer_goes_on_to_the_letter(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "known-exact-55", "known-exact-0", how=Continuation.PREFILL)
    turn = await run(turn)
    assert plain_text(turn.answer.decoded_parts) == known_text()
    assert upstream.calls[-1].body["messages"][-1]["role"] == "assistant"


async def test_a_model_that_answers_anew_is_set_apart_and_nothing_is_taken_away(
    upstream: FakeUpstream,
) -> None:
    turn = await run(await in_thread(a_turn)(upstream, "known-exact-60", "known-anew-0"))
    first, notice, second = turn.answer.decoded_parts
    assert isinstance(notice, NoticePart)
    assert notice.notice == "restarted"
    assert isinstance(first, TextPart)
    assert known_text().startswith(first.text)
    assert isinstance(second, TextPart)
    assert plain_text(turn.answer.decoded_parts) == second.text


async def test_a_model_declared_to_restart_is_not_asked_to_continue(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "known-exact-60", "known-exact-0", how=Continuation.RESTART)
    turn = await run(turn)
    assert plain_text(turn.answer.decoded_parts) == known_text()
    assert [notice.notice for notice in notices(turn)] == ["restarted"]
    assert len(upstream.calls[-1].body["messages"]) == 1


async def test_two_cuts_make_two_seams_and_three_recorded_calls(upstream: FakeUpstream) -> None:
    turn = await run(
        await in_thread(a_turn)(upstream, "known-exact-40", "known-repeat-90", "known-preamble-0")
    )
    assert turn.state == TurnState.COMPLETED
    assert plain_text(turn.answer.decoded_parts) == known_text()
    assert len(notices(turn)) == 2
    assert await in_thread(turn.generations.exclude(usage=None).count)() == 3


async def test_the_last_endpoints_failure_is_told_and_the_text_kept(upstream: FakeUpstream) -> None:
    turn = await run(await in_thread(a_turn)(upstream, "known-exact-40", "known-refuses-0"))
    assert (turn.state, turn.error_code) == (TurnState.FAILED, ErrorCode.PROVIDER_STREAM_CUT)
    assert known_text().startswith(plain_text(turn.answer.decoded_parts))
    assert notices(turn) == []


async def test_a_killed_workers_answer_is_continued_by_another(
    upstream: FakeUpstream, settings: Settings
) -> None:
    turn = await in_thread(a_turn)(upstream, "slow-200")
    shown = await die_in_the_middle(turn)
    turn = await run(turn)
    assert (turn.state, turn.attempt, turn.deaths) == (TurnState.COMPLETED, 2, 1)
    assert plain_text(turn.answer.decoded_parts).startswith(shown)
    [notice] = notices(turn)
    assert notice.sentence.startswith("Interrupted here. Continued by slow-200 at ")
    usages = await in_thread(lambda: list(Usage.objects.order_by("pk").values_list("estimated", flat=True)))()
    assert sorted(usages) == [False, True]


async def leave_in_the_middle(turn: Turn) -> Turn:
    """Run a turn in a worker that is told to leave once there is text; the turn as it was given back."""
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        while not (await stored(turn.pk)).answer.parts:
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return await stored(turn.pk)


async def test_a_worker_told_to_leave_hands_its_answer_over(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "slow-200")
    left = await leave_in_the_middle(turn)
    assert left.state == TurnState.STARTING
    assert plain_text(left.answer.decoded_parts)
    turn = await run(turn)
    assert (turn.state, turn.deaths) == (TurnState.COMPLETED, 0)
    assert plain_text(turn.answer.decoded_parts).startswith(plain_text(left.answer.decoded_parts))


async def test_a_stop_while_it_is_handed_over_ends_it(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "slow-200")
    await die_in_the_middle(turn)
    await in_thread(Turn.objects.filter(pk=turn.pk).update)(stop_requested_at=turn.created_at)
    assert (await run(turn)).state == TurnState.STOPPED


async def test_a_stop_between_two_workers_keeps_what_there_is(upstream: FakeUpstream) -> None:
    turn = await leave_in_the_middle(await in_thread(a_turn)(upstream, "slow-200"))
    owner = await in_thread(lambda: turn.conversation.owner)()
    await in_thread(control.stop_turn)(owner, conversation_id=turn.conversation_id, turn_id=turn.pk)
    turn = await stored(turn.pk)
    assert turn.state == TurnState.STOPPED
    assert plain_text(turn.answer.decoded_parts)
    assert turn.answer.text_sha256 == text_sha256(turn.answer.decoded_parts)
    assert not await in_thread(turn.generations.filter(usage=None).exists)()


async def test_a_call_is_recorded_once_however_often_its_commit_is_asked_for(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "hello")

    def record_twice() -> int:
        claimed = lifecycle.claim(turn.pk).turn
        request = build_request(claimed)
        meter = UsageMeter(route=gateway.resolve(claimed.model_id), request=request)
        for _ in range(2):
            meter.begin(claimed, characters=0)
        return turn.generations.count()

    assert await in_thread(record_twice)() == 1


async def test_an_endpoint_that_keeps_failing_is_asked_last_until_it_has_rested(
    upstream: FakeUpstream,
) -> None:
    turn = await in_thread(a_turn)(upstream, "status-500", "hello")
    first, spare = await in_thread(lambda: list(Endpoint.objects.order_by("pk")))()
    for _ in range(breaker.FAILURES_TO_OPEN - 1):
        breaker.note_failure(first.pk, ErrorCode.PROVIDER_FAILED)
    breaker.note_failure(first.pk, ErrorCode.PROVIDER_MODEL_NOT_FOUND)  # of one model, not of the endpoint
    assert breaker.resting([first.pk, spare.pk]) == set()
    await run(turn)
    assert breaker.resting([first.pk, spare.pk]) == {first.pk}
    before = len(upstream.calls)
    person = await in_thread(lambda: turn.conversation.owner)()
    done = await in_thread(send)(person, "Again", model="fake:known")
    conversation = await in_thread(Conversation.objects.get)(pk=done.conversation_id)
    again = await run(await in_thread(the_turn)(conversation))
    assert again.state == TurnState.COMPLETED
    assert [call.body["model"] for call in upstream.calls[before:]] == ["hello"]


def test_a_success_closes_the_breaker() -> None:
    for _ in range(breaker.FAILURES_TO_OPEN):
        breaker.note_failure(7, ErrorCode.PROVIDER_UNREACHABLE)
    assert breaker.resting([7, 8]) == {7}
    breaker.note_success(7)
    assert breaker.resting([7, 8]) == set()


async def die_in_the_middle(turn: Turn) -> str:
    """Run a turn in a worker that dies once there is text; what was shown then."""
    worker = a_worker()
    recorder = await worker.__aenter__()
    running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
    while not (answer := (await stored(turn.pk)).answer).parts:
        await asyncio.sleep(0.02)
    recorder.drop_all()  # as if killed: nothing more is written
    await in_thread(Turn.objects.filter(pk=turn.pk).update)(attempt=2)  # nor accepted
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await worker.__aexit__(None, None, None)
    await in_thread(Turn.objects.filter(pk=turn.pk).update)(attempt=1)
    return plain_text(answer.decoded_parts)
