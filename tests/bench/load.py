"""How many answers at once, how late their words are, and what it costs, beside the floor.

`python -m tests.bench.load --streams 400`. Every stream brings 30 tokens a second. The provider and the tabs
are processes of their own and are counted apart; the floor is a relay from the same provider to the same
tabs that keeps nothing. One web process, one worker. Compare within a table: other work on the machine
slows all of it.
"""

import argparse
import contextlib
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import streams
from tests.bench.measures import Late, cpu_seconds, memory_mib
from tests.faults.cluster import PLAIN, Cluster

LATE_MILLISECONDS_MAX = 250
STARTS_PER_SECOND = 40.0
SETTLE_SECONDS = 4.0
MEASURE_SECONDS = 6.0
_ANSWER_SECONDS = 180.0
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Step:
    """One load, measured."""

    streams: int
    late: Late
    cores: dict[str, float]
    memory: dict[str, float]
    failures: list[str]
    load_average: float

    @property
    def is_good(self) -> bool:
        return not self.failures and self.late.p99 < LATE_MILLISECONDS_MAX and self.is_complete

    @property
    def is_complete(self) -> bool:
        wanted = self.streams * streams.TOKENS_PER_SECOND * self.late.seconds
        return self.late.tokens > 0.95 * wanted

    @property
    def own_cores(self) -> float:
        return sum(spent for kind, spent in self.cores.items() if kind not in ("provider", "tabs"))


class Helper:
    """A process of `streams` and the line to it."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._line, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=target, args=(theirs, *arguments), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def ask(self, *command: object) -> Any:
        self._line.send(command)
        return self.receive()

    def tell(self, *command: object) -> None:
        self._line.send(command)

    def receive(self) -> Any:
        assert self._line.poll(_ANSWER_SECONDS), "a helper of the benchmark does not answer"
        return self._line.recv()

    def end(self) -> None:
        self._process.terminate()
        self._process.join(5)


@contextlib.contextmanager
def ending(helper: Helper) -> Iterator[Helper]:
    try:
        yield helper
    finally:
        helper.end()


def measure(
    count: int,
    *,
    url: str,
    token: str | None,
    provider: Helper,
    processes: Callable[[], dict[str, list[int]]],
    sampled: Sequence[int] = (),
) -> Step:
    with ending(Helper(streams.readers, url, token)) as tabs:
        tabs.ask("add", count, STARTS_PER_SECOND)
        time.sleep(SETTLE_SECONDS)
        pids = {**processes(), "provider": [provider.pid], "tabs": [tabs.pid]}
        before, began = cpu_seconds(pids), time.monotonic()
        for pid in sampled:
            os.kill(pid, signal.SIGUSR1)
        tabs.ask("begin")
        time.sleep(MEASURE_SECONDS)
        late = tabs.ask("end")
        for pid in sampled:
            os.kill(pid, signal.SIGUSR2)
        after, seconds = cpu_seconds(pids), time.monotonic() - began
        memory = memory_mib(pids)
        provider.tell("end")
        failures = tabs.ask("finish")
    cores = {kind: (after[kind] - before[kind]) / seconds for kind in pids}
    return Step(count, late, cores, memory, failures, os.getloadavg()[0])


def highest(count_max: int, measured: Callable[[int], Step]) -> Step | None:
    """The greatest number of streams whose words are in time, found by halving, at most `count_max`."""
    best, low, high = None, 0, count_max
    count = count_max
    while high - low > max(10, count_max // 20):
        step = measured(count)
        print(line(step), flush=True)
        if step.is_good:
            best, low = step, count
            if count == count_max:
                break
        else:
            high = count
        count = (low + high) // 2
    return best


def line(step: Step) -> str:
    late, own = step.late, {k: v for k, v in step.cores.items() if k not in ("provider", "tabs")}
    costs = ", ".join(f"{kind} {spent:.2f}" for kind, spent in own.items())
    others = f"provider {step.cores['provider']:.2f}, tabs {step.cores['tabs']:.2f}"
    memory = ", ".join(f"{kind} {size:.0f}" for kind, size in step.memory.items() if kind in own)
    verdict = "" if step.is_good else "  TOO LATE" if step.is_complete else "  TOKENS MISSING"
    return (
        f"{step.streams:>5} streams: p50 {late.p50:.0f} p95 {late.p95:.0f} p99 {late.p99:.0f} ms,"
        f" {late.tokens / late.seconds:.0f} tokens/s in {late.frames / late.seconds:.0f} frames/s;"
        f" cores: {costs} | {others}; MiB: {memory}; load {step.load_average:.1f}{verdict}"
        + "".join(f"\n      {failure}" for failure in step.failures[:3])
    )


def table(product: list[Step], floor: list[Step]) -> str:
    """Medians of the runs of both at the same number of streams, and the ratios."""

    def median(steps: list[Step], of: Callable[[Step], float]) -> float:
        return statistics.median(of(step) for step in steps)

    rows: list[tuple[str, Callable[[Step], float], str]] = [
        ("added delay p50 (ms)", lambda s: s.late.p50, ".1f"),
        ("added delay p95 (ms)", lambda s: s.late.p95, ".1f"),
        ("added delay p99 (ms)", lambda s: s.late.p99, ".1f"),
        ("cores of its own", lambda s: s.own_cores, ".2f"),
        ("CPU a token (µs)", lambda s: s.own_cores / (s.late.tokens / s.late.seconds) * 1e6, ".0f"),
        ("frames a token", lambda s: s.late.frames / max(s.late.tokens, 1), ".2f"),
    ]
    lines = [f"{'':<24}{'product':>10}{'floor':>10}{'ratio':>8}"]
    for name, of, shape in rows:
        ours, theirs = median(product, of), median(floor, of)
        lines.append(f"{name:<24}{ours:>10{shape}}{theirs:>10{shape}}{ours / max(theirs, 1e-9):>8.1f}")
    return "\n".join(lines)


@contextlib.contextmanager
def a_product(provider_url: str, root: Path, *, profile: Path | None) -> Iterator[Cluster]:
    def python(kind: str) -> tuple[str, ...]:
        return PLAIN if profile is None else ("-m", "tests.bench.sampled", str(profile / f"{kind}.txt"))

    cluster = Cluster(root, upstream_url=provider_url, size=1, python=python, environment=_ENVIRONMENT)
    try:
        cluster.start()
        yield cluster
    finally:
        for member in cluster.webs + cluster.workers:
            with contextlib.suppress(AssertionError):
                member.stop()
        cluster.close()


_ENVIRONMENT = {"PROVIDER_SILENCE_SECONDS": "60", "LOG_LEVEL": "WARNING"}


def _processes(cluster: Cluster) -> dict[str, list[int]]:
    return {
        "web": [member.pid for member in cluster.webs],
        "worker": [member.pid for member in cluster.workers],
        "valkey": cluster.server_pids(postgres=False),
        "postgres": cluster.server_pids(postgres=True),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=400)
    parser.add_argument("--runs", type=int, default=3, help="of the comparison; medians are told")
    parser.add_argument("--compare-at", type=int, help="streams of the comparison; else half of the highest")
    parser.add_argument("--profile", type=Path, help="a folder for where web and worker spend CPU")
    options = parser.parse_args()
    print(f"load average before {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(ending(Helper(streams.provider)))
        provider_url = f"http://127.0.0.1:{provider.receive()}/v1"
        floor = stack.enter_context(ending(Helper(streams.relay, provider_url)))
        floor_url = f"http://127.0.0.1:{floor.receive()}"
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="betterchat-load-"))
        cluster = stack.enter_context(a_product(provider_url, Path(folder), profile=options.profile))

        def of_product(count: int) -> Step:
            return measure(
                count,
                url=cluster.urls[0],
                token=cluster.token,
                provider=provider,
                processes=lambda: _processes(cluster),
                sampled=[m.pid for m in cluster.webs + cluster.workers] if options.profile else (),
            )

        def of_floor(count: int) -> Step:
            return measure(
                count, url=floor_url, token=None, provider=provider, processes=lambda: {"relay": [floor.pid]}
            )

        print("product", flush=True)
        best = None
        if options.compare_at is None:
            best = highest(options.streams, of_product)
        count = options.compare_at or (best.streams // 2 if best else options.streams // 4)
        compared: list[list[Step]] = [[], []]
        for run in range(options.runs):
            for found, measured in zip(compared, (of_product, of_floor), strict=True):
                found.append(measured(count))
                print(
                    f"run {run + 1} of {('product', 'floor')[found is compared[1]]}: {line(found[-1])}",
                    flush=True,
                )
    if best:
        print(f"\nhighest with p99 under {LATE_MILLISECONDS_MAX} ms: {best.streams} streams")
    print(f"\nat {count} streams, medians of {options.runs} runs\n{table(*compared)}")
    sys.exit(0)


if __name__ == "__main__":
    main()
