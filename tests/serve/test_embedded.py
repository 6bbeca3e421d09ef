"""The embedded servers by themselves, and the watch over what `serve` started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from betterchat import datafolder
from betterchat.embedded.keeper import Keeper
from betterchat.embedded.postgres import Postgres
from betterchat.embedded.processes import CannotStart
from betterchat.embedded.surroundings import check_redis, lan_addresses, local_host
from betterchat.embedded.valkey import Valkey
from tests.conftest import DataFolders
from tests.processes import ROOT, eventually, free_port


@pytest.fixture(scope="module")
def data_dir(data_folders: DataFolders) -> Path:
    folder = data_folders()
    datafolder.prepare(folder)
    return folder


@pytest.fixture(scope="module")
def servers_of_folder(data_dir: Path) -> Iterator[tuple[Postgres, Valkey]]:
    postgres, valkey = Postgres(data_dir, hasty=True), Valkey(data_dir)
    yield postgres, valkey
    postgres.stop()
    valkey.stop()


@pytest.fixture
def postgres(servers_of_folder: tuple[Postgres, Valkey]) -> Postgres:
    servers_of_folder[0].start()
    return servers_of_folder[0]


@pytest.fixture
def valkey(servers_of_folder: tuple[Postgres, Valkey]) -> Valkey:
    servers_of_folder[1].start()
    return servers_of_folder[1]


def _pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres" / "postmaster.pid"


def _postgres_pid(data_dir: Path) -> int:
    return int(_pid_file(data_dir).read_text().splitlines()[0])


def test_the_database_wants_its_password(postgres: Postgres, data_dir: Path) -> None:
    with psycopg.connect(datafolder.embedded_database_url(data_dir)) as connection:
        row = connection.execute("SELECT datlocale FROM pg_database WHERE datname = 'betterchat'").fetchone()
    assert row == ("C.UTF-8",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(datafolder.embedded_database_url(data_dir), password="guess")


def test_what_people_write_is_not_in_the_log_of_the_database(postgres: Postgres, data_dir: Path) -> None:
    with psycopg.connect(datafolder.embedded_database_url(data_dir), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS twice (word text UNIQUE)")
        connection.execute("INSERT INTO twice VALUES ('heliotrope') ON CONFLICT DO NOTHING")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO twice VALUES ('heliotrope')")
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert "twice_word_key" in log
    assert "heliotrope" not in log


def test_a_second_start_takes_the_running_servers_over(
    postgres: Postgres, valkey: Valkey, data_dir: Path
) -> None:
    before = _postgres_pid(data_dir)
    Postgres(data_dir).start()
    Valkey(data_dir).start()
    assert _postgres_pid(data_dir) == before


def test_a_killed_server_starts_again_at_once_even_where_nobody_buries_it(
    postgres: Postgres, data_dir: Path
) -> None:
    """Our own dead child stays a zombie until we look: its pid seems to live, as in a container."""
    os.kill(_postgres_pid(data_dir), signal.SIGKILL)
    successor = Postgres(data_dir, hasty=True)
    successor.start()
    assert successor.alive()
    successor.stop()


def test_a_left_over_pid_file_that_names_somebody_else_is_no_obstacle(
    postgres: Postgres, data_dir: Path
) -> None:
    postgres.stop()
    _pid_file(data_dir).write_text(f"{os.getpid()}\n{data_dir / 'postgres'}\n")
    postgres.start()
    assert _postgres_pid(data_dir) != os.getpid()


def test_a_valkey_that_hangs_is_replaced(valkey: Valkey, data_dir: Path) -> None:
    pid_file = datafolder.redis_socket(data_dir).with_suffix(".pid")
    hanging = int(pid_file.read_text())
    os.kill(hanging, signal.SIGSTOP)
    successor = Valkey(data_dir)
    successor.start()
    assert int(pid_file.read_text()) != hanging
    successor.stop()


def test_valkey_drops_what_ends_soonest_when_it_is_full(valkey: Valkey, data_dir: Path) -> None:
    with redis.Redis.from_url(datafolder.embedded_redis_url(data_dir)) as connection:
        told = connection.config_get("maxmemory*")
    assert told["maxmemory-policy"] == "volatile-ttl"
    assert int(told["maxmemory"]) > 0


def test_data_of_another_postgres_is_told_and_left_alone(data_folders: DataFolders) -> None:
    folder = data_folders()
    datafolder.prepare(folder)
    (folder / "postgres").mkdir(mode=0o700)
    (folder / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(CannotStart, match="was made by PostgreSQL 12"):
        Postgres(folder).start()
    assert [entry.name for entry in (folder / "postgres").iterdir()] == ["PG_VERSION"]


def test_an_interrupted_initdb_leaves_no_obstacle(data_folders: DataFolders) -> None:
    folder = data_folders()
    datafolder.prepare(folder)
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Postgres(folder, hasty=True)
    try:
        server.start()
        assert server.alive()
    finally:
        server.stop()
    assert not server.alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become somebody else")
def test_root_in_a_container_without_namespaces_gets_its_database(data_folders: DataFolders) -> None:
    folder = data_folders()
    datafolder.prepare(folder)
    run = subprocess.run(
        [sys.executable, "-m", "tests.serve.container", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    if run.returncode == 77:
        pytest.skip("this machine allows no user namespace to play container in")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["65534", "1"]


def test_an_unreachable_redis_is_told_without_its_password() -> None:
    with pytest.raises(CannotStart, match="REDIS_URL does not lead") as told:
        check_redis(f"redis://:hunter22@127.0.0.1:{free_port()}/0")
    assert "hunter22" not in str(told.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_server_on_loopback_has_no_address_on_the_network(host: str) -> None:
    assert lan_addresses(host) == []


def test_a_server_on_one_address_has_that_one() -> None:
    assert lan_addresses("192.0.2.7") == ["192.0.2.7"]
    assert local_host("192.0.2.7") == "192.0.2.7"
    assert local_host("0.0.0.0") == "127.0.0.1"


class Mayfly:
    """A real process that ends at once, started as often as wanted."""

    name = "mayfly"

    def __init__(self) -> None:
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        self._process = subprocess.Popen(["true"])
        self._process.wait()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, *, hurry: Callable[[], bool]) -> None:
        del hurry


def test_what_dies_five_times_right_after_its_start_is_given_up() -> None:
    mayfly, said = Mayfly(), list[str]()
    mayfly.start()
    keeper = Keeper(mayfly, say=said.append, pause_seconds=0.01)

    def given_up() -> bool:
        try:
            keeper.look()
        except CannotStart:
            return True
        return False

    eventually(given_up, seconds=5, why="the keeper gives up")
    assert mayfly.starts == 5
    assert [line.rpartition("in ")[2] for line in said] == ["0.01 s.", "0.02 s.", "0.04 s.", "0.08 s."]
