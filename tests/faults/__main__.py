"""`python -m tests.faults --trials 200 [--seed N] [--fault NAME] [--unreliable-events]`

One line for each trial, a table at the end. Exit status 1 where something was lost, repeated or left open.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.cluster import Cluster
from tests.faults.numbered import Upstream
from tests.faults.pages import PageReader
from tests.faults.strikes import FAULTS
from tests.faults.trial import Outcome, Trial

ROLLING_TURNS = 20


@asynccontextmanager
async def a_cluster(
    root: Path, *, unreliable_events: bool = False
) -> AsyncIterator[tuple[Cluster, Upstream, PageReader]]:
    async with Upstream().serving() as upstream:
        cluster = Cluster(root, upstream_url=upstream.url, unreliable_events=unreliable_events)
        try:
            await asyncio.to_thread(cluster.start)
            pages = PageReader(cluster)
            await pages.sign_in()
            yield cluster, upstream, pages
        finally:
            await asyncio.to_thread(cluster.close)


async def run_trials(
    root: Path, *, faults: Sequence[str], seed: int, unreliable_events: bool = False
) -> list[Outcome]:
    """One trial for each fault named, on one cluster, each healed after."""
    outcomes = []
    async with a_cluster(root, unreliable_events=unreliable_events) as (cluster, upstream, pages):
        for number, fault in enumerate(faults):
            turns = ROLLING_TURNS if fault == "rolling-restart" else 3
            trial = Trial(cluster, upstream, pages, seed=seed + number, fault=fault, turns=turns)
            outcomes.append(await trial.run())
            print(outcomes[-1].line, flush=True)
    return outcomes


def draw(count: int, *, seed: int, only: Sequence[str]) -> list[str]:
    """Every fault about as often, in an order of the seed's."""
    names = [name for name in FAULTS if name.startswith(tuple(only) or "")]
    rounds = [name for _ in range(-(-count // len(names))) for name in names]
    random.Random(seed).shuffle(rounds)
    return rounds[:count]


def table(outcomes: Sequence[Outcome]) -> str:
    by_fault: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_fault[outcome.fault].append(outcome)
    lines = [f"{'fault':<46}{'trials':>7}{'median':>8}{'max':>7}  violations  turns"]
    for fault in [name for name in FAULTS if name in by_fault]:
        mine = by_fault[fault]
        pauses = [o.seconds_to_go_on for o in mine if o.seconds_to_go_on is not None]
        ends = sum((o.ends for o in mine), Counter[str]())
        told = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        median = f"{statistics.median(pauses):.1f}" if pauses else "-"
        longest = f"{max(pauses):.1f}" if pauses else "-"
        bad = sum(bool(o.violations) for o in mine)
        lines.append(f"{fault:<46}{len(mine):>7}{median:>8}{longest:>7}{bad:>12}  {told}")
    ends = sum((o.ends for o in outcomes), Counter[str]())
    bad = sum(bool(o.violations) for o in outcomes)
    told = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    lines.append(f"{'all (seconds until the text goes on)':<46}{len(outcomes):>7}{'':>15}{bad:>12}  {told}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=len(FAULTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", action="append", help="only faults whose name begins so; may be repeated")
    parser.add_argument("--unreliable-events", action="store_true", help="lose, repeat and swap room events")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder for data and logs, kept afterwards")
    options = parser.parse_args()
    if options.list:
        print("\n".join(FAULTS))
        return
    faults = draw(options.trials, seed=options.seed, only=options.fault or ())
    with tempfile.TemporaryDirectory(prefix="betterchat-faults-", ignore_cleanup_errors=True) as folder:
        root = options.keep or Path(folder)
        outcomes = asyncio.run(
            run_trials(root, faults=faults, seed=options.seed, unreliable_events=options.unreliable_events)
        )
    print(f"\nload average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n{table(outcomes)}")
    sys.exit(any(outcome.violations for outcome in outcomes))


if __name__ == "__main__":
    main()
