"""Whether a key opens its provider, found out by the cheapest call that needs one."""

import base64
import re
from dataclasses import dataclass

import msgspec

from accounts import limits
from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.outbound import Fetched
from providers.listing import ask, code_of, listing_path, names_in
from providers.models import Provider, may_be_private

CHECKS_MAX = 30
CHECKS_WINDOW_SECONDS = 10 * 60
CHECK_SECONDS = 10.0
_SAID_CHARACTERS_MAX = 200
_BODY_BYTES_MAX = 65_536
# Nothing of a key is shown beyond four characters, so five in a row tell it.
_TELLING = 5
_TELLING_IN_DISGUISE = 8
_MASKED = re.compile(r"\*{2,}|•{2,}|\.{3,}\w|^(sk|xai|gsk|AIza)[-\w]{6,}")
# OpenRouter lists its models for everybody; this one is for the owner of the key.
_ASKED_FIRST: dict[Provider, str] = {Provider.OPENROUTER: "/key"}
_HINTS: dict[ErrorCode, str] = {
    ErrorCode.PROVIDER_NOT_AN_API: "No list of models is found there. Such an address usually ends in /v1.",
    ErrorCode.ADDRESS_REFUSED: "Only the operator of this server can open private addresses.",
    ErrorCode.TOO_MANY_REQUESTS: "",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """The models it lists, by the provider's own names."""

    models: tuple[str, ...]


class CheckFailedError(Exception):
    """`sentence` tells why in our words, `said` is the provider's own message, or empty."""

    def __init__(self, error: UserFacingError, *, said: str = "") -> None:
        super().__init__(error.code.value)
        self.code = error.code
        self.sentence = f"{error.sentence} {_HINTS.get(error.code, '')}".strip()
        self.said = said


def check(provider: Provider, *, url: str, key: str, label: str, user_id: int) -> Checked:
    """Ask the provider with this key. Blocks for up to `CHECK_SECONDS` a call. Raises CheckFailedError.

    Counted per person: whoever may type addresses could otherwise scan with them.
    """
    if not limits.take(
        name="key-check", key=str(user_id), limit=CHECKS_MAX, window_seconds=CHECKS_WINDOW_SECONDS
    ):
        raise CheckFailedError(UserFacingError(ErrorCode.TOO_MANY_REQUESTS))
    try:
        if path := _ASKED_FIRST.get(provider):
            _answer(provider, url + path, key=key, label=label)
        listing = _answer(provider, url + listing_path(provider), key=key, label=label)
        return Checked(tuple(names_in(listing, label=label)))
    except UserFacingError as error:
        raise CheckFailedError(error) from None


def _answer(provider: Provider, url: str, *, key: str, label: str) -> Fetched:
    allow_private = may_be_private(url)
    fetched = ask(provider, url, key=key, label=label, allow_private=allow_private, seconds=CHECK_SECONDS)
    if fetched.status != 200:
        error = UserFacingError(code_of(fetched), details={"provider": label})
        raise CheckFailedError(error, said=safe_words(fetched.body, key=key))
    return fetched


def safe_words(body: bytes, *, key: str) -> str:
    """The message of a provider's error, short and on one line; "" where it might tell of the key.

    Providers quote keys, whole or masked: such words are left out. What still holds the key in some
    other form is not shown at all.
    """
    words = _message_of(body[:_BODY_BYTES_MAX]).split()
    kept = " ".join("…" if _MASKED.search(word) or _tells(word, key) else word for word in words)
    if _tells(kept, key) or _tells_in_disguise(kept, key):
        return ""
    text = "".join(character for character in kept if character.isprintable())
    return text if len(text) <= _SAID_CHARACTERS_MAX else f"{text[:_SAID_CHARACTERS_MAX].rstrip()}…"


def _message_of(body: bytes) -> str:
    """From `{"error": {"message": …}}` and its cousins."""
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    for name in ("error", "message"):
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            found = found.get(name, found.get("message", found.get("detail")))
    return found if isinstance(found, str) else ""


def _tells(text: str, key: str) -> bool:
    return _shares(text.lower(), key.lower(), _TELLING)


def _tells_in_disguise(text: str, key: str) -> bool:
    squashed = re.sub(r"[^a-z0-9+/]", "", text.lower())
    raw = key.encode()
    disguises = [re.sub(r"[^a-z0-9]", "", key.lower()), raw.hex(), base64.b16encode(raw[::-1]).decode()]
    disguises += [base64.b64encode(raw[offset:]).decode().rstrip("=") for offset in range(3)]
    return any(
        _shares(squashed, form.lower(), _TELLING_IN_DISGUISE)
        for plain in disguises
        for form in (plain, plain[::-1])
    )


def _shares(text: str, secret: str, length: int) -> bool:
    """Whether `length` characters of the secret in a row are in the text (all of a shorter one)."""
    if not secret:
        return False
    length = min(length, len(secret))
    return any(secret[start : start + length] in text for start in range(len(secret) - length + 1))
