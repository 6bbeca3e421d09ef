"""The faults. Each is a coroutine that hurts the cluster at a moment drawn from the trial's dice, mends what
would be mended by whoever runs it (a supervisor, an operator), and returns."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import psycopg
import redis

from tests.faults.cluster import SILENCE_SECONDS, Cluster, Member
from tests.faults.launcher import POINTS
from tests.faults.numbered import Upstream

SUPERVISOR_SECONDS = (0.3, 2.0)
POINT_SECONDS_MAX = 15.0
COMPLETED = "completed"


@dataclass
class Strike:
    """One fault as it happens. `struck` is called at the moment it does; `notes` go into the trial's line."""

    cluster: Cluster
    upstream: Upstream
    dice: random.Random
    struck: Callable[[], None]
    notes: list[str] = field(default_factory=list)
    expected: set[Member] = field(default_factory=set)

    async def supervise(self) -> None:
        """Start anew what ended by itself, as `serve` or systemd would."""
        while True:
            await asyncio.sleep(0.3)
            for member in [m for m in self.cluster.webs + self.cluster.workers if m.ended()]:
                code = member.exit_code(seconds=1)
                if member not in self.expected and code != -signal.SIGKILL:
                    self.notes.append(f"a {member.kind} ended by itself ({code})")
                    self.cluster.replace(member)

    async def wait(self, first: float, last: float) -> None:
        await asyncio.sleep(self.dice.uniform(first, last))

    async def replace(self, member: Member) -> None:
        await self.wait(*SUPERVISOR_SECONDS)
        fresh = self.cluster.replace(member)
        await asyncio.to_thread(self.cluster.wait_until_ready, fresh)


type Fault = Callable[[Strike], Awaitable[None]]


async def nothing(strike: Strike) -> None:
    """To see that the harness itself does no harm."""


async def kill(strike: Strike, *, kind: str) -> None:
    await strike.wait(0.3, 5)
    member = strike.dice.choice(_members(strike, kind))
    strike.struck()
    member.send(signal.SIGKILL)
    await strike.replace(member)


async def kill_both_workers(strike: Strike) -> None:
    await strike.wait(0.3, 5)
    strike.struck()
    for member in strike.cluster.workers:
        member.send(signal.SIGKILL)
    for member in list(strike.cluster.workers):
        await strike.replace(member)


async def terminate(strike: Strike, *, kind: str) -> None:
    await strike.wait(0.3, 5)
    await _restart_gracefully(strike, strike.dice.choice(_members(strike, kind)))


async def rolling_restart(strike: Strike) -> None:
    await strike.wait(1, 2)
    for member in [*strike.cluster.workers, *strike.cluster.webs]:
        await _restart_gracefully(strike, member)


async def freeze_worker(strike: Strike) -> None:
    await strike.wait(0.3, 5)
    member = strike.dice.choice(strike.cluster.workers)
    strike.struck()
    member.send(signal.SIGSTOP)
    await strike.wait(12, 20)
    member.send(signal.SIGCONT)


async def restart_server(strike: Strike, *, postgres: bool) -> None:
    await strike.wait(0.3, 5)
    server = strike.cluster.postgres if postgres else strike.cluster.valkey
    strike.struck()
    pause = strike.dice.uniform(0, 3)
    await asyncio.to_thread(strike.cluster.restart_server, server, pause_seconds=pause)


async def freeze_server(strike: Strike, *, postgres: bool) -> None:
    await strike.wait(0.3, 5)
    strike.struck()
    pids = strike.cluster.server_pids(postgres=postgres)
    _signal(pids, signal.SIGSTOP)
    try:
        await strike.wait(2, 12)
    finally:
        _signal(pids, signal.SIGCONT)


async def terminate_connections(strike: Strike) -> None:
    await strike.wait(0.3, 5)
    strike.struck()
    for _ in range(strike.dice.randint(1, 3)):
        await asyncio.to_thread(_terminate_connections, strike.cluster)
        await strike.wait(0.1, 1)


async def flush_valkey(strike: Strike) -> None:
    await strike.wait(0.3, 5)
    strike.struck()
    await asyncio.to_thread(_with_redis, strike.cluster, lambda live: live.flushall())


async def fill_valkey(strike: Strike) -> None:
    """No room and nothing is thrown out: every write is refused."""
    await strike.wait(0.3, 5)

    def fill(live: redis.Redis) -> None:
        live.config_set("maxmemory-policy", "noeviction")
        live.config_set("maxmemory", 1024 * 1024)

    def empty(live: redis.Redis) -> None:
        live.config_set("maxmemory", 256 * 1024 * 1024)
        live.config_set("maxmemory-policy", "volatile-ttl")

    strike.struck()
    await asyncio.to_thread(_with_redis, strike.cluster, fill)
    await strike.wait(2, 8)
    await asyncio.to_thread(_with_redis, strike.cluster, empty)


async def cut_upstream(strike: Strike) -> None:
    await strike.wait(1, 5)
    strike.struck()
    strike.notes.append(f"{strike.upstream.cut()} cut")


async def stall_upstream(strike: Strike, *, longer: bool) -> None:
    """Shorter or longer than the product's patience."""
    await strike.wait(1, 5)
    strike.struck()
    strike.upstream.stall()
    try:
        seconds = (SILENCE_SECONDS + 2, SILENCE_SECONDS + 5) if longer else (1, SILENCE_SECONDS - 2)
        await strike.wait(*seconds)
    finally:
        strike.upstream.go_on()


async def die_at(strike: Strike, *, kind: str, point: str) -> None:
    """Some process of that kind dies the next time it passes the point."""
    if point.endswith(("checkpoint", "live-text")):
        await strike.wait(0.3, 4)
    armed = strike.cluster.points / point
    armed.touch()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(POINT_SECONDS_MAX):
            while armed.exists():
                await asyncio.sleep(0.02)
            strike.struck()
            dead = next(strike.cluster.points.glob(f"{point}.*"))
            member = strike.cluster.member(int(dead.suffix[1:]))
            dead.unlink()
            assert member is not None
            await asyncio.to_thread(member.exit_code, seconds=5)
            await strike.replace(member)
            return
    armed.unlink(missing_ok=True)
    strike.notes.append("the point was not reached")


async def _restart_gracefully(strike: Strike, member: Member) -> None:
    strike.struck()
    strike.expected.add(member)
    member.send(signal.SIGTERM)
    code = await asyncio.to_thread(member.exit_code, seconds=20)
    if code != 0:
        strike.notes.append(f"{member.kind} exited with {code}")
    fresh = strike.cluster.replace(member)
    await asyncio.to_thread(strike.cluster.wait_until_ready, fresh)


def _members(strike: Strike, kind: str) -> list[Member]:
    return strike.cluster.webs if kind == "web" else strike.cluster.workers


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _terminate_connections(cluster: Cluster) -> None:
    with contextlib.suppress(psycopg.OperationalError), cluster.database() as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _with_redis(cluster: Cluster, use: Callable[[redis.Redis], object]) -> None:
    with cluster.redis() as live:
        use(live)


FAULTS: dict[str, Fault] = {
    "nothing": nothing,
    "kill-worker": partial(kill, kind="worker"),
    "kill-both-workers": kill_both_workers,
    "kill-web": partial(kill, kind="web"),
    "terminate-worker": partial(terminate, kind="worker"),
    "terminate-web": partial(terminate, kind="web"),
    "rolling-restart": rolling_restart,
    "freeze-worker": freeze_worker,
    "restart-postgres": partial(restart_server, postgres=True),
    "freeze-postgres": partial(freeze_server, postgres=True),
    "terminate-connections": terminate_connections,
    "restart-valkey": partial(restart_server, postgres=False),
    "freeze-valkey": partial(freeze_server, postgres=False),
    "flush-valkey": flush_valkey,
    "fill-valkey": fill_valkey,
    "cut-upstream": cut_upstream,
    "stall-upstream": partial(stall_upstream, longer=False),
    "silence-upstream": partial(stall_upstream, longer=True),
    **{
        f"{kind}-dies-{point}": partial(die_at, kind=kind, point=point)
        for kind, points in POINTS.items()
        for point in points
    },
}
# How a turn may end beside being completed.
ENDS: dict[str, frozenset[str]] = {
    "cut-upstream": frozenset({"provider_stream_cut"}),
    "silence-upstream": frozenset({"provider_silent"}),
}


def may_end(fault: str, outcome: str) -> bool:
    return outcome == COMPLETED or outcome in ENDS.get(fault, frozenset())
