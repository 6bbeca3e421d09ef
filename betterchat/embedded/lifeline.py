"""A pipe by which children notice that `serve` is gone, however it went.

`serve` holds the writing end and never writes. A kill -9 closes it, the children read the end of the
file and stop; nobody is left to hold the port.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping

_VARIABLE = "BETTERCHAT_LIFELINE"


class Lifeline:
    """The end that `serve` holds."""

    def __init__(self) -> None:
        self.descriptor, self._held = os.pipe()

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        return {**base, _VARIABLE: str(self.descriptor)}


def follow_parent() -> None:
    """In a child of `serve`: stop when it ends. Elsewhere there is no lifeline and nothing happens."""
    descriptor = os.environ.pop(_VARIABLE, "")
    if descriptor:
        threading.Thread(target=_watch, args=[int(descriptor)], name="lifeline", daemon=True).start()


def exit_within(seconds: float) -> None:
    """End the process even where a thread hangs, in a slow query for instance. To be called last."""
    threading.Thread(target=_exit_later, args=[seconds], name="exit", daemon=True).start()


def _watch(descriptor: int) -> None:
    try:
        os.read(descriptor, 1)
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    _exit_later(15)


def _exit_later(seconds: float) -> None:
    time.sleep(seconds)
    os._exit(0)
