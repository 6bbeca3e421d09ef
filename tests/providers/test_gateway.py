"""Calls over real HTTP, on every wire and through litellm: what arrives, and how each failure is told."""

import asyncio
import logging
import socket
from contextlib import aclosing

import pytest
from pytest_django import Settings

from betterchat.core.errors import ErrorCode
from providers.events import Finished, FinishReason, ModelEvent, ReasoningDelta, TextDelta, UsageReport
from providers.gateway import open_stream
from providers.models import Provider, Wire
from tests.fakes.behaviours import CANARY
from tests.fakes.upstream import FakeUpstream
from tests.fakes.wires import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS
from tests.providers.conftest import KEY, a_request, a_route, asked

pytestmark = pytest.mark.usefixtures("_sessions")
STOP = Finished(FinishReason.STOP)
ALL_WIRES = [Provider.OPENAI_COMPATIBLE, Provider.OPENROUTER, Provider.XAI, Provider.OPENAI]
ALL_WIRES += [Provider.ANTHROPIC, Provider.GEMINI, Provider.OLLAMA, Provider.LITELLM]


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def reasoning_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


FAILURES = {
    "status-400": ErrorCode.PROVIDER_BAD_REQUEST,
    "status-401": ErrorCode.PROVIDER_KEY_REFUSED,
    "status-402": ErrorCode.PROVIDER_PAYMENT_REQUIRED,
    "status-403": ErrorCode.PROVIDER_FORBIDDEN,
    "status-404": ErrorCode.PROVIDER_MODEL_NOT_FOUND,
    "status-408": ErrorCode.PROVIDER_TIMEOUT,
    "status-413": ErrorCode.PROVIDER_REQUEST_TOO_LARGE,
    "status-418": ErrorCode.PROVIDER_BAD_REQUEST,
    "status-429-retry-17": ErrorCode.PROVIDER_RATE_LIMITED,
    "status-500": ErrorCode.PROVIDER_FAILED,
    "status-502": ErrorCode.PROVIDER_FAILED,
    "status-503": ErrorCode.PROVIDER_OVERLOADED,
    "status-504": ErrorCode.PROVIDER_TIMEOUT,
    "status-529": ErrorCode.PROVIDER_OVERLOADED,
    "refuse-422": ErrorCode.PROVIDER_BAD_REQUEST,
    "redirect-301": ErrorCode.PROVIDER_NOT_AN_API,
    "redirect-307": ErrorCode.PROVIDER_NOT_AN_API,
    "html-200": ErrorCode.PROVIDER_NOT_AN_API,
    "json-200": ErrorCode.PROVIDER_NOT_AN_API,
    "half": ErrorCode.PROVIDER_STREAM_CUT,
    "drop": ErrorCode.PROVIDER_STREAM_CUT,
    "error-midstream": ErrorCode.PROVIDER_STREAM_FAILED,
    "content-filter": ErrorCode.CONTENT_FILTERED,
    "content-filter-finish": ErrorCode.CONTENT_FILTERED,
    "context-overflow": ErrorCode.CONTEXT_OVERFLOW,
    "insufficient-quota": ErrorCode.PROVIDER_PAYMENT_REQUIRED,
    "empty": ErrorCode.ANSWER_EMPTY,
}


@pytest.mark.parametrize(("model", "code"), FAILURES.items())
async def test_each_failure_has_its_code_and_one_request_was_made(
    upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, model: str, code: ErrorCode
) -> None:
    caplog.set_level(logging.DEBUG)
    events, error = await asked(a_route(upstream, model))
    assert error is not None
    assert error.code is code
    assert STOP not in events
    assert len(upstream.calls) == 1
    told = f"{caplog.text} {error.sentence} {error.next_step} {error.details}"
    assert KEY not in told
    assert CANARY not in told


@pytest.mark.parametrize("provider", ALL_WIRES)
@pytest.mark.parametrize("model", ["status-401", "status-529", "half", "drop", "error-midstream"])
async def test_every_wire_tells_its_failures_apart(
    upstream: FakeUpstream, provider: Provider, model: str
) -> None:
    events, error = await asked(a_route(upstream, model, provider=provider))
    assert error is not None
    assert error.code is FAILURES[model]
    assert len(upstream.calls) == 1
    if not model.startswith("status"):
        assert text_of(events) == "Half an answer"


@pytest.mark.parametrize("provider", ALL_WIRES)
async def test_every_wire_brings_text_reasoning_and_usage_exactly(
    upstream: FakeUpstream, provider: Provider
) -> None:
    events, error = await asked(a_route(upstream, "reasoning", provider=provider))
    assert error is None
    assert events[-1] == STOP
    assert text_of(events) == "Then speak."
    assert reasoning_of(events) == "First think."
    usage = [event for event in events if isinstance(event, UsageReport)]
    openai = UsageReport(INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS, CACHED_TOKENS)
    expected = {
        Provider.ANTHROPIC: UsageReport(INPUT_TOKENS + CACHED_TOKENS, OUTPUT_TOKENS, None, CACHED_TOKENS),
        Provider.GEMINI: UsageReport(INPUT_TOKENS, OUTPUT_TOKENS, None, None),
        Provider.OLLAMA: UsageReport(INPUT_TOKENS, OUTPUT_TOKENS, None, None),
    }
    assert usage[-1] == expected.get(provider, openai)


@pytest.mark.parametrize("model", ["status-401", "status-429", "status-500", "redirect-302"])
async def test_a_call_that_was_refused_used_nothing(upstream: FakeUpstream, model: str) -> None:
    events, error = await asked(a_route(upstream, model))
    assert error is not None
    assert events == [UsageReport(input_tokens=0, output_tokens=0)]


async def test_what_a_call_used_is_told_while_it_runs_for_it_may_be_stopped(upstream: FakeUpstream) -> None:
    route = a_route(upstream, "forever", provider=Provider.ANTHROPIC)
    async with aclosing(open_stream(a_request(), route=route)) as stream:
        async for event in stream:
            if isinstance(event, UsageReport):
                break
    assert event == UsageReport(input_tokens=INPUT_TOKENS + CACHED_TOKENS, cached_tokens=CACHED_TOKENS)


async def test_usage_that_was_not_reported_is_unknown(upstream: FakeUpstream) -> None:
    events, error = await asked(a_route(upstream, "no-usage"))
    assert error is None
    assert not [event for event in events if isinstance(event, UsageReport)]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("count-500", "".join(f"{number} " for number in range(1, 501))),
        ("repeat-300", "again " * 300),
        ("nul", "abc\ufffdd\U0001f600!"),
        ("unicode", "żółć 👩‍👩‍👧 \u2028\r\n\t e\u0301 "),
        ("giant", "x" * 300_000),
        ("no-done", "Fine"),
        ("think-tags", "Answer"),
    ],
)
async def test_text_arrives_exactly(upstream: FakeUpstream, model: str, text: str) -> None:
    events, error = await asked(a_route(upstream, model))
    assert error is None
    assert text_of(events) == text
    assert all(event.text for event in events if isinstance(event, TextDelta | ReasoningDelta))


async def test_thoughts_written_inline_become_reasoning(upstream: FakeUpstream) -> None:
    events, _ = await asked(a_route(upstream, "think-tags"))
    assert reasoning_of(events) == "Hmm."


async def test_an_answer_cut_by_its_limit_is_finished_by_length(upstream: FakeUpstream) -> None:
    events, error = await asked(a_route(upstream, "length"))
    assert error is None
    assert events[-1] == Finished(FinishReason.LENGTH)


async def test_reasoning_alone_is_an_answer(upstream: FakeUpstream) -> None:
    events, error = await asked(a_route(upstream, "reasoning-only"))
    assert error is None
    assert events[-1] == STOP


async def test_retry_after_is_kept(upstream: FakeUpstream) -> None:
    _, error = await asked(a_route(upstream, "status-429-retry-17"))
    assert error is not None
    assert error.retry_after_seconds == 17


@pytest.mark.parametrize("model", ["silent", "silent-midway", "silent-before-headers"])
async def test_silence_ends_within_its_bound(upstream: FakeUpstream, settings: Settings, model: str) -> None:
    await asked(a_route(upstream, "hello"))  # so that the import is not measured
    settings.PROVIDER_SILENCE_SECONDS = 1
    async with asyncio.timeout(20):
        events, error = await asked(a_route(upstream, model))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_SILENT
    assert "1 seconds" in error.sentence
    assert text_of(events) == ("Some text" if model == "silent-midway" else "")
    await asyncio.to_thread(upstream.wait_for_disconnect, seconds=10)


async def test_heartbeats_are_no_silence(upstream: FakeUpstream, settings: Settings) -> None:
    settings.PROVIDER_SILENCE_SECONDS = 1
    events, error = await asked(a_route(upstream, "comments-only"))
    assert error is None
    assert text_of(events) == "Patience"


@pytest.mark.parametrize("provider", [Provider.OPENAI_COMPATIBLE, Provider.ANTHROPIC, Provider.OLLAMA])
async def test_closing_the_stream_ends_the_request_upstream(
    upstream: FakeUpstream, provider: Provider
) -> None:
    async with aclosing(
        open_stream(a_request(), route=a_route(upstream, "forever", provider=provider))
    ) as events:
        await anext(events)
    await asyncio.to_thread(upstream.wait_for_disconnect, seconds=10)


async def test_cancelling_the_reader_ends_the_request_upstream(upstream: FakeUpstream) -> None:
    reading = asyncio.create_task(asked(a_route(upstream, "silent-midway")))
    async with asyncio.timeout(30):
        while not upstream.calls:
            await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.to_thread(upstream.wait_for_disconnect, seconds=10)


async def test_nothing_listens_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        _, error = await asked(a_route(url, "hello"))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_UNREACHABLE


async def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    _, error = await asked(a_route("http://nowhere.invalid/v1", "hello"))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_UNREACHABLE


@pytest.mark.parametrize("provider", ALL_WIRES)
async def test_a_private_address_is_not_dialled_without_permission(
    upstream: FakeUpstream, provider: Provider
) -> None:
    _, error = await asked(a_route(upstream, "hello", provider=provider, allow_private=False))
    assert error is not None
    assert error.code is ErrorCode.ADDRESS_REFUSED
    assert upstream.calls == []


@pytest.mark.parametrize("provider", ALL_WIRES)
async def test_where_there_is_no_key_none_is_sent(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    for name in ("OPENAI", "ANTHROPIC", "GEMINI", "OPENROUTER", "XAI", "OLLAMA"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-of-somebody-else")
    _, error = await asked(a_route(upstream, "hello", provider=provider, key=""))
    assert error is None
    [call] = upstream.calls
    assert "sk-of-somebody-else" not in str(call)
    assert "authorization" not in {name.lower() for name in call.headers}


async def test_a_proxy_of_the_environment_is_not_used(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    _, error = await asked(a_route(upstream, "hello"))
    assert error is None


@pytest.mark.parametrize("provider", ALL_WIRES)
async def test_nothing_but_the_endpoint_is_dialled(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    dialled: set[object] = set()
    connect = socket.socket.connect

    def noted(self: socket.socket, address: tuple[str, int]) -> None:
        dialled.add(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    _, error = await asked(a_route(upstream, "never-heard-of", provider=provider))
    assert error is None
    assert dialled == {("127.0.0.1", upstream.port)}


@pytest.mark.parametrize(
    ("wire", "path"), [(None, "/v1/responses"), (Wire.OPENAI_CHAT, "/v1/chat/completions")]
)
async def test_an_operator_chooses_the_wire(upstream: FakeUpstream, wire: Wire | None, path: str) -> None:
    _, error = await asked(a_route(upstream, "o3-pro", provider=Provider.OPENAI, wire=wire))
    assert error is None
    assert [call.path for call in upstream.calls] == [path]


@pytest.mark.parametrize(
    ("provider", "wire", "field"),
    [
        (Provider.OPENAI, Wire.OPENAI_CHAT, "max_completion_tokens"),
        (Provider.OPENAI_COMPATIBLE, None, "max_tokens"),
        (Provider.LITELLM, None, "max_tokens"),
    ],
)
async def test_the_limit_goes_where_the_provider_reads_it(
    upstream: FakeUpstream, provider: Provider, wire: Wire | None, field: str
) -> None:
    await asked(a_route(upstream, "hello", provider=provider, wire=wire), a_request(limit=33))
    [call] = upstream.calls
    assert call.body[field] == 33
    assert {"max_tokens", "max_completion_tokens"} & set(call.body) == {field}
    assert [message["role"] for message in call.body["messages"]] == ["system", "user"]


def test_a_route_never_shows_its_key(upstream: FakeUpstream) -> None:
    assert KEY not in repr(a_route(upstream, "hello"))
