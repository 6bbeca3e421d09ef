"""Sealing secrets at rest: AES-256-GCM, a data key per secret, wrapped by a master key.

A sealed text names the master key that wrapped it, `1.<master key>.<wrapped data key>.<secret>`. Both
layers are bound to the place where the text is kept (see `Place`): what was swapped with another row,
moved to another column or brought back from an older version can't be opened. Master keys come from the
environment or the data folder and have nothing to do with SECRET_KEY; changing them needs only the data
keys to be wrapped anew (`rewrap`).
"""

import base64
import binascii
import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_FORMAT = "1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
# 32 random bytes have about 30 different values; fewer than 16 does not happen by chance.
_DISTINCT_BYTES_MIN = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
logger = logging.getLogger(__name__)


class CannotOpenError(Exception):
    """The sealed text is not what was sealed for this place, or was changed."""


class MasterKeyMissingError(CannotOpenError):
    """The master key that wrapped it is not among those of this process."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the master key {key_id} is missing")
        self.key_id = key_id


class Secret:
    """A text that shows itself to nobody by accident: not printed, formatted, compared, copied or pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not copied.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is kept, and whose. `version` counts its replacements; `use`: whom it may be told."""

    table: str
    column: str
    row: str
    owner: str
    version: int
    use: str = ""

    def bound(self, layer: str, key_id: str) -> bytes:
        """As JSON, so that no two places have the same bytes."""
        facts = [
            _FORMAT,
            layer,
            key_id,
            self.table,
            self.column,
            self.row,
            self.owner,
            self.version,
            self.use,
        ]
        return json.dumps(facts).encode()


class Keyring:
    """Master keys by id; the first one wraps what is sealed now. Shows ids only."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._keys)

    @property
    def current_id(self) -> str:
        if not self._keys:
            raise ImproperlyConfigured(
                "there is no master key: set MASTER_KEYS, or run `manage.py serve`, which makes one."
            )
        return self.ids[0]

    def cipher(self, key_id: str) -> AESGCM:
        if key_id not in self._keys:
            raise MasterKeyMissingError(key_id)
        return AESGCM(self._keys[key_id])

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.ids)})"


class MasterKeys:
    """The keys of the environment, or those of a file, which is read again whenever it has changed.

    So that a key added to the file is known to every running process before anything is wrapped with it.
    """

    def __init__(self, text: str = "", *, file: Path | None = None) -> None:
        """Raises ImproperlyConfigured, in one sentence without any part of a key."""
        self.file = None if text else file
        self._read_at: tuple[int, int, int] | None = None
        self._keyring = parse_keys(text, source="MASTER_KEYS")
        if self.file is not None:
            self._read_at = _stamp(self.file)
            self._keyring = parse_keys(_text_of(self.file), source=str(self.file))

    def keyring(self) -> Keyring:
        if self.file is None or (stamp := _stamp(self.file)) == self._read_at:
            return self._keyring
        self._read_at = stamp
        try:
            fresh = parse_keys(_text_of(self.file), source=str(self.file))
        except ImproperlyConfigured as error:
            logger.error("The master keys stay what they were: %s", error)
            return self._keyring
        if fresh.ids:
            self._keyring = fresh
        return self._keyring

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self._keyring.ids)})"


def new_master_key() -> str:
    """`id:base64`, as MASTER_KEYS takes it. The id tells the day."""
    key_id = f"{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(3)}"
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def parse_keys(text: str, *, source: str) -> Keyring:
    """Keys `id:base64` by line or comma, the current one first; lines that begin with # are notes."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(entries, start=1):
        key_id, _, encoded = entry.partition(":")
        if not _KEY_ID.fullmatch(key_id):
            raise ImproperlyConfigured(
                f"{source} can't be read: entry {number} must be id:key, the id of letters, digits, - and _."
            )
        if key_id in keys:
            raise ImproperlyConfigured(f"{source} can't be used: two master keys are called {key_id}.")
        keys[key_id] = _decoded(encoded.strip(), key_id=key_id, source=source)
    if len(set(keys.values())) < len(keys):
        raise ImproperlyConfigured(f"{source} can't be used: two of its master keys are the same.")
    return Keyring(keys)


def seal(text: str, place: Place) -> str:
    """Raises ImproperlyConfigured where there is no master key."""
    keyring = _keyring()
    key_id = keyring.current_id
    data_key = AESGCM.generate_key(bit_length=8 * _KEY_BYTES)
    wrapped = _encrypt(keyring.cipher(key_id), data_key, place.bound("key", key_id))
    # The secret's own layer does not name the master key: rotation leaves it as it is.
    return ".".join(
        (_FORMAT, key_id, wrapped, _encrypt(AESGCM(data_key), text.encode(), place.bound("data", "")))
    )


def unseal(sealed: str, place: Place) -> Secret:
    """Raises CannotOpenError; MasterKeyMissingError where another process may be able to."""
    key_id, wrapped, data = _split(sealed)
    data_key = _decrypt(_keyring().cipher(key_id), wrapped, place.bound("key", key_id))
    return Secret(_decrypt(AESGCM(data_key), data, place.bound("data", "")).decode())


def rewrap(sealed: str, place: Place) -> str:
    """The same secret under the current master key, after checking that it can be opened at all."""
    unseal(sealed, place)
    keyring = _keyring()
    key_id, wrapped, data = _split(sealed)
    data_key = _decrypt(keyring.cipher(key_id), wrapped, place.bound("key", key_id))
    current = keyring.current_id
    anew = _encrypt(keyring.cipher(current), data_key, place.bound("key", current))
    return ".".join((_FORMAT, current, anew, data))


def key_id_of(sealed: str) -> str:
    """Which master key wrapped it. Raises CannotOpenError for what is no sealed text."""
    return _split(sealed)[0]


def current_key_id() -> str:
    return _keyring().current_id


def key_ids() -> tuple[str, ...]:
    """Of all master keys this process has, the current one first."""
    return _keyring().ids


def _keyring() -> Keyring:
    keys: MasterKeys = settings.MASTER_KEYS
    return keys.keyring()


def _decoded(encoded: str, *, key_id: str, source: str) -> bytes:
    try:
        key = base64.b64decode(encoded.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ImproperlyConfigured(
            f"{source} can't be used: the master key {key_id} is not {_KEY_BYTES} bytes in base64."
        )
    typed = all(0x20 <= byte < 0x7F for byte in key)
    if typed or len(set(key)) < _DISTINCT_BYTES_MIN:
        raise ImproperlyConfigured(
            f"{source} can't be used: the master key {key_id} is too weak, it must be {_KEY_BYTES} random"
            " bytes (`openssl rand -base64 32` makes some)."
        )
    return key


def _encrypt(cipher: AESGCM, data: bytes, bound: bytes) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + cipher.encrypt(nonce, data, bound)).decode()


def _decrypt(cipher: AESGCM, encoded: str, bound: bytes) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(encoded)
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise CannotOpenError("it was changed, or sealed for another place") from None


def _split(sealed: str) -> tuple[str, str, str]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != _FORMAT or not _KEY_ID.fullmatch(parts[1]):
        raise CannotOpenError("it is no sealed text")
    return parts[1], parts[2], parts[3]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
