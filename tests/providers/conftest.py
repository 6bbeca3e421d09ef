"""A fake provider over real HTTP, and short words for asking it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from pytest_django import Settings

from betterchat.core.errors import UserFacingError
from providers.events import Heartbeat, ModelEvent, ModelRequest, PromptMessage, Purpose, Role
from providers.gateway import ResolvedRoute, close_sessions, open_stream
from providers.models import Provider, Wire
from tests.fakes.upstream import FakeUpstream

KEY = "sk-test-0123456789-secret"


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(autouse=True)
def _quick_demo(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 1_000_000


@pytest.fixture
async def _sessions() -> AsyncIterator[None]:
    yield
    await close_sessions()


def a_request(
    text: str = "Hi", *, purpose: Purpose = Purpose.ANSWER, limit: int | None = None
) -> ModelRequest:
    messages = (PromptMessage(Role.SYSTEM, "Be brief."), PromptMessage(Role.USER, text))
    return ModelRequest("test:model", messages, purpose, max_output_tokens=limit)


def a_route(
    upstream: FakeUpstream | str,
    model: str,
    *,
    provider: Provider = Provider.OPENAI_COMPATIBLE,
    key: str = KEY,
    wire: Wire | None = None,
    reasoning: bool = False,
    allow_private: bool = True,
) -> ResolvedRoute:
    """A route to the fake, at the address which the provider's language expects."""
    url = upstream
    if isinstance(upstream, FakeUpstream):
        paths = {Provider.ANTHROPIC: "", Provider.OLLAMA: "", Provider.GEMINI: "/v1beta"}
        url = upstream.url + paths.get(provider, "/v1")
    assert isinstance(url, str)
    name = f"deepseek/{model}" if provider is Provider.LITELLM and "/" not in model else model
    return ResolvedRoute(
        model_id=f"test:{model}",
        endpoint_id=1,
        provider=provider,
        provider_label="The fake",
        provider_model=name,
        base_url=url,
        allow_private=allow_private,
        max_output_tokens=None,
        key=key,
        wire=wire,
        reasoning=reasoning,
    )


async def asked(
    route: ResolvedRoute, request: ModelRequest | None = None
) -> tuple[list[ModelEvent], UserFacingError | None]:
    """Every event of the answer, and the error that ended the call instead of Finished."""
    events: list[ModelEvent] = []
    try:
        async with aclosing(open_stream(request or a_request(), route=route)) as stream:
            async for event in stream:
                if not isinstance(event, Heartbeat):
                    events.append(event)  # noqa: PERF401 - what came before an error counts
    except UserFacingError as error:
        return events, error
    return events, None
