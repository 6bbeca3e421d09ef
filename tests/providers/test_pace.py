"""Many calls at once are read in ticks: fewer reads, the same words."""

import asyncio

import pytest
from aiohttp import ClientResponse

from providers.events import TextDelta
from providers.wires import pace
from providers.wires.pace import Pace
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

CALLS = pace.CALLS_AT_ONCE * 2


async def test_no_word_is_lost_where_many_are_read_together(upstream: FakeUpstream) -> None:
    route = a_route(upstream, "slow-40")
    for events, error in await asyncio.gather(*(asked(route) for _ in range(CALLS))):
        assert error is None
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert text == "".join(f"{number} " for number in range(40))


async def test_many_calls_are_read_less_often(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that wait in one tick are woken by one timer."""
    rests: list[int] = []
    rest = Pace.rest

    async def counted(self: Pace, response: ClientResponse) -> None:
        rests.append(1)
        await rest(self, response)

    monkeypatch.setattr(Pace, "rest", counted)
    monkeypatch.setattr(pace, "SECONDS_PER_CALL", 1.0)  # ticks of the longest kind
    await asyncio.gather(*(asked(a_route(upstream, "slow-40")) for _ in range(CALLS)))
    assert 0 < len(rests) < CALLS * 40 * 0.8


async def test_a_call_that_is_left_while_it_rests_leaves_nothing_behind(upstream: FakeUpstream) -> None:
    calls = [asyncio.create_task(asked(a_route(upstream, "forever"))) for _ in range(CALLS)]
    while len(upstream.calls) < CALLS:
        await asyncio.sleep(0.01)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    events, error = await asked(a_route(upstream, "hello"))
    assert (error, Pace.current()._calls) == (None, 0)
    assert TextDelta("Hello") in events
