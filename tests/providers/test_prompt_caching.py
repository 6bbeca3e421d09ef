"""The second turn of a long chat is read from the provider's cache, and its counts say so."""

from typing import Any

import pytest

from providers.events import ModelRequest, PromptMessage, Purpose, Role, UsageReport
from providers.models import Provider, Wire
from tests.fakes.caching import OUTPUT_TOKENS, Cache
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

pytestmark = pytest.mark.usefixtures("_sessions")

type Asked = dict[str, Any]

MARKED: list[Asked] = [{"provider": Provider.ANTHROPIC}, {"provider": Provider.OPENROUTER}]
UNMARKED: list[Asked] = [
    {"provider": Provider.OPENAI},
    {"provider": Provider.OPENAI, "wire": Wire.OPENAI_CHAT},
    {"provider": Provider.GEMINI},
]
INSTRUCTIONS = PromptMessage(Role.SYSTEM, "Be brief. " * 600)


def turns(count: int) -> tuple[PromptMessage, ...]:
    said: list[PromptMessage] = [INSTRUCTIONS]
    for number in range(count):
        if number:
            said.append(PromptMessage(Role.ASSISTANT, f"Answer {number}. " * 30))
        said.append(PromptMessage(Role.USER, f"Question {number}? " * 200))
    return tuple(said)


async def usage_of(upstream: FakeUpstream, route: Asked, messages: tuple[PromptMessage, ...]) -> UsageReport:
    request = ModelRequest("test:cached", messages, Purpose.ANSWER)
    events, error = await asked(a_route(upstream, "anthropic/cached", **route), request)
    assert error is None
    return [event for event in events if isinstance(event, UsageReport)][-1]  # counts are cumulative


def the_cache(upstream: FakeUpstream) -> Cache:
    cache = upstream.scripts["anthropic/cached"]
    assert isinstance(cache, Cache)
    return cache


@pytest.mark.parametrize("route", [*MARKED, *UNMARKED], ids=str)
async def test_every_turn_reads_what_the_one_before_had(upstream: FakeUpstream, route: Asked) -> None:
    before = 0
    for count in range(1, 8):
        usage = await usage_of(upstream, route, turns(count))
        total = the_cache(upstream).totals[-1]
        assert usage.input_tokens == total  # cached and written ones included, on every wire
        assert usage.output_tokens == OUTPUT_TOKENS
        cached = usage.cached_tokens or 0
        assert (cached > before * 0.9) if before else not cached
        assert cached + (usage.cache_write_tokens or 0) <= total
        before = total


@pytest.mark.parametrize("route", MARKED, ids=str)
async def test_nearly_all_of_a_turn_is_kept_for_the_next(upstream: FakeUpstream, route: Asked) -> None:
    usage = await usage_of(upstream, route, turns(3))
    assert usage.cache_write_tokens == usage.input_tokens


@pytest.mark.parametrize("route", UNMARKED, ids=str)
async def test_where_caching_goes_by_itself_nothing_is_marked(upstream: FakeUpstream, route: Asked) -> None:
    await usage_of(upstream, route, turns(2))
    assert "cache" not in str(upstream.calls[-1].body).replace("anthropic/cached", "")


@pytest.mark.parametrize("route", MARKED, ids=str)
async def test_an_edited_question_is_read_up_to_the_edit(upstream: FakeUpstream, route: Asked) -> None:
    await usage_of(upstream, route, turns(3))
    edited = (*turns(3)[:-1], PromptMessage(Role.USER, "Something else. " * 200))
    usage = await usage_of(upstream, route, edited)
    assert usage.cached_tokens
    assert usage.input_tokens
    assert usage.cached_tokens < usage.input_tokens
