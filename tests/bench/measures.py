"""What the load benchmark measures: how late tokens are, and what each kind of process spends."""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Late:
    """Milliseconds between a token's leaving the provider and its arrival in a tab."""

    p50: float
    p95: float
    p99: float
    tokens: int
    frames: int
    seconds: float


class Delays:
    def __init__(self) -> None:
        self._measuring = False
        self._found: list[float] = []
        self._frames = 0
        self._began = self._ended = 0.0

    def begin(self) -> None:
        self._measuring, self._found, self._frames = True, [], 0
        self._began = time.monotonic()

    def end(self) -> None:
        self._measuring, self._ended = False, time.monotonic()

    def note(self, tokens: Iterable[str], *, frame_characters: int) -> None:
        if self._measuring:
            now = time.monotonic() * 1000
            self._frames += 1
            self._found += [now - float(token) for token in tokens]

    def found(self) -> Late:
        sorted_ = sorted(self._found) or [float("inf")]

        def at(share: float) -> float:
            return sorted_[min(len(sorted_) - 1, int(len(sorted_) * share))]

        seconds = self._ended - self._began
        return Late(at(0.5), at(0.95), at(0.99), len(self._found), self._frames, seconds)


def cpu_seconds(pids: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """CPU time so far of each kind of process, their threads included."""
    spent: defaultdict[str, float] = defaultdict(float)
    for kind, mine in pids.items():
        for pid in mine:
            fields = _read(pid, "stat").rpartition(")")[2].split()
            if fields:
                spent[kind] += (int(fields[11]) + int(fields[12])) / _TICK
    return spent


def memory_mib(pids: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Resident memory, what is shared between processes counted once (PSS)."""
    return {kind: sum(_pss_kib(pid) for pid in mine) / 1024 for kind, mine in pids.items()}


def _pss_kib(pid: int) -> int:
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
