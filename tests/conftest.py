"""One installation per run, made before Django's settings are read.

`DJANGO_SETTINGS_MODULE` is not in pyproject.toml on purpose: pytest-django would read the settings, and
with them the developer's own data folder, before this file is imported.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Protocol

import django
import pytest

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


_numbers = count(1)


@pytest.fixture(scope="session")
def data_folders() -> DataFolders:
    return lambda: _installation.root / f"serve-{next(_numbers)}"


@pytest.fixture(scope="module")
def serve_process(data_folders: DataFolders) -> Iterator[ServeProcess]:
    """A whole Better Chat as a person starts it, shared by the tests of a module."""
    with ServeProcess(data_folders()) as process:
        yield process
