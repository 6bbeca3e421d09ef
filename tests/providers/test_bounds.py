"""What a hostile or broken server can make us do: nothing beyond the bounds."""

import asyncio

import pytest
from pytest_django import Settings

from betterchat.core.errors import ErrorCode
from providers.events import Finished, FinishReason, TextDelta, ToolCall
from providers.models import Provider
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

pytestmark = pytest.mark.usefixtures("_sessions")

# The fake goes on for minutes: an end within this one is an end by the bound.
SECONDS_MAX = 30


@pytest.mark.parametrize("provider", [Provider.OPENAI_COMPATIBLE, Provider.LITELLM])
async def test_a_stream_without_end_ends_by_its_total_time(
    upstream: FakeUpstream, settings: Settings, provider: Provider
) -> None:
    await asked(a_route(upstream, "hello", provider=provider))  # so that an import is not measured
    settings.PROVIDER_TOTAL_SECONDS = 1
    async with asyncio.timeout(SECONDS_MAX):
        events, error = await asked(a_route(upstream, "forever", provider=provider))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_TIMEOUT
    assert events


@pytest.mark.parametrize("provider", [Provider.OPENAI_COMPATIBLE, Provider.ANTHROPIC, Provider.LITELLM])
async def test_a_stream_without_end_ends_by_its_size(
    upstream: FakeUpstream, settings: Settings, provider: Provider
) -> None:
    settings.PROVIDER_BYTES_MAX = 10_000
    events, error = await asked(a_route(upstream, "forever", provider=provider))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_STREAM_CUT
    assert 10 < len(events) < 200


async def test_what_comes_packed_is_unpacked(upstream: FakeUpstream) -> None:
    events, error = await asked(a_route(upstream, "gzipped"))
    assert error is None
    assert events == [TextDelta("Hello"), Finished(FinishReason.STOP)]


async def test_a_bomb_is_unpacked_no_further_than_the_bound(
    upstream: FakeUpstream, settings: Settings
) -> None:
    settings.PROVIDER_BYTES_MAX = 4 * 1024 * 1024
    events, error = await asked(a_route(upstream, "bomb"))
    assert events == [TextDelta("Hello")]
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_STREAM_CUT


async def test_a_call_that_was_not_finished_is_none(upstream: FakeUpstream) -> None:
    events, error = await asked(a_route(upstream, "cut-call"))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_STREAM_CUT
    assert not [event for event in events if isinstance(event, ToolCall)]


async def test_a_server_that_stays_on_the_line_after_its_end_is_not_waited_for(
    upstream: FakeUpstream,
) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        events, error = await asked(a_route(upstream, "lingering"))
    assert error is None
    assert events[0] == TextDelta("Done")
