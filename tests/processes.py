"""Real processes for tests: `manage.py serve` and its kin, with a data folder and a port of their own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psycopg

from betterchat import datafolder
from betterchat.embedded.lifeline import Lifeline
from betterchat.embedded.postgres import Postgres
from betterchat.embedded.processes import at_once, is_running, read_pid
from betterchat.embedded.surroundings import answers_http
from betterchat.embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
_OURS = re.compile(
    r"(BETTERCHAT_|[A-Z0-9]+_API_KEY$|OPENAI_|ANTHROPIC_|GEMINI_|OLLAMA_|EMAIL_|ADMIN_EMAIL$|SECRET_KEY$"
    r"|DATABASE_|REDIS_URL$|MASTER_KEYS$|OUTBOUND_|DJANGO_SETTINGS_MODULE$|LOG_LEVEL$)"
)


def clean_environment() -> dict[str, str]:
    """The environment without anything that configures Better Chat or holds somebody's key."""
    return {name: value for name, value in os.environ.items() if not _OURS.match(name)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], bool], *, seconds: float, why: str) -> None:
    """Wait until `condition` holds; fail with `why` when it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {why}"
        time.sleep(0.02)


class ManageProcess:
    """`manage.py …` in the background, its output in a file."""

    def __init__(self, data_dir: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.arguments = arguments
        self.environment = {
            **clean_environment(),
            "BETTERCHAT_DATA_DIR": str(data_dir),
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self.prefix: Sequence[str] = ()
        self._log = data_dir.parent / f"{data_dir.name}-{arguments[0]}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def argv(self) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *self.arguments]

    @property
    def output(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def launch(self) -> None:
        lifeline = Lifeline()  # a run that is killed takes its processes along
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self.prefix, *self.argv],
                env=lifeline.environment(self.environment),
                pass_fds=[lifeline.descriptor],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def exit_code(self, *, seconds: float) -> int:
        """Wait for the end; AssertionError with the output when it doesn't come in time."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.output}") from None

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def close(self) -> None:
        """Whatever state it is in: gone afterwards."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class ServeProcess(ManageProcess):
    """`manage.py serve` as a person starts it. Use as a context manager or call `start` and `close`."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        super().__init__(data_dir, "serve", f"--port={self.port}", *options, environment=environment)

    def __enter__(self) -> "ServeProcess":
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Launch and wait until it says that it runs."""
        self.launch()
        eventually(
            lambda: "Ctrl-C stops it" in self.output or self.ended(),
            seconds=READY_SECONDS,
            why=f"serve is ready\n{self.output}",
        )
        assert not self.ended(), f"serve ended at once:\n{self.output}"
        assert answers_http(host="127.0.0.1", port=self.port)

    def stop(self) -> int:
        """SIGTERM, as a service manager does it; the exit code."""
        self.send(signal.SIGTERM)
        return self.exit_code(seconds=30)

    def kill(self) -> None:
        """kill -9 of `serve` alone."""
        self.send(signal.SIGKILL)
        self.exit_code(seconds=5)

    def close(self) -> None:
        if not self.ended():
            self.send(signal.SIGTERM)
            try:
                self.exit_code(seconds=25)
            except AssertionError:
                super().close()
        for pid in self.commands().values():
            _kill(pid)
        stop_servers(self.data_dir)

    def commands(self) -> dict[str, int]:
        """Pids of the web and worker processes of this folder, by name."""
        found = {}
        for name in ("web", "worker"):
            for pid in _pids(f"manage.py {name}"):
                if _has_data_dir(pid, self.data_dir):
                    found[name] = pid
        return found

    def pids(self) -> dict[str, int]:
        """Everything that runs for this folder: web, worker, postgres, valkey."""
        found = self.commands()
        run = datafolder.run_dir(self.data_dir)
        for name, file, marker in (
            ("postgres", self.data_dir / "postgres" / "postmaster.pid", str(self.data_dir / "postgres")),
            ("valkey", run / "valkey.pid", str(run)),
        ):
            pid = read_pid(file)
            if pid is not None and is_running(pid, marker=marker):
                found[name] = pid
        return found

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(datafolder.embedded_database_url(self.data_dir)) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


def stop_servers(data_dir: Path) -> None:
    if (data_dir / datafolder.MARKER).exists():
        Valkey(data_dir).stop(hurry=at_once)
        Postgres(data_dir).stop(hurry=at_once)


def _pids(command: str) -> list[int]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    return [int(line.split()[0]) for line in listing.stdout.splitlines() if command in line]


def _has_data_dir(pid: int, data_dir: Path) -> bool:
    try:
        return f"BETTERCHAT_DATA_DIR={data_dir}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
