"""Keeps what `serve` started running: restarts what dies, waits longer each time, gives up in the end."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from betterchat.embedded.lifeline import Lifeline
from betterchat.embedded.processes import CannotStart, Supervised, stop_in_steps

_QUICK_SECONDS = 10.0
_QUICK_DEATHS_MAX = 5
_FIRST_PAUSE_SECONDS = 0.5
_TERM_SECONDS = 12.0  # web drains for 5 s; the worker gives running answers 5 s


class Child:
    """One of our own commands: `manage.py web`, `manage.py worker`."""

    def __init__(
        self, name: str, argv: Sequence[str], *, environment: Mapping[str, str], lifeline: Lifeline
    ) -> None:
        self.name = name
        self._argv = argv
        self._environment = lifeline.environment(environment)
        self._lifeline = lifeline
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A session of its own: Ctrl-C in the terminal is for `serve`, which stops everything in order.
        self._process = subprocess.Popen(
            self._argv,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[self._lifeline.descriptor],
            start_new_session=True,
        )

    def alive(self) -> bool:
        return self._running_pid() is not None

    def stop(self, *, hurry: Callable[[], bool]) -> None:
        stop_in_steps(
            self._running_pid,
            gently=(signal.SIGTERM, _TERM_SECONDS),
            firmly=[(signal.SIGKILL, 5.0)],
            hurry=hurry,
        )

    def _running_pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None


class Keeper:
    """Watches one process. `look` is called often and never waits."""

    def __init__(
        self, kept: Supervised, *, say: Callable[[str], None], pause_seconds: float = _FIRST_PAUSE_SECONDS
    ) -> None:
        self._kept = kept
        self._say = say
        self._pause_seconds = pause_seconds
        self._started_at = time.monotonic()
        self._restart_at: float | None = None
        self._quick_deaths = 0

    def look(self) -> None:
        """Restart the process if it died and its pause is over; CannotStart after too many quick deaths."""
        now = time.monotonic()
        if self._restart_at is not None:
            if now >= self._restart_at:
                self._restart_at = None
                self._started_at = now
                self._kept.start()
        elif not self._kept.alive():
            self._mourn(now - self._started_at)

    def _mourn(self, lived_seconds: float) -> None:
        self._quick_deaths = self._quick_deaths + 1 if lived_seconds < _QUICK_SECONDS else 0
        if self._quick_deaths >= _QUICK_DEATHS_MAX:
            raise CannotStart(
                f"{self._kept.name} stopped {_QUICK_DEATHS_MAX} times in a row right after its start."
            )
        pause = self._pause_seconds * 2 ** max(self._quick_deaths - 1, 0)
        self._say(f"{self._kept.name} stopped unexpectedly; it is started again in {pause:g} s.")
        self._restart_at = time.monotonic() + pause
