"""Runs a command of `manage.py` and tells where its main thread spends CPU: `python -m tests.bench.sampled
FILE web --port 8001`. SIGUSR1 begins, SIGUSR2 ends. A sample for every millisecond of CPU time: waiting
costs nothing, and calls are not made dearer than they are, as cProfile does.
"""

import atexit
import os
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.001
LINES = 45
_ROOT = Path(__file__).resolve().parents[2]

_own: Counter[str] = Counter()
_below: Counter[str] = Counter()


def _every(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)


def _sample(_number: int, frame: FrameType | None) -> None:
    seen: set[str] = set()
    while frame is not None:
        code = frame.f_code
        name = f"{code.co_filename}:{code.co_qualname}"
        if not seen:
            _own[name] += 1
        seen.add(name)
        frame = frame.f_back
    _below.update(seen)


def _write(path: Path, pid: int) -> None:
    if os.getpid() != pid:
        return
    total = max(sum(_own.values()), 1)
    lines = [f"{total} samples"]
    for title, counter in (("by itself", _own), ("with what it calls", _below)):
        lines.append(f"\n{title}")
        lines += [f"{count / total:7.1%}  {_short(name)}" for name, count in counter.most_common(LINES)]
    path.write_text("\n".join(lines) + "\n")


def _short(name: str) -> str:
    return name.replace(f"{_ROOT}/", "").rpartition("site-packages/")[2].rpartition("lib/python3.13/")[2]


def main() -> None:
    path = Path(sys.argv[1])
    atexit.register(_write, path, os.getpid())
    signal.signal(signal.SIGPROF, _sample)
    signal.signal(signal.SIGUSR1, lambda *_: _every(INTERVAL_SECONDS))
    signal.signal(signal.SIGUSR2, lambda *_: _every(0))
    sys.argv = ["manage.py", *sys.argv[2:]]
    runpy.run_module("manage", run_name="__main__")


if __name__ == "__main__":
    main()
