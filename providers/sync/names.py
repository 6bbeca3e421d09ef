"""What names of models tell: snapshots of a date, and which model comes after another."""

import re
from collections.abc import Iterable

# 20250805, 2024-08-06, 0613 (month and day), 001, latest: a snapshot of the model named before it.
_SNAPSHOT = re.compile(r"(-(\d{8}|\d{4}-\d\d-\d\d|(0[1-9]|1[0-2])\d\d|00\d|latest)|:latest)$")
_WORD = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"\d+")


def undated(name: str) -> str:
    """`gpt-4o` of `gpt-4o-2024-08-06`; other names as they are."""
    return _SNAPSHOT.sub("", name)


def best_successor(model_id: str, candidates: Iterable[str]) -> str | None:
    """Of ids of the same creator the one whose name is closest, of equally close ones the newest."""
    wanted = _words(model_id)
    ranked = sorted(
        (len(wanted & words) - len(wanted ^ words), _numbers(candidate), candidate)
        for candidate in candidates
        if candidate.partition(":")[0] == model_id.partition(":")[0] and (words := _words(candidate)) & wanted
    )
    return ranked[-1][2] if ranked else None


def _words(model_id: str) -> set[str]:
    return set(_WORD.findall(undated(model_id.partition(":")[2]).lower()))


def _numbers(model_id: str) -> tuple[int, ...]:
    return tuple(
        int(number) for number in _NUMBER.findall(undated(model_id.partition(":")[2])) if len(number) < 6
    )
