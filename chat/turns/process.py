"""What a worker process runs beside its jobs: the recorder, the ear for stops, the rescue of turns."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from procrastinate import App

from betterchat.core.db import in_thread
from chat.turns import control, recovery
from chat.turns.recorder import Recorder
from providers import gateway

_recorder: Recorder | None = None


def recorder() -> Recorder:
    """The recorder of this worker process; jobs run only inside `running_worker`."""
    assert _recorder is not None, "a turn was run outside a worker"
    return _recorder


@contextlib.asynccontextmanager
async def running_worker(app: App) -> AsyncIterator[None]:
    """`app` is the worker's own copy of the job app. If one of the helpers fails, the worker ends: a new
    process is better than one that records nothing."""
    global _recorder  # noqa: PLW0603 - jobs are functions; one worker a process
    own = Recorder()
    try:
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(own.run()),
                group.create_task(control.listen_forever(own)),
                group.create_task(recovery.rescue_forever(app)),
                group.create_task(warm_up()),
            ]
            _recorder = own
            yield
            for helper in helpers:
                helper.cancel()
    finally:
        _recorder = None
        await own.aclose()
        await gateway.close_sessions()


async def warm_up() -> None:
    """Load what takes seconds before the first person waits for it."""
    if await in_thread(gateway.needs_warm_up)():
        await gateway.warm_up()
