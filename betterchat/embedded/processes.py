"""Starting, recognising and stopping processes that may outlive the one that started them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

_POLL_SECONDS = 0.02
_LOG_BYTES_MAX = 5_000_000


class CannotStart(Exception):
    """Something `serve` needs can't be had. The message is one sentence for the operator."""


class Supervised(Protocol):
    """What `serve` keeps running. `stop` is harmless when nothing runs, and waits less under `hurry`."""

    name: str

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def stop(self, *, hurry: Callable[[], bool]) -> None: ...


def spawn_server(argv: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a database server in a session of its own, so that Ctrl-C in the terminal doesn't reach it."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.unlink()
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=log.parent,
        )


def read_pid(path: Path) -> int | None:
    """The first line of a pid file, None where there is no number."""
    try:
        first = path.read_text().partition("\n")[0].strip()
    except OSError:
        return None
    return int(first) if first.isdigit() and int(first) > 0 else None


def is_running(pid: int, *, marker: str) -> bool:
    """Whether `pid` lives and is the process we think: its command line contains `marker`.

    A pid alone proves nothing: after a restart of the machine or container another program has it, and
    a killed child that nobody waits for keeps it.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")  # b"" for a zombie
    except FileNotFoundError:
        if Path("/proc/self/cmdline").exists():
            return False
        listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S607
        command = listing.stdout
    except ProcessLookupError:
        return False
    return os.fsencode(marker) in command


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether `condition` became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def stop_in_steps(
    running_pid: Callable[[], int | None],
    *,
    gently: tuple[signal.Signals, float],
    firmly: Iterable[tuple[signal.Signals, float]],
    hurry: Callable[[], bool],
) -> None:
    """Send each signal in turn and wait its number of seconds, until nothing runs any more.

    The wait for the gentle one ends early when `hurry` becomes true.
    """
    if _signalled(running_pid, step=gently, give_up=hurry):
        return
    for step in firmly:
        if _signalled(running_pid, step=step, give_up=patiently):
            return


def patiently() -> bool:
    return False


def at_once() -> bool:
    return True


def _signalled(
    running_pid: Callable[[], int | None], *, step: tuple[signal.Signals, float], give_up: Callable[[], bool]
) -> bool:
    """Whether nothing runs after this step."""
    pid = running_pid()
    if pid is None:
        return True
    number, seconds = step
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    wait_until(lambda: running_pid() is None or give_up(), seconds=seconds)
    return running_pid() is None


def last_line(text: str) -> str:
    """The last line that says something: what tools print after a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
