"""Each failure has its own words: by status, by what providers say, by what litellm raises."""

import asyncio
import importlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from betterchat.core.errors import ERROR_TEXTS, ErrorCode, NextAction, UserFacingError
from providers.errors import code_of_status
from providers.events import UsageReport
from providers.gateway import warm_up
from providers.litellm_names import CODES_OF_EXCEPTIONS
from providers.models import Provider
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

pytestmark = pytest.mark.usefixtures("_sessions")

# What people are shown of the providers' bodies, with the status it came with.
SAID: list[tuple[int, str, ErrorCode]] = [
    # https://platform.openai.com/docs/guides/error-codes
    (400, "This model's maximum context length is 8192 tokens. However, …", ErrorCode.CONTEXT_OVERFLOW),
    (400, "Your input exceeds the context window of this model.", ErrorCode.CONTEXT_OVERFLOW),
    (401, "Incorrect API key provided: sk-…", ErrorCode.PROVIDER_KEY_REFUSED),
    (429, "You exceeded your current quota (insufficient_quota)", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    (429, "Rate limit reached for gpt-4o", ErrorCode.PROVIDER_RATE_LIMITED),
    (400, "Your prompt was flagged as potentially violating our usage policy.", ErrorCode.CONTENT_FILTERED),
    # https://platform.claude.com/docs/en/api/errors
    (400, "prompt is too long: 208310 tokens > 200000 maximum", ErrorCode.CONTEXT_OVERFLOW),
    (400, "input length and `max_tokens` exceed context limit: 9 + 9 > 10", ErrorCode.CONTEXT_OVERFLOW),
    (400, "Your credit balance is too low to access the API.", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    (400, "Output blocked by content filtering policy", ErrorCode.CONTENT_FILTERED),
    (413, "Request exceeds the maximum size", ErrorCode.PROVIDER_REQUEST_TOO_LARGE),
    (529, "Overloaded", ErrorCode.PROVIDER_OVERLOADED),
    # https://ai.google.dev/gemini-api/docs/troubleshooting
    (400, "API key not valid. Please pass a valid API key. API_KEY_INVALID", ErrorCode.PROVIDER_KEY_REFUSED),
    (
        400,
        "The input token count (9) exceeds the maximum number of tokens allowed (5)",
        ErrorCode.CONTEXT_OVERFLOW,
    ),
    # https://github.com/continuedev/continue/issues/10778 and 12670
    (400, "Incorrect API key provided: na***ys. You can obtain an API key", ErrorCode.PROVIDER_KEY_REFUSED),
    (403, "Your newly created team doesn't have any credits yet.", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    (403, "Content violates usage guidelines.", ErrorCode.CONTENT_FILTERED),
    (400, "This model's maximum prompt length is 131072 but …", ErrorCode.CONTEXT_OVERFLOW),
    # https://github.com/MiniMax-AI/MiniMax-M2/issues/62, https://github.com/modelscope/modelscope/issues/1691
    (500, "insufficient balance (1008)", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    (429, "insufficient balance (1008) insufficient_balance_error", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    # https://github.com/Wei-Shaw/sub2api/issues/890
    (403, "Insufficient account balance", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    # https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/237 and 546
    (400, "Trying to keep the first 9 tokens when context the overflows.", ErrorCode.CONTEXT_OVERFLOW),
    # https://api-docs.deepseek.com/quick_start/error_codes
    (402, "Insufficient Balance", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    (400, "Content Exists Risk", ErrorCode.CONTENT_FILTERED),
    # https://www.alibabacloud.com/help/en/model-studio/error-code
    (400, "Range of input length should be [1, 129024]", ErrorCode.CONTEXT_OVERFLOW),
    (400, "data_inspection_failed: may contain inappropriate content.", ErrorCode.CONTENT_FILTERED),
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html, https://docs.sglang.ai
    (400, "The decoder prompt is longer than the maximum model length of 5.", ErrorCode.CONTEXT_OVERFLOW),
    (400, "The input is longer than the model's context length (5 tokens).", ErrorCode.CONTEXT_OVERFLOW),
    # https://platform.moonshot.ai/docs/api/chat#error-description
    (400, "Your request exceeded model token limit: 131072", ErrorCode.CONTEXT_OVERFLOW),
    (429, "exceeded_current_quota_error", ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    # https://docs.z.ai/api-reference/api-code
    (400, "Prompt exceeds max length", ErrorCode.CONTEXT_OVERFLOW),
    # https://docs.together.ai/docs/error-codes
    (422, "`inputs` tokens + `max_new_tokens` must be <= 4097", ErrorCode.CONTEXT_OVERFLOW),
    # GitHub Models
    (400, "prompt token count of 9 exceeds the limit of 5", ErrorCode.CONTEXT_OVERFLOW),
]  # fmt: skip


@pytest.mark.parametrize(("status", "words", "code"), SAID)
def test_what_providers_say_is_understood(status: int, words: str, code: ErrorCode) -> None:
    assert code_of_status(status, f'{{"error": {{"message": "{words}"}}}}') is code


def expected_of(status: int) -> ErrorCode:
    """By classes of statuses, the known ones by name: written from RFC 9110 and the providers' pages."""
    known = {
        401: ErrorCode.PROVIDER_KEY_REFUSED,
        402: ErrorCode.PROVIDER_PAYMENT_REQUIRED,
        403: ErrorCode.PROVIDER_FORBIDDEN,
        404: ErrorCode.PROVIDER_MODEL_NOT_FOUND,
        405: ErrorCode.PROVIDER_NOT_AN_API,
        408: ErrorCode.PROVIDER_TIMEOUT,
        413: ErrorCode.PROVIDER_REQUEST_TOO_LARGE,
        429: ErrorCode.PROVIDER_RATE_LIMITED,
        451: ErrorCode.CONTENT_FILTERED,
        498: ErrorCode.PROVIDER_KEY_REFUSED,
        503: ErrorCode.PROVIDER_OVERLOADED,
        504: ErrorCode.PROVIDER_TIMEOUT,
        524: ErrorCode.PROVIDER_TIMEOUT,
        529: ErrorCode.PROVIDER_OVERLOADED,
    }
    if status <= 200 and status != 101:  # the announcement of an answer that never comes
        return ErrorCode.PROVIDER_STREAM_CUT
    if status < 400:
        return ErrorCode.PROVIDER_NOT_AN_API
    return known.get(status, ErrorCode.PROVIDER_BAD_REQUEST if status < 500 else ErrorCode.PROVIDER_FAILED)


@asynccontextmanager
async def a_server_of_statuses() -> AsyncIterator[str]:
    """Answers /<status>/… with that status and nothing else, as a server of one's own may do."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status = request.split(b"/", 2)[1]
        writer.write(b"HTTP/1.1 " + status + b" Whatever\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("provider", [Provider.OPENAI_COMPATIBLE, Provider.ANTHROPIC, Provider.OLLAMA])
async def test_every_status_is_a_failure_with_words(provider: Provider) -> None:
    async with a_server_of_statuses() as url:
        for status in range(100, 600):
            async with asyncio.timeout(10):
                events, error = await asked(a_route(f"{url}/{status}", "m", provider=provider))
            # 1xx (but 101) are no answers yet and 200 is one: what they used is unknown. Others used nothing.
            is_open = status == 200 or (status < 200 and status != 101)
            used = [] if is_open else [UsageReport(input_tokens=0, output_tokens=0)]
            assert events == used, status
            assert error is not None, status
            assert error.code is expected_of(status), status
            assert "The fake" in error.sentence


async def test_every_error_status_is_told_the_same_through_litellm() -> None:
    async with a_server_of_statuses() as url:
        for status in (*range(300, 310), *range(400, 452), *range(500, 530)):
            async with asyncio.timeout(20):
                _, error = await asked(a_route(f"{url}/{status}", "m", provider=Provider.LITELLM))
            assert error is not None, status
            assert error.code is expected_of(status), status


async def test_each_of_the_twelve_has_a_sentence_of_its_own(
    upstream: FakeUpstream, settings: Settings
) -> None:
    models = [f"status-{status}" for status in (401, 402, 403, 404, 408, 413, 429, 500, 529)]
    models += ["content-filter", "context-overflow"]
    sentences = []
    for model in models:
        _, error = await asked(a_route(upstream, model))
        assert error is not None
        sentences.append(error.sentence)
        assert error.next_step
        assert error.action is not NextAction.NONE
    settings.PROVIDER_SILENCE_SECONDS = 1
    _, error = await asked(a_route(upstream, "silent"))
    assert error is not None
    sentences.append(error.sentence)
    assert len(set(sentences)) == 12


def litellm_exceptions() -> list[type[BaseException]]:
    """All classes of the installed version. Imported here, as the product does: it takes seconds."""
    found = [
        kind
        for _, kind in inspect.getmembers(importlib.import_module("litellm.exceptions"), inspect.isclass)
        if issubclass(kind, BaseException) and kind.__module__ == "litellm.exceptions"
    ]
    assert len(found) > 25
    return found


def an_instance(kind: type[BaseException], *, echoed: str) -> BaseException:
    """Whatever its constructor wants; the message holds a key, as messages of providers do."""
    response = httpx.Response(418, request=httpx.Request("POST", "http://x.example/"))
    known: dict[str, Any] = {"status_code": 418, "response": response, "request_data": {}, "failures": ()}
    known |= {"original_exception": None, "current_cost": 1.0, "max_budget": 1.0}
    signature = inspect.signature(kind.__init__).parameters.values()
    wanted = [p for p in signature if p.name != "self" and p.default is p.empty]
    named = [p.name for p in wanted if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
    return kind(**{name: known.get(name, echoed) for name in named})


async def test_whatever_litellm_raises_before_it_asks_anybody_has_its_code(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A class that comes with a new version of litellm is a failure here until it is mapped."""
    await warm_up()
    for kind in litellm_exceptions():
        assert kind.__name__ in CODES_OF_EXCEPTIONS
        monkeypatch.setattr("litellm.acompletion", raises(an_instance(kind, echoed="sk-echoed-in-a-message")))
        events, error = await asked(a_route(upstream, "hello", provider=Provider.LITELLM))
        assert events == []
        assert error is not None
        assert error.code is CODES_OF_EXCEPTIONS[kind.__name__]
        assert "sk-echoed" not in caplog.text + repr(error.__dict__) + error.sentence
    assert upstream.calls == []


def raises(error: BaseException) -> Callable[..., Awaitable[object]]:
    async def acompletion(**_: object) -> object:
        raise error

    return acompletion


async def test_no_class_is_mapped_that_litellm_has_not() -> None:
    await warm_up()
    assert set(CODES_OF_EXCEPTIONS) == {kind.__name__ for kind in litellm_exceptions()}


async def test_what_was_really_answered_counts_more_than_the_class(
    upstream: FakeUpstream,
) -> None:
    """litellm makes a BadRequestError of it."""
    route = a_route(upstream, "hosted_vllm/status-429", provider=Provider.LITELLM)
    _, error = await asked(route)
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_RATE_LIMITED


def test_every_code_of_a_provider_names_it() -> None:
    """So that two endpoints in one conversation can be told apart."""
    for code, text in ERROR_TEXTS.items():
        if code.value.startswith("provider_"):
            assert "{provider}" in text.sentence
            assert "{" not in UserFacingError(code, details={"provider": "X", "seconds": 3}).sentence
