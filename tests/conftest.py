"""One installation per run, made before Django's settings are read.

`DJANGO_SETTINGS_MODULE` is not in pyproject.toml on purpose: pytest-django would read the settings, and
with them the developer's own data folder, before this file is imported.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Protocol

import django
import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection

from tests.installation import Installation
from tests.processes import ServeProcess

_installation = Installation()
_installation.enter()
django.setup()


class DataFolders(Protocol):
    """Makes paths for further data folders, removed with the run."""

    def __call__(self) -> Path: ...


@pytest.fixture(scope="session")
def servers() -> Iterator[Installation]:
    """Postgres and Valkey of this run. Tests with a database have them by themselves."""
    _installation.start_servers()
    yield _installation
    _installation.remove()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: Installation) -> None:
    """What pytest-django calls before it makes the test database."""


@pytest.fixture(autouse=True)
def nothing_left_over(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that commits: pytest-django empties Django's tables, jobs and Redis are left to us."""
    yield
    mark = request.node.get_closest_marker("django_db")
    if mark is None or not mark.kwargs.get("transaction"):
        return
    name = connection.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_URL, dbname=name, options="-c lock_timeout=5s") as database:
        database.execute("TRUNCATE procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")
    with redis.Redis.from_url(settings.REDIS_URL) as live:
        live.flushall()


_numbers = count(1)


@pytest.fixture(scope="session")
def data_folders() -> DataFolders:
    return lambda: _installation.root / f"serve-{next(_numbers)}"


@pytest.fixture(scope="module")
def serve_process(data_folders: DataFolders) -> Iterator[ServeProcess]:
    """A whole Better Chat as a person starts it, shared by the tests of a module."""
    with ServeProcess(data_folders()) as process:
        yield process
