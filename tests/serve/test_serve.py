"""`manage.py serve` as a person meets it: it starts, it recovers, it stops, it refuses in one sentence."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from betterchat.embedded.processes import is_running
from tests.conftest import DataFolders
from tests.processes import ManageProcess, ServeProcess, eventually, free_port

EVERYTHING = {"web", "worker", "postgres", "valkey"}
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture(scope="module")
def serve(data_folders: DataFolders) -> Iterator[ServeProcess]:
    """One folder for the tests below, which take it down and up again in turn."""
    process = ServeProcess(data_folders())
    yield process
    process.close()


def _all_gone(pids: dict[str, int]) -> bool:
    return not any(is_running(pid, marker="") for pid in pids.values())


def test_it_starts_everything_and_says_where(serve: ServeProcess) -> None:
    serve.start()
    assert set(serve.pids()) == EVERYTHING
    assert f"Better Chat is running at {serve.base_url}/" in serve.output
    assert "Starting Postgres … ready in" in serve.output
    assert "accounts/operator/" in serve.output
    assert (serve.data_dir / "serve.json").exists()


def test_nothing_listens_on_the_network_but_web(serve: ServeProcess) -> None:
    pids = serve.pids()
    for name in ("postgres", "valkey"):
        assert not _listens_on_tcp(pids[name]), name
    assert _listens_on_tcp(pids["web"])


def test_a_second_one_on_the_same_folder_says_where_the_first_runs(serve: ServeProcess) -> None:
    second = ServeProcess(serve.data_dir, port=serve.port)
    second._log = serve.data_dir.parent / "second.log"
    second.launch()
    assert second.exit_code(seconds=20) == 1
    assert second.output == f"error: Better Chat is already running at {serve.base_url}/.\n"


def test_a_child_that_dies_is_replaced(serve: ServeProcess) -> None:
    before = serve.pids()
    for name in ("worker", "valkey"):
        os.kill(before[name], signal.SIGKILL)
    eventually(
        lambda: set(now := serve.pids()) == EVERYTHING and now["worker"] != before["worker"],
        seconds=20,
        why="worker and valkey are back",
    )
    assert "worker stopped unexpectedly" in serve.output


def test_after_kill_9_of_serve_no_child_stays_and_the_next_takes_the_databases_over(
    serve: ServeProcess,
) -> None:
    before = serve.pids()
    serve.kill()
    eventually(lambda: not serve.commands(), seconds=10, why="web and worker end with their parent")
    serve.start()
    assert serve.pids()["postgres"] == before["postgres"]


def test_after_kill_9_of_everything_the_next_one_recovers(serve: ServeProcess) -> None:
    serve.query("CREATE TABLE kept AS SELECT 42 AS answer")
    pids = serve.pids()
    serve.send(signal.SIGKILL)
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    serve.exit_code(seconds=5)
    serve.start()
    assert set(serve.pids()) == EVERYTHING
    assert serve.query("SELECT answer FROM kept") == [(42,)]


def test_sigterm_takes_everything_down_in_order(serve: ServeProcess) -> None:
    pids = serve.pids()
    assert set(pids) == EVERYTHING
    assert serve.stop() == 0
    assert _all_gone(pids)
    said = [line for line in serve.output.splitlines() if line.startswith("Stopping")]
    assert said == ["Stopping web …", "Stopping worker …", "Stopping Valkey …", "Stopping Postgres …"]
    assert "Traceback" not in serve.output
    assert not (serve.data_dir / "serve.json").exists()


def test_ctrl_c_while_it_starts_leaves_nothing_behind(serve: ServeProcess) -> None:
    serve.launch()
    eventually(lambda: "Preparing the database" in serve.output, seconds=20, why="Postgres is up")
    serve.send(signal.SIGINT)
    assert serve.exit_code(seconds=20) == 0
    assert serve.pids() == {}


def _refusal(process: ManageProcess) -> str:
    process.launch()
    assert process.exit_code(seconds=20) == 1
    assert "Traceback" not in process.output
    return process.output


def test_a_busy_port_is_told_before_anything_starts(data_folders: DataFolders) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = ServeProcess(data_folders(), port=port)
        said = _refusal(process)
    assert said == f"error: port {port} on 127.0.0.1 is in use by another program: choose one with --port.\n"
    assert not (process.data_dir / "postgres").exists()


def test_a_foreign_folder_is_told(data_folders: DataFolders) -> None:
    folder = data_folders()
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    said = _refusal(ServeProcess(folder))
    assert said.startswith(f"error: {folder} is not a data folder of Better Chat")
    assert said.count("\n") == 1


def test_a_weak_secret_is_told(data_folders: DataFolders) -> None:
    said = _refusal(ServeProcess(data_folders(), environment={"SECRET_KEY": "changeme"}))
    assert said.startswith("error: SECRET_KEY is too weak")
    assert said.count("\n") == 1


def test_an_unreachable_database_is_told_without_its_password(data_folders: DataFolders) -> None:
    url = f"postgresql://ann:hunter22@127.0.0.1:{free_port()}/chat"
    said = _refusal(ServeProcess(data_folders(), environment={"DATABASE_URL": url}))
    assert "error: DATABASE_URL does not lead to a database" in said
    assert "hunter22" not in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_works_as_a_normal_user(data_folders: DataFolders) -> None:
    folder = data_folders()
    folder.parent.chmod(0o711)
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    process = ServeProcess(folder, environment={"HOME": str(folder)})
    process.prefix = [*AS_NOBODY, "--"]
    if not _python_runs(process):
        # The checkout or its Python is below /root: let this user read everything, still owning nothing.
        process.prefix = [*AS_NOBODY, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"]
    with process:
        assert set(process.pids()) == EVERYTHING
        assert (folder / "postgres").stat().st_uid == NOBODY
        assert process.stop() == 0


def _python_runs(process: ServeProcess) -> bool:
    argv = [*process.prefix, *process.argv[:2], "help"]
    return subprocess.run(argv, env=process.environment, capture_output=True, check=False).returncode == 0


def _listens_on_tcp(pid: int) -> bool:
    """Linux: whether one of the process's sockets is among the kernel's listening ones (state 0A)."""
    inodes = set()
    for table in (Path(f"/proc/{pid}/net/tcp"), Path(f"/proc/{pid}/net/tcp6")):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        inodes |= {fields[9] for fields in map(str.split, lines) if fields[3] == "0A"}
    mine = {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    return any(f"socket:[{inode}]" in mine for inode in inodes)
