"""Sealing: what is opened, what stays shut, and which master keys are taken."""

import base64
import copy
import dataclasses
import os
import pickle
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from betterchat import datafolder
from betterchat.core import secrets
from betterchat.core.secrets import (
    CannotOpenError,
    MasterKeyMissingError,
    MasterKeys,
    Place,
    Secret,
    new_master_key,
    parse_keys,
)

KEY = "sk-test-0123456789-secret"
PLACE = Place(
    table="providers_credential", column="sealed", row="a", owner="1", version=1, use="https://x:443"
)
GOOD = base64.b64encode(bytes(range(100, 132))).decode()


@pytest.fixture(autouse=True)
def master_keys(settings: Settings) -> None:
    settings.MASTER_KEYS = MasterKeys(f"{new_master_key()},{new_master_key()}")


def test_what_was_sealed_is_opened_again() -> None:
    for text in ("", "x", KEY, "ключ 🗝", "x" * 10_000):
        assert secrets.unseal(secrets.seal(text, PLACE), PLACE).reveal() == text


def test_nothing_of_the_secret_shows_in_the_sealed_text_and_no_two_are_the_same() -> None:
    first, second = secrets.seal(KEY, PLACE), secrets.seal(KEY, PLACE)
    assert first != second
    assert KEY not in first
    assert base64.b64encode(KEY.encode()).decode()[:8] not in first


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(PLACE, table="accounts_user"),
        dataclasses.replace(PLACE, column="last_four"),
        dataclasses.replace(PLACE, row="b"),
        dataclasses.replace(PLACE, owner="2"),
        dataclasses.replace(PLACE, version=2),
        dataclasses.replace(PLACE, use="https://y:443"),
        dataclasses.replace(PLACE, row="a1", owner=""),
    ],
    ids=["table", "column", "row", "owner", "version", "use", "shifted"],
)
def test_a_text_moved_to_another_place_stays_shut(other: Place) -> None:
    with pytest.raises(CannotOpenError):
        secrets.unseal(secrets.seal(KEY, PLACE), other)
    with pytest.raises(CannotOpenError):
        secrets.rewrap(secrets.seal(KEY, PLACE), other)


def test_the_parts_of_two_texts_do_not_mix() -> None:
    """Neither the data key of one with the secret of the other, nor another master key's name."""
    here, there = secrets.seal(KEY, PLACE), secrets.seal("other", PLACE)
    mixed = ".".join([*here.split(".")[:3], there.split(".")[3]])
    renamed = ".".join(["1", secrets.key_ids()[1], *here.split(".")[2:]])
    for text in (mixed, renamed):
        with pytest.raises(CannotOpenError):
            secrets.unseal(text, PLACE)


def test_every_changed_character_is_noticed() -> None:
    sealed = secrets.seal("short", PLACE)
    for at in range(len(sealed)):
        other = "A" if sealed[at] != "A" else "B"
        changed = sealed[:at] + other + sealed[at + 1 :]
        try:
            opened = secrets.unseal(changed, PLACE).reveal()
        except CannotOpenError:
            continue
        # base64 has spare bits before its padding: another spelling of the same bytes.
        assert opened == "short"
        assert "=" in sealed[at + 1 : at + 3]


@pytest.mark.parametrize("text", ["", "1", "1.a.b", "2.a.b.c", "1..b.c", "1.é.b.c", "1.a.b.c.d", KEY])
def test_what_is_no_sealed_text_is_refused(text: str) -> None:
    with pytest.raises(CannotOpenError):
        secrets.unseal(text, PLACE)


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(KEY)
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret}"[:99], "%s" % secret):  # noqa: UP031
        assert KEY not in shown
    for take in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            take(secret)


def test_keyrings_show_ids_only() -> None:
    keys = MasterKeys(f"k1:{GOOD}")
    assert (repr(keys), repr(keys.keyring())) == ("MasterKeys(k1)", "Keyring(k1)")


def test_rewrapping_keeps_the_secret_and_needs_the_old_key_no_more(settings: Settings) -> None:
    old, new = new_master_key(), new_master_key()
    settings.MASTER_KEYS = MasterKeys(old)
    sealed = secrets.seal(KEY, PLACE)
    settings.MASTER_KEYS = MasterKeys(f"{new},{old}")
    rewrapped = secrets.rewrap(sealed, PLACE)
    assert secrets.key_id_of(rewrapped) == new.partition(":")[0]
    settings.MASTER_KEYS = MasterKeys(new)
    assert secrets.unseal(rewrapped, PLACE).reveal() == KEY
    with pytest.raises(MasterKeyMissingError):
        secrets.unseal(sealed, PLACE)
    settings.MASTER_KEYS = MasterKeys(old)
    with pytest.raises(MasterKeyMissingError):
        secrets.unseal(rewrapped, PLACE)


def test_another_key_of_the_same_name_opens_nothing(settings: Settings) -> None:
    settings.MASTER_KEYS = MasterKeys(f"k1:{GOOD}")
    sealed = secrets.seal(KEY, PLACE)
    settings.MASTER_KEYS = MasterKeys(f"k1:{new_master_key().partition(':')[2]}")
    with pytest.raises(CannotOpenError):
        secrets.unseal(sealed, PLACE)


def test_without_a_master_key_nothing_is_sealed(settings: Settings) -> None:
    settings.MASTER_KEYS = MasterKeys()
    with pytest.raises(ImproperlyConfigured, match="there is no master key"):
        secrets.seal(KEY, PLACE)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


WEAK = {
    "zeros": encoded(bytes(32)),
    "few values": encoded(b"abcdefgh" * 4),
    "typed": encoded(b"correct horse battery staple 123"),
    "short": encoded(os.urandom(31)),
    "long": encoded(os.urandom(33)),
    "a passphrase": "correct horse battery staple",
    "hex": os.urandom(32).hex(),
    "empty": "",
}


@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK.keys())
def test_a_weak_master_key_is_refused_in_one_sentence(weak: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        MasterKeys(f"k1:{weak}")
    sentence = str(refused.value)
    assert "the master key k1" in sentence
    assert sentence.count(". ") == 0
    assert not weak or weak not in sentence


@pytest.mark.parametrize(
    "text", [GOOD, f"a b:{GOOD}", f":{GOOD}", f"k1:{GOOD},k1:{GOOD}", f"k1:{GOOD},k2:{GOOD}", f"k.1:{GOOD}"]
)
def test_malformed_lists_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        parse_keys(text, source="MASTER_KEYS")
    assert GOOD[:6] not in str(refused.value)


def test_both_alphabets_and_notes_are_read() -> None:
    data = bytes(range(224, 256))
    ring = parse_keys(
        f"# the new one\nk2:{base64.urlsafe_b64encode(data).decode()}\n\nk1:{GOOD}\n", source="file"
    )
    assert ring.ids == ("k2", "k1")


def test_a_key_added_to_the_file_is_known_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "master_keys"
    keys = MasterKeys(file=file)
    assert keys.keyring().ids == ()
    file.write_text(f"k1:{GOOD}\n")
    assert keys.keyring().ids == ("k1",)
    fresh = tmp_path / "fresh"
    fresh.write_text(f"{new_master_key()}\nk1:{GOOD}\n")
    fresh.replace(file)
    assert keys.keyring().ids[1] == "k1"


def test_a_file_that_breaks_or_vanishes_takes_no_key_away(tmp_path: Path) -> None:
    file = tmp_path / "master_keys"
    file.write_text(f"k1:{GOOD}\n")
    keys = MasterKeys(file=file)
    file.write_text("k1:half a li")
    assert keys.keyring().ids == ("k1",)
    file.unlink()
    assert keys.keyring().ids == ("k1",)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "master_keys").write_text(f"k1:{GOOD}\n")
    assert MasterKeys(new_master_key(), file=tmp_path / "master_keys").file is None


def test_the_data_folder_gets_a_good_master_key(tmp_path: Path) -> None:
    """Made by `serve`, for its owner alone, and never made anew."""
    datafolder.prepare(tmp_path / "data")
    file = datafolder.master_keys_file(tmp_path / "data")
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_text()
    datafolder.prepare(tmp_path / "data")
    assert file.read_text() == first
    assert len(datafolder.master_keys(tmp_path / "data").keyring().ids) == 1
