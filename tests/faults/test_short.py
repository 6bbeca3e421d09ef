"""A short round of faults with real processes. The long one: `python -m tests.faults --trials 200`."""

from pathlib import Path

import pytest

from tests.conftest import DataFolders
from tests.faults.__main__ import run_trials
from tests.faults.races import run_races

SEED = 20


@pytest.fixture
def root(data_folders: DataFolders) -> Path:
    """Where a cluster keeps its data and logs; removed with the test run."""
    return data_folders()


async def test_nothing_is_lost_repeated_or_left_open_whatever_is_killed(root: Path) -> None:
    faults = ["kill-web", "worker-dies-before-claim", "flush-valkey"]
    outcomes = await run_trials(root, faults=faults, seed=SEED)
    assert [outcome.line for outcome in outcomes if outcome.violations] == []
    assert all(outcome.ends["completed"] for outcome in outcomes)


async def test_tabs_agree_though_events_are_lost_repeated_and_swapped_and_senders_race(root: Path) -> None:
    outcomes = await run_trials(root, faults=["nothing"], seed=SEED, unreliable_events=True)
    assert [outcome.line for outcome in outcomes if outcome.violations] == []


async def test_two_tabs_that_race_for_one_leaf_are_answered_one_after_the_other(root: Path) -> None:
    assert await run_races(root, races=20, conversations=5, seed=SEED) == []
