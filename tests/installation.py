"""The installation that a test run makes for itself: a temporary folder, Postgres and Valkey in it.

It must be in place before Django's settings are read, so `tests/conftest.py` makes it when imported. The
servers start when the first test needs them. A run that was killed is cleaned up after by the next one.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from betterchat import datafolder
from betterchat.embedded.postgres import Postgres
from betterchat.embedded.valkey import Valkey
from tests.processes import clean_environment, stop_servers

_PREFIX = "betterchat-tests-"


class Installation:
    def __init__(self) -> None:
        _clean_up_after_the_dead()
        self.root = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        self.data_dir = self.root / "data"
        self._lock = (self.root / "lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        atexit.register(self.remove)
        self._pid = os.getpid()
        self._servers = (Postgres(self.data_dir, hasty=True), Valkey(self.data_dir))
        datafolder.prepare(self.data_dir)

    def enter(self) -> None:
        """Make this process's environment that of the installation, and nobody else's."""
        clean = clean_environment()
        for name in set(os.environ) - set(clean):
            del os.environ[name]
        os.environ["DJANGO_SETTINGS_MODULE"] = "betterchat.settings"
        os.environ["BETTERCHAT_DATA_DIR"] = str(self.data_dir)

    def start_servers(self) -> None:
        for server in self._servers:
            server.start()

    def remove(self) -> None:
        """Stop everything and remove the folder. Harmless twice, and in a forked child."""
        if os.getpid() != self._pid or self._lock.closed:
            return
        for server in self._servers:
            server.stop()
        _remove(self.root)
        self._lock.close()


def _clean_up_after_the_dead() -> None:
    for root in Path(tempfile.gettempdir()).resolve().glob(f"{_PREFIX}*"):
        if not root.is_dir() or root.stat().st_uid != os.geteuid() or not (root / "lock").exists():
            continue
        with (root / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its run goes on
            _remove(root)


def _remove(root: Path) -> None:
    for folder in root.iterdir():
        stop_servers(folder)
    shutil.rmtree(root, ignore_errors=True)
