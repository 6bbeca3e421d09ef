"""A worker inside the test: the real recorder and runner, without the job queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from uuid import UUID

from betterchat.core.db import in_thread
from chat.models import Turn
from chat.protocol.commands import Position
from chat.stream import Entry, read_after
from chat.turns import control
from chat.turns.recorder import Recorder
from chat.turns.runner import run_turn
from providers import gateway

SECONDS_MAX = 20.0


@contextlib.asynccontextmanager
async def a_worker() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    helpers = [asyncio.create_task(recorder.run()), asyncio.create_task(control.listen_forever(recorder))]
    try:
        yield recorder
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        await recorder.aclose()
        await gateway.close_sessions()


async def run(turn: Turn) -> Turn:
    """Run a turn to its end; the turn as stored then."""
    async with a_worker() as recorder:
        await bounded(run_turn(turn.pk, recorder=recorder))
    return await stored(turn.pk)


async def stored(turn_id: UUID) -> Turn:
    return await in_thread(Turn.objects.select_related("answer", "message", "conversation").get)(pk=turn_id)


async def bounded[R](waiting: Awaitable[R]) -> R:
    async with asyncio.timeout(SECONDS_MAX):
        return await waiting


async def entries_of(turn_id: UUID) -> list[Entry]:
    return [entry for _, entry in await read_after(turn_id, Position())]
