"""The one folder in which an installation keeps what it can't lose: secrets and the embedded databases.

Reading (what the settings do) never creates anything; only `prepare`, called by `manage.py serve`, does.
Addresses of the embedded servers follow from the folder alone, so that any process can name them whether
they run or not.
"""

import fcntl
import hashlib
import os
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from betterchat.core.secrets import MasterKeys, new_master_key

FORMAT = 1
MARKER = "betterchat.folder"
DATABASE_NAME = DATABASE_USER = "betterchat"
_ELSEWHERE = "BETTERCHAT_DATA_DIR names another one."
_SECRET_LENGTH_MIN = 32
_SECRET_DISTINCT_MIN = 8
# A unix socket's path has at most 107 bytes on Linux and 103 on macOS, file name included.
_SOCKET_PATH_BYTES_MAX = 103
_LONGEST_SOCKET_NAME = "/.s.PGSQL.5432"


# --- Secrets -------------------------------------------------------------------------------------
def secret(data_dir: Path, name: str) -> str:
    """The secret from the environment, else from its file in the folder, else "".

    "" is for commands that need no secret, `serve` before all, which makes the file.
    """
    value = os.environ.get(name, "").strip() or _read(data_dir / name.lower())
    if value and (len(value) < _SECRET_LENGTH_MIN or len(set(value)) < _SECRET_DISTINCT_MIN):
        raise ImproperlyConfigured(
            f"{name} is too weak: it needs {_SECRET_LENGTH_MIN} or more characters, and not a few repeated."
        )
    return value


def require_secret(data_dir: Path) -> None:
    """Stop a server that would otherwise run without the key that signs sessions."""
    if not secret(data_dir, "SECRET_KEY"):
        raise ImproperlyConfigured(
            "there is no SECRET_KEY: set it in the environment, or run `manage.py serve`, which makes one."
        )


def master_keys_file(data_dir: Path) -> Path:
    return data_dir / "master_keys"


def master_keys(data_dir: Path) -> MasterKeys:
    """The keys that wrap stored secrets: those of MASTER_KEYS, else of the file. May be none."""
    return MasterKeys(os.environ.get("MASTER_KEYS", "").strip(), file=master_keys_file(data_dir))


def password_file(data_dir: Path) -> Path:
    return data_dir / "postgres_password"


# --- Addresses -----------------------------------------------------------------------------------
def run_dir(data_dir: Path) -> Path:
    """Where the embedded servers' sockets are: inside the folder, or in /tmp when its path is too long."""
    inside = data_dir / "run"
    if len(os.fsencode(inside)) + len(_LONGEST_SOCKET_NAME) <= _SOCKET_PATH_BYTES_MAX:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    outside = Path("/tmp") / f"betterchat-{os.geteuid()}-{digest}"  # noqa: S108 - checked below
    # Anybody can make a folder in /tmp first and pretend to be our database.
    if os.path.lexists(outside) and not _is_ours_alone(outside):
        raise ImproperlyConfigured(
            f"{outside} is not safe to use: it belongs to somebody else or is open to others."
            " Remove it, or choose a shorter BETTERCHAT_DATA_DIR."
        )
    return outside


def embedded_database_url(data_dir: Path) -> str:
    password = _read(password_file(data_dir))
    user = f"{DATABASE_USER}:{password}" if password else DATABASE_USER
    return f"postgresql://{user}@/{DATABASE_NAME}?host={quote(str(run_dir(data_dir)), safe='')}"


def redis_socket(data_dir: Path) -> Path:
    return run_dir(data_dir) / "valkey.sock"


def embedded_redis_url(data_dir: Path) -> str:
    return f"unix://{quote(str(redis_socket(data_dir)))}"


def django_database(url: str, *, pool_size_max: int) -> dict[str, Any]:
    """Django's settings for a `postgresql://` address; what Django has no name for goes to OPTIONS."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://")
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Its own message quotes the address, password included.
        raise ImproperlyConfigured(
            "DATABASE_URL can't be read: expected postgresql://user:password@host:port/name"
        ) from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(parts.pop("dbname", "")) or DATABASE_NAME,
        "USER": str(parts.pop("user", "")),
        "PASSWORD": str(parts.pop("password", "")),
        "HOST": str(parts.pop("host", "")),
        "PORT": str(parts.pop("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {**parts, "pool": {"min_size": 0, "max_size": pool_size_max, "timeout": 10}},
    }


def own_hosts() -> list[str]:
    """Names under which this machine reaches itself, and its name on the local network."""
    name = socket.gethostname().lower()
    return list(dict.fromkeys(["localhost", "127.0.0.1", "[::1]", name, f"{name}.local"]))


# --- Making and holding the folder ---------------------------------------------------------------
def prepare(data_dir: Path) -> None:
    """Make the folder and its secrets (0700, 0600), or say in one sentence why it can't be used."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _claim(data_dir)
        _make_secret(data_dir / "secret_key", secrets.token_urlsafe(48))
        _make_secret(password_file(data_dir), secrets.token_urlsafe(32))
        if not os.environ.get("MASTER_KEYS", "").strip():
            _make_secret(master_keys_file(data_dir), new_master_key())
        run_dir(data_dir).mkdir(mode=0o700, exist_ok=True)
        run_dir(data_dir)  # once more: it may have been made by somebody else just now
        (data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise ImproperlyConfigured(f"the data folder {data_dir} is not a folder.") from None
    except OSError as error:
        raise ImproperlyConfigured(
            f"the data folder {data_dir} can't be used ({error.strerror}). {_ELSEWHERE}"
        ) from None


@contextmanager
def held(data_dir: Path) -> Iterator[bool]:
    """Hold the folder for one `serve`; False where another one has it. A dead holder holds nothing."""
    with (data_dir / "serve.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _claim(data_dir: Path) -> None:
    if data_dir.stat().st_uid != os.geteuid():
        raise ImproperlyConfigured(f"the data folder {data_dir} belongs to another user. {_ELSEWHERE}")
    marker = data_dir / MARKER
    if marker.exists():
        made_by = _read(marker) or str(FORMAT)  # empty: we were killed while writing it
        if not made_by.isdigit() or int(made_by) > FORMAT:
            raise ImproperlyConfigured(
                f"the data folder {data_dir} was made by a newer Better Chat than this one. {_ELSEWHERE}"
            )
    elif {entry.name for entry in data_dir.iterdir()} - {"lost+found"}:  # that one is an empty disk's
        raise ImproperlyConfigured(
            f"{data_dir} is not a data folder of Better Chat, and it is not empty. {_ELSEWHERE}"
        )
    marker.write_text(f"{FORMAT}\n")
    data_dir.chmod(0o700)


def _make_secret(path: Path, value: str) -> None:
    """Write the file completely or not at all, and never over one that is there."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{value}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _is_ours_alone(path: Path) -> bool:
    about = path.lstat()
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077


def _read(path: Path) -> str:
    """The file's text, stripped; "" where there is none or where it isn't ours to read."""
    try:
        return path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ""
