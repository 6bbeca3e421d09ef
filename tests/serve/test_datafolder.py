"""The data folder: what `serve` makes, what it refuses, and the addresses that follow from it."""

import os
import stat
from pathlib import Path

import psycopg.conninfo
import pytest
from django.core.exceptions import ImproperlyConfigured

from betterchat import datafolder


def test_everything_in_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    datafolder.prepare(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("secret_key", "postgres_password"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_secrets_stay_what_they_are(tmp_path: Path) -> None:
    datafolder.prepare(tmp_path / "data")
    first = datafolder.secret(tmp_path / "data", "SECRET_KEY")
    datafolder.prepare(tmp_path / "data")
    assert datafolder.secret(tmp_path / "data", "SECRET_KEY") == first
    assert len(first) >= 32


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datafolder.prepare(tmp_path / "data")
    monkeypatch.setenv("SECRET_KEY", "from-the-environment-0123456789-abcdefgh")
    assert datafolder.secret(tmp_path / "data", "SECRET_KEY") == "from-the-environment-0123456789-abcdefgh"


@pytest.mark.parametrize("weak", ["short", "ab" * 40])
def test_a_weak_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setenv("SECRET_KEY", weak)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is too weak") as refused:
        datafolder.secret(tmp_path, "SECRET_KEY")
    assert weak not in str(refused.value)


def test_a_missing_secret_matters_only_to_those_who_need_it(tmp_path: Path) -> None:
    assert datafolder.secret(tmp_path, "SECRET_KEY") == ""
    with pytest.raises(ImproperlyConfigured, match="there is no SECRET_KEY"):
        datafolder.require_secret(tmp_path)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ImproperlyConfigured, match="not a data folder of Better Chat"):
        datafolder.prepare(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_taken_and_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    datafolder.prepare(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    datafolder.prepare(tmp_path)
    (tmp_path / datafolder.MARKER).write_text("2\n")
    with pytest.raises(ImproperlyConfigured, match="newer Better Chat"):
        datafolder.prepare(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    datafolder.prepare(tmp_path)
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(ImproperlyConfigured, match="belongs to another user"):
        datafolder.prepare(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(ImproperlyConfigured, match="is not a folder"):
        datafolder.prepare(tmp_path / "data")


def test_only_one_holds_the_folder(tmp_path: Path) -> None:
    datafolder.prepare(tmp_path)
    with datafolder.held(tmp_path) as first, datafolder.held(tmp_path) as second:
        assert (first, second) == (True, False)
    with datafolder.held(tmp_path) as third:
        assert third


def test_a_long_path_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("name" * 10)
    datafolder.prepare(folder)
    sockets = datafolder.run_dir(folder)
    try:
        assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= 103
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        sockets.chmod(0o777)
        with pytest.raises(ImproperlyConfigured, match="not safe"):
            datafolder.embedded_database_url(folder)
    finally:
        sockets.rmdir()


def test_a_path_with_odd_characters_survives_the_address(tmp_path: Path) -> None:
    folder = tmp_path / "a b%c?d@é"
    datafolder.prepare(folder)
    told = psycopg.conninfo.conninfo_to_dict(datafolder.embedded_database_url(folder))
    assert told["host"] == str(folder / "run")


def test_an_address_is_split_for_django() -> None:
    told = datafolder.django_database(
        "postgresql://ann:p%40ss@db.example:6543/chat?sslmode=require", pool_size_max=3
    )
    assert (told["HOST"], told["PORT"], told["NAME"]) == ("db.example", "6543", "chat")
    assert (told["USER"], told["PASSWORD"]) == ("ann", "p@ss")
    assert told["OPTIONS"]["sslmode"] == "require"
    assert told["OPTIONS"]["pool"]["max_size"] == 3


@pytest.mark.parametrize(
    "address", ["mysql://ann:hunter22@db/chat", "postgresql://ann:hunter22@db:port/chat?no", "sqlite.db"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        datafolder.django_database(address, pool_size_max=3)
    assert "hunter22" not in str(refused.value)
