"""Ctrl-C and SIGTERM for `serve`: noticed where it waits, never in the middle of a step."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_POLL_SECONDS = 0.05


class Interrupted(BaseException):
    """Somebody asked us to stop. Not an Exception, so that no handler of failures swallows it."""


class Interrupts:
    """Counts signals; the second one means hurry. A pipe wakes whoever waits."""

    def __init__(self) -> None:
        self._received = 0
        self._reading, self._writing = os.pipe()

    def hurry(self) -> bool:
        return self._received > 1

    @contextmanager
    def installed(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [(number, signal.signal(number, self._receive)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def wait(self, seconds: float) -> None:
        """Sleep, unless interrupted: then raise."""
        self.check()
        select.select([self._reading], [], [], seconds)
        self.check()

    def check(self) -> None:
        if self._received:
            raise Interrupted

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received += 1
        os.write(self._writing, b".")


def run(
    argv: Sequence[str], *, environment: Mapping[str, str], log: Path, interrupts: Interrupts, seconds: float
) -> tuple[int, str]:
    """Run one step of the start to its end: (exit code, standard output). Errors go to `log`.

    When interrupted or out of time the step is killed; the latter counts as exit code 124.
    """
    with log.open("wb") as errors:
        step = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    with step:
        try:
            while True:
                try:
                    output, _ = step.communicate(timeout=_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    interrupts.check()
                    if time.monotonic() > deadline:
                        return 124, ""
                else:
                    return step.returncode, output
        finally:
            if step.poll() is None:
                step.kill()
