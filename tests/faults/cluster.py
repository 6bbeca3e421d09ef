"""Two web processes, two workers, Postgres and Valkey, all real, each to be hurt by itself."""

import contextlib
import http.client
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
import redis

from betterchat import datafolder
from betterchat.embedded.postgres import Postgres
from betterchat.embedded.processes import at_once, read_pid
from betterchat.embedded.surroundings import answers_http
from betterchat.embedded.valkey import Valkey
from tests.processes import ROOT, ManageProcess, eventually, free_port

PERSON = "olive@example.org"
PASSWORD = "correct horse battery 9"
SILENCE_SECONDS = 6
LAUNCHED = ("-m", "tests.faults.launcher")
PLAIN = (str(ROOT / "manage.py"),)
_START_SECONDS = 60.0
_starts = itertools.count(1)


class Member(ManageProcess):
    """One web or worker process; a new object for every start. `python` begins its command line."""

    def __init__(
        self,
        data_dir: Path,
        kind: str,
        *options: str,
        environment: dict[str, str],
        python: Sequence[str] = LAUNCHED,
    ) -> None:
        super().__init__(data_dir, kind, *options, environment=environment)
        self.kind = kind
        self._python = python
        self._log = data_dir.parent / "logs" / f"{kind}-{next(_starts)}.log"
        self._log.parent.mkdir(exist_ok=True)
        self.began = 0.0

    def launch(self) -> None:
        self.began = time.monotonic()
        super().launch()

    @property
    def argv(self) -> list[str]:
        return [sys.executable, *self._python, *self.arguments]

    @property
    def log(self) -> Path:
        return self._log

    def stop(self) -> int:
        """SIGTERM; the exit code. AssertionError where it does not end."""
        self.send(signal.SIGTERM)
        return self.exit_code(seconds=20)

    def close(self) -> None:
        if not self.ended():
            self.send(signal.SIGCONT)
        super().close()


class Cluster:
    """`start`, hurt, `heal`, `close`. All methods block: call them in a thread."""

    def __init__(
        self,
        root: Path,
        *,
        upstream_url: str,
        unreliable_events: bool = False,
        size: int = 2,
        python: Callable[[str], Sequence[str]] = lambda kind: LAUNCHED,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`size` web processes and as many workers, each started by `python(kind)`."""
        self.data_dir = root / "data"
        self.points = root / "points"
        self.points.mkdir(parents=True)
        self.token = ""
        self._environment = {
            "OPENAI_BASE_URL": upstream_url,
            "OPENAI_API_KEY": "sk-tests",
            "FAULTS_DIR": str(self.points),
            "PROVIDER_SILENCE_SECONDS": str(SILENCE_SECONDS),
            "DEMO_TOKENS_PER_SECOND": "1000",
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings" if unreliable_events else "betterchat.settings",
            **(environment or {}),
        }
        self._python = python
        datafolder.prepare(self.data_dir)
        self.postgres = Postgres(self.data_dir)
        self.valkey = Valkey(self.data_dir)
        self.ports = [free_port() for _ in range(size)]
        self.webs: list[Member] = []
        self.workers: list[Member] = []
        self._read: dict[Path, int] = {}

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()
        self._manage("prepare")
        self._manage("createsuperuser", "--noinput", f"--email={PERSON}", DJANGO_SUPERUSER_PASSWORD=PASSWORD)
        told = self._manage("token", PERSON, "--name", "faults")
        self.token = next(word for word in told.split() if word.startswith("bct_"))
        self.webs = [self._web(index) for index in range(len(self.ports))]
        self.workers = [self._worker() for _ in self.ports]
        self._wait_until_ready(self.webs + self.workers)

    def close(self) -> None:
        for member in self.webs + self.workers:
            member.close()
        self._thaw_servers()
        self.valkey.stop(hurry=at_once)
        self.postgres.stop(hurry=at_once)

    def heal(self) -> None:
        """Everything runs again and answers."""
        for left in self.points.iterdir():
            left.unlink()
        self._thaw_servers()
        self.postgres.start()
        self.valkey.start()
        with self.redis() as live:
            live.config_set("maxmemory", 256 * 1024 * 1024)
            live.config_set("maxmemory-policy", "volatile-ttl")
        for member in [m for m in self.webs + self.workers if not m.ended()]:
            member.send(signal.SIGCONT)
        fresh = [self.replace(m) for m in self.webs + self.workers if m.ended()]
        self._wait_until_ready(fresh)

    def replace(self, member: Member) -> Member:
        """A new process in the place of one that ended."""
        if member.kind == "web":
            index = self.webs.index(member)
            self.webs[index] = fresh = self._web(index)
        else:
            self.workers[self.workers.index(member)] = fresh = self._worker()
        return fresh

    def is_ready(self, member: Member) -> bool:
        if member.kind == "web":
            return answers_http(host="127.0.0.1", port=self.ports[self.webs.index(member)])
        with self.database() as database:
            found = database.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'betterchat-worker'"
                " AND query LIKE 'LISTEN%%' AND backend_start > now() - make_interval(secs => %s)",
                [time.monotonic() - member.began + 1],
            ).fetchone()
            return bool(found and found[0])

    def wait_until_ready(self, member: Member) -> None:
        self._wait_until_ready([member])

    def member(self, pid: int) -> Member | None:
        return next((m for m in self.webs + self.workers if m.pid == pid), None)

    def server_pids(self, *, postgres: bool) -> list[int]:
        """The server and, of Postgres, its back ends."""
        if not postgres:
            pid = read_pid(datafolder.redis_socket(self.data_dir).with_suffix(".pid"))
            return [pid] if pid else []
        pid = read_pid(self.data_dir / "postgres" / "postmaster.pid")
        if pid is None:
            return []
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
        )
        return [pid, *map(int, children.stdout.split())]

    def restart_server(self, server: Postgres | Valkey, *, pause_seconds: float) -> None:
        server.stop(hurry=at_once) if isinstance(server, Valkey) else server.stop()
        time.sleep(pause_seconds)
        server.start()

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        url = datafolder.embedded_database_url(self.data_dir)
        options = "-c statement_timeout=10000"
        with psycopg.connect(url, connect_timeout=3, options=options, autocommit=True) as connection:
            yield connection

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(
            datafolder.embedded_redis_url(self.data_dir), socket_timeout=5, socket_connect_timeout=3
        )

    def new_tracebacks(self, *, kind: str) -> list[str]:
        """What the logs have of tracebacks since the last call: the last line of each."""
        found: list[str] = []
        for log in sorted((self.data_dir.parent / "logs").glob(f"{kind}-*.log")):
            text = log.read_text(errors="replace")
            begin, self._read[log] = self._read.get(log, 0), len(text)
            for block in text[begin:].split("Traceback (most recent call last)")[1:]:
                last = next((line for line in block.splitlines()[1:] if re.match(r"\S", line)), "?")
                found.append(f"{log.name}: {last[:160]}")
        return found

    def _web(self, index: int) -> Member:
        return self._launched("web", f"--port={self.ports[index]}")

    def _worker(self) -> Member:
        return self._launched("worker")

    def _launched(self, kind: str, *options: str) -> Member:
        python = self._python(kind)
        member = Member(self.data_dir, kind, *options, environment=self._environment, python=python)
        member.launch()
        return member

    def _wait_until_ready(self, members: list[Member]) -> None:
        for member in members:
            eventually(
                lambda m=member: self._answers(m),  # type: ignore[misc]
                seconds=_START_SECONDS,
                why=f"{member.kind} runs\n{member.output[-2000:]}",
            )

    def _answers(self, member: Member) -> bool:
        try:
            return self.is_ready(member)
        except (psycopg.Error, OSError, http.client.HTTPException):
            return False

    def _thaw_servers(self) -> None:
        for pid in [*self.server_pids(postgres=True), *self.server_pids(postgres=False)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _manage(self, *arguments: str, **environment: str) -> str:
        made = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={
                **Member(self.data_dir, arguments[0], environment=self._environment).environment,
                **environment,
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        return made.stdout
