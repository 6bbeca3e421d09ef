"""Row 33: every way a provider fails ends as a failed turn with its own code, words and next step; what the
person wrote and what came of the answer stay; Retry is one command."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode
from chat.models import Conversation, Turn, TurnState
from chat.protocol.parts import plain_text
from chat.queries import turn_info
from chat.stream import Silent
from chat.turns import control
from chat.turns.runner import run_turn
from chat.turns.start import retry_turn
from providers.models import Endpoint, Provider, Route
from tests.chat.running import a_worker, bounded, entries_of, run, stored
from tests.data import a_model, a_person, send, the_turn
from tests.fakes.behaviours import CANARY
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as running:
        yield running


def a_turn(upstream: FakeUpstream, behaviour: str) -> Turn:
    model = f"fake:{behaviour}"
    a_model(
        model,
        provider=Provider.OPENAI_COMPATIBLE,
        provider_model=behaviour,
        base_url=upstream.openai_url,
    )
    done = send(a_person(), "Keep these words", model=model)
    return the_turn(Conversation.objects.get(pk=done.conversation_id))


@pytest.mark.parametrize(
    ("behaviour", "code", "kept"),
    [
        ("status-401", ErrorCode.PROVIDER_KEY_REFUSED, ""),
        ("status-402", ErrorCode.PROVIDER_PAYMENT_REQUIRED, ""),
        ("status-403", ErrorCode.PROVIDER_FORBIDDEN, ""),
        ("status-404", ErrorCode.PROVIDER_MODEL_NOT_FOUND, ""),
        ("status-408", ErrorCode.PROVIDER_TIMEOUT, ""),
        ("status-413", ErrorCode.PROVIDER_REQUEST_TOO_LARGE, ""),
        ("status-429-retry-17", ErrorCode.PROVIDER_RATE_LIMITED, ""),
        ("status-500", ErrorCode.PROVIDER_FAILED, ""),
        ("status-529", ErrorCode.PROVIDER_OVERLOADED, ""),
        ("html-200", ErrorCode.PROVIDER_NOT_AN_API, ""),
        ("silent", ErrorCode.PROVIDER_SILENT, ""),
        ("silent-midway", ErrorCode.PROVIDER_SILENT, "Some text"),
        ("half", ErrorCode.PROVIDER_STREAM_CUT, "Half an answer"),
        ("drop", ErrorCode.PROVIDER_STREAM_CUT, "Half an answer"),
        ("error-midstream", ErrorCode.PROVIDER_STREAM_FAILED, "Half an answer"),
        ("content-filter", ErrorCode.CONTENT_FILTERED, ""),
        ("content-filter-finish", ErrorCode.CONTENT_FILTERED, "I would"),
        ("context-overflow", ErrorCode.CONTEXT_OVERFLOW, ""),
        ("empty", ErrorCode.ANSWER_EMPTY, ""),
    ],
)
async def test_a_failing_provider_ends_the_turn_with_its_own_words_and_loses_nothing(
    upstream: FakeUpstream, settings: Settings, behaviour: str, code: ErrorCode, kept: str
) -> None:
    settings.PROVIDER_SILENCE_SECONDS = 1 if behaviour.startswith("silent") else 30
    turn = await run(await in_thread(a_turn)(upstream, behaviour))
    error = turn_info(turn).error
    assert (turn.state, turn.error_code) == (TurnState.FAILED, code)
    assert error
    assert error.sentence
    assert error.next_step
    assert "{" not in error.sentence
    assert CANARY not in f"{error}{turn.error_details}"
    assert plain_text(turn.message.decoded_parts) == "Keep these words"
    assert plain_text(turn.answer.decoded_parts) == kept
    assert turn.answer.text_sha256
    assert error.retry_after_seconds == (17 if behaviour.endswith("retry-17") else None)

    def retry() -> Turn:
        assert turn.message.author
        retry_turn(
            turn.message.author,
            conversation_id=turn.conversation_id,
            turn_id=uuid.uuid4(),
            message_id=turn.message_id,
            model_id="",
        )
        return the_turn(turn.conversation)

    again = await in_thread(retry)()
    assert (again.state, again.message_id) == (TurnState.STARTING, turn.message_id)


async def test_a_stop_closes_the_request_to_the_provider(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "forever")
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        while not (answer := (await stored(turn.pk)).answer).parts:
            await asyncio.sleep(0.05)
        owner = await in_thread(lambda: turn.conversation.owner)()
        await in_thread(control.stop_turn)(owner, conversation_id=turn.conversation_id, turn_id=turn.pk)
        await control.call_out((turn.pk,))
        await asyncio.to_thread(upstream.wait_for_disconnect, seconds=10)
        await bounded(running)
    turn = await stored(turn.pk)
    assert turn.state == TurnState.STOPPED
    assert len(plain_text(turn.answer.decoded_parts)) >= len(plain_text(answer.decoded_parts)) > 0


async def test_an_answer_cut_by_its_length_is_complete_and_says_so(upstream: FakeUpstream) -> None:
    turn = await run(await in_thread(a_turn)(upstream, "length"))
    assert (turn.state, turn.finish_reason) == (TurnState.COMPLETED, "length")


async def test_reasoning_is_kept_apart_from_the_text(upstream: FakeUpstream) -> None:
    turn = await run(await in_thread(a_turn)(upstream, "reasoning"))
    assert [(part["kind"], part["text"]) for part in turn.answer.parts] == [
        ("reasoning", "First think."),
        ("text", "Then speak."),
    ]
    assert turn.answer.parts[0]["duration_ms"] is not None


def a_second_endpoint(upstream: FakeUpstream, turn: Turn, behaviour: str) -> None:
    spare = Endpoint.objects.create(
        name="spare",
        provider=Provider.OPENAI_COMPATIBLE,
        base_url=upstream.openai_url,
        allow_private=True,
    )
    Route.objects.create(
        language_model_id=turn.model_id, endpoint=spare, provider_model=behaviour, priority=150
    )


async def test_before_the_first_word_another_endpoint_of_the_model_steps_in(upstream: FakeUpstream) -> None:
    turn = await in_thread(a_turn)(upstream, "status-500")
    await in_thread(a_second_endpoint)(upstream, turn, "hello")
    turn = await run(turn)
    assert (turn.state, turn.model_id) == (TurnState.COMPLETED, "fake:status-500")
    assert plain_text(turn.answer.decoded_parts) == "Hello, world!"
    calls = await in_thread(lambda: list(turn.generations.values_list("usage__endpoint__name", flat=True)))()
    assert calls == ["fake-status-500", "spare"]


@pytest.mark.parametrize("behaviour", ["content-filter", "content-filter-finish", "context-overflow"])
async def test_no_other_endpoint_is_asked_about_a_request_that_is_wrong(
    upstream: FakeUpstream, behaviour: str
) -> None:
    turn = await in_thread(a_turn)(upstream, behaviour)
    await in_thread(a_second_endpoint)(upstream, turn, "hello")
    turn = await run(turn)
    assert turn.state == TurnState.FAILED
    assert await in_thread(turn.generations.count)() == 1


async def test_a_provider_that_falls_silent_is_told_before_it_is_given_up(
    upstream: FakeUpstream, settings: Settings
) -> None:
    settings.PROVIDER_STALLED_SECONDS, settings.PROVIDER_SILENCE_SECONDS = 1, 4
    turn = await run(await in_thread(a_turn)(upstream, "silent-midway"))
    assert turn.error_code == ErrorCode.PROVIDER_SILENT
    told = [entry for entry in await entries_of(turn.pk) if isinstance(entry, Silent)]
    assert [entry.seconds >= 1 for entry in told] == [True]


async def test_a_provider_that_only_says_it_is_there_is_not_silent(
    upstream: FakeUpstream, settings: Settings
) -> None:
    settings.PROVIDER_STALLED_SECONDS = 1
    turn = await run(await in_thread(a_turn)(upstream, "comments-only"))
    assert turn.state == TurnState.COMPLETED
    assert not any(isinstance(entry, Silent) for entry in await entries_of(turn.pk))
