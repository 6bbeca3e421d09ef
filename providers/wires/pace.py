"""How often a worker reads its many providers: one alone at once, hundreds together in ticks.

A read costs far more than the bytes in it. Between ticks what providers send waits in the kernel, and comes
with one read instead of several (47 → 24 µs of CPU a token at 100 streams of 30 tokens a second).
"""

import asyncio
import weakref
from typing import ClassVar

import aiohttp

CALLS_AT_ONCE = 12
SECONDS_PER_CALL = 0.001
TICK_SECONDS_MAX = 0.1


class Pace:
    """One per event loop. `with pace:` for the time of a call, `rest` between its reads."""

    _of_loop: "ClassVar[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pace]]" = (
        weakref.WeakKeyDictionary()
    )

    def __init__(self) -> None:
        self._calls = 0
        self._tick: asyncio.Event | None = None

    @classmethod
    def current(cls) -> "Pace":
        return cls._of_loop.setdefault(asyncio.get_running_loop(), cls())

    def __enter__(self) -> None:
        self._calls += 1

    def __exit__(self, *_: object) -> None:
        self._calls -= 1

    async def rest(self, response: aiohttp.ClientResponse) -> None:
        """Until the next tick, with the connection held; at once while there are few calls."""
        if self._calls <= CALLS_AT_ONCE:
            return
        connection = response.connection
        transport = connection.transport if connection else None
        if transport is None or transport.is_closing():
            return
        transport.pause_reading()
        try:
            await self._next_tick().wait()
        finally:
            if not transport.is_closing():
                transport.resume_reading()
        await asyncio.sleep(0)  # what waited comes with the loop's next look, and is read as one

    def _next_tick(self) -> asyncio.Event:
        if self._tick is None:
            self._tick = asyncio.Event()
            seconds = min(TICK_SECONDS_MAX, SECONDS_PER_CALL * self._calls)
            asyncio.get_running_loop().call_later(seconds, self._release)
        return self._tick

    def _release(self) -> None:
        tick, self._tick = self._tick, None
        if tick is not None:
            tick.set()
