"""Frames in which anything may stand where something else should: no reader may fall over them."""

import contextlib
import json
import random
from typing import Any

import pytest

from tests.fakes.cases import CASES
from tests.fakes.documented import Case
from tests.providers.test_documented import read

JUNK: list[Any] = [None, 0, -1, 1.5, 10**30, True, "", "x", "\ud800", [], [None], [[]], {}, {"type": 5}]
JUNK += [[{"a": 1}], {"text": []}]


def odd(value: Any, chance: random.Random) -> Any:
    """The value with some of its inner values replaced."""
    if chance.random() < 0.06:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {key: odd(inner, chance) for key, inner in value.items()}
    if isinstance(value, list):
        return [odd(inner, chance) for inner in value]
    return value


def mangled(body: bytes, chance: random.Random) -> bytes:
    lines = []
    for line in body.decode().split("\n"):
        head, brace, _ = line.partition("{")
        if brace:
            with contextlib.suppress(ValueError):
                line = head + json.dumps(odd(json.loads(line[len(head) :]), chance))  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines).encode()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_odd_shapes_are_survived(case: Case) -> None:
    for seed in range(150):
        events, _ = read(case, [mangled(case.body, random.Random(seed))])
        for event in events:
            assert event is not None
