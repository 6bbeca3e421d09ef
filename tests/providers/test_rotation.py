"""New master keys while everything runs: no call fails, no row is forgotten, nothing is lost to a kill."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from pytest_django import Settings

from accounts.models import User
from betterchat.core import sealed
from betterchat.core.errors import UserFacingError
from betterchat.core.secrets import MasterKeys, new_master_key
from betterchat.management.commands.prepare import master_key_warning
from providers import keys
from providers.models import Credential, Endpoint, Provider
from providers.routing import resolve
from tests.data import a_person
from tests.processes import ROOT, clean_environment, eventually
from tests.providers.own import KEY, a_provider_of, a_server_of

OLD, NEW = new_master_key(), new_master_key()
OLD_ID, NEW_ID = OLD.partition(":")[0], NEW.partition(":")[0]


@pytest.fixture(autouse=True)
def old_master_key(settings: Settings) -> None:
    settings.MASTER_KEYS = MasterKeys(OLD)


def rotate(**options: object) -> str:
    output = io.StringIO()
    call_command("rotate_keys", stdout=output, stderr=output, **options)
    return output.getvalue()


@transaction.atomic
def many(person: User, count: int) -> None:
    """Keys of servers, without the use case's limits."""
    for number in range(count):
        server = Endpoint.objects.create(
            owner=person,
            name=f"s{number}",
            provider=Provider.OPENAI_COMPATIBLE,
            base_url="https://llm.example.org/v1",
        )
        keys.store_key(server, f"{KEY}-{number}")


@pytest.mark.django_db
def test_every_row_moves_to_the_new_key_and_the_old_one_opens_nothing(settings: Settings) -> None:
    alice = a_person()
    a_provider_of(alice)
    a_server_of(alice)
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    output = rotate(batch=1)
    assert f"{NEW_ID} (current) wraps 2" in output
    assert f"{OLD_ID} wraps 0" in output
    assert f"No stored key needs {OLD_ID} any more" in output
    settings.MASTER_KEYS = MasterKeys(NEW)
    assert resolve("byok:lab:house-model", user_id=alice.pk).key == KEY
    settings.MASTER_KEYS = MasterKeys(OLD)
    with pytest.raises(UserFacingError):
        resolve("byok:lab:house-model", user_id=alice.pk)


@pytest.mark.django_db
def test_status_says_which_key_wrapped_what_and_changes_nothing(settings: Settings) -> None:
    a_provider_of(a_person())
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    before = Credential.objects.get().sealed
    assert rotate(status=True).splitlines() == [f"{NEW_ID} (current) wraps 0", f"{OLD_ID} wraps 1"]
    assert Credential.objects.get().sealed == before
    settings.MASTER_KEYS = MasterKeys(NEW)
    output = io.StringIO()
    with pytest.raises(CommandError, match="1 stored keys can't be opened"):
        call_command("rotate_keys", status=True, stdout=output, stderr=output)
    assert f"{OLD_ID} (missing) wraps 1" in output.getvalue()


@pytest.mark.django_db
def test_it_does_not_finish_silently_over_rows_that_stay_shut(settings: Settings) -> None:
    alice = a_person()
    broken, fine = a_provider_of(alice), a_server_of(alice)
    row = Credential.objects.get(endpoint=broken)
    Credential.objects.filter(pk=row.pk).update(sealed=Credential.objects.get(endpoint=fine).sealed)
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    output = io.StringIO()
    with pytest.raises(CommandError, match="1 stored keys can't be opened and stay as they are"):
        call_command("rotate_keys", stdout=output, stderr=output)
    assert f"can't be opened: providers_credential {row.pk}" in output.getvalue()
    assert resolve("byok:lab:house-model", user_id=alice.pk).key == KEY
    assert sealed.counts_by_key() == {OLD_ID: 1, NEW_ID: 1}


@pytest.mark.django_db
def test_a_new_key_is_put_in_front_of_the_files(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "master_keys"
    file.write_text(f"{OLD}\n")
    settings.MASTER_KEYS = MasterKeys(file=file)
    alice = a_person()
    a_provider_of(alice)
    rotate(new_key=True)
    first, second = file.read_text().splitlines()
    assert second == OLD
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(f"{first}\n")
    assert resolve("byok:openai:gpt-4o-mini", user_id=alice.pk).key == KEY
    settings.MASTER_KEYS = MasterKeys(OLD)
    with pytest.raises(CommandError, match="in front there"):
        rotate(new_key=True)


@pytest.mark.django_db
def test_the_start_says_which_master_key_is_missing(settings: Settings) -> None:
    assert master_key_warning() == ""
    a_provider_of(a_person())
    assert master_key_warning() == ""
    settings.MASTER_KEYS = MasterKeys(NEW)
    assert OLD_ID in master_key_warning()
    assert master_key_warning().count(". ") == 0


@pytest.mark.django_db(transaction=True)
def test_no_call_fails_while_keys_are_rotated(settings: Settings) -> None:
    alice = a_person()
    a_provider_of(alice)
    a_server_of(alice)
    many(alice, 60)
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    with _Resolving(alice) as others:
        eventually(lambda: min(others.counts) > 5, seconds=10, why="calls go on")
        for _ in range(3):
            rotate(batch=2)
            settings.MASTER_KEYS = MasterKeys(f"{OLD},{NEW}")
            rotate(batch=2)
            settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
        rotate(batch=2)
    assert others.failures == []
    assert sealed.counts_by_key() == {NEW_ID: 62}
    settings.MASTER_KEYS = MasterKeys(NEW)
    assert sealed.unopened_rows() == []


@pytest.mark.django_db(transaction=True)
def test_a_key_replaced_meanwhile_is_not_overwritten(settings: Settings) -> None:
    """The rotation waits for the row, then sees what the other transaction left."""
    alice = a_person()
    endpoint = a_provider_of(alice)
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    holding, release = threading.Event(), threading.Event()

    def replace() -> None:
        with transaction.atomic():
            keys.store_key(endpoint, "sk-the-newest-key-0001")
            holding.set()
            assert release.wait(10)
        connections.close_all()

    def rotate_elsewhere() -> None:
        rotate()
        connections.close_all()

    other = threading.Thread(target=replace)
    other.start()
    assert holding.wait(10)
    rotating = threading.Thread(target=rotate_elsewhere)
    rotating.start()
    eventually(_somebody_waits_for_a_lock, seconds=10, why="the rotation waits for the row")
    release.set()
    other.join(10)
    rotating.join(10)
    assert resolve("byok:openai:gpt-4o-mini", user_id=alice.pk).key == "sk-the-newest-key-0001"


@pytest.mark.django_db(transaction=True)
def test_a_killed_rotation_is_taken_up_where_it_stopped(settings: Settings) -> None:
    many(a_person(), 400)
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "rotate_keys", "--batch", "1"],
        env={
            **clean_environment(),
            "BETTERCHAT_DATA_DIR": os.environ["BETTERCHAT_DATA_DIR"],
            "DATABASE_URL": _test_database_url(),
            "MASTER_KEYS": f"{NEW},{OLD}",
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: NEW_ID in sealed.counts_by_key(), seconds=30, why="the rotation begins")
    finally:
        process.kill()
        process.wait(10)
    counts = sealed.counts_by_key()
    assert 0 < counts[NEW_ID] < 400
    assert sum(counts.values()) == 400
    assert sealed.unopened_rows() == []
    rotate()
    assert sealed.counts_by_key() == {NEW_ID: 400}
    settings.MASTER_KEYS = MasterKeys(NEW)
    assert sealed.unopened_rows() == []


class _Resolving:
    """Two threads that ask for routes all the time, as workers do."""

    def __init__(self, person: User) -> None:
        self._person_id = person.pk
        self._over = threading.Event()
        self.counts = [0, 0]
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(2)]

    def _run(self, number: int) -> None:
        try:
            while not self._over.is_set():
                for model_id in ("byok:openai:gpt-4o-mini", "byok:lab:house-model"):
                    route = resolve(model_id, user_id=self._person_id)
                    assert route.key == KEY
                self.counts[number] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
            self.failures.append(repr(error))
        finally:
            connections.close_all()

    def __enter__(self) -> "_Resolving":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        row: Iterator[int] = cursor.fetchone()
        return next(iter(row)) > 0


def _test_database_url() -> str:
    before, _, after = django_settings.DATABASE_URL.rpartition("/betterchat?")
    return f"{before}/{connection.settings_dict['NAME']}?{after}"
