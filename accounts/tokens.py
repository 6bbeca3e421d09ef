"""Personal access tokens: issued once, kept as a hash, looked up by it."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import PersonalAccessToken, User

_PREFIX = "bct_"
_SHAPE = re.compile(r"bct_[A-Za-z0-9_-]{43}", re.ASCII)
_USE_RECORDED_EVERY = timedelta(minutes=1)


def issue(user: User, *, name: str, expires_at: datetime | None = None) -> str:
    """A new token for `user`, in full. It can't be read again afterwards."""
    raw = _PREFIX + secrets.token_urlsafe(32)
    PersonalAccessToken.objects.create(
        user=user, name=name, token_hash=_hash(raw), last_four=raw[-4:], expires_at=expires_at
    )
    return raw


def authenticate(raw: str) -> User | None:
    """The person a token acts for; None for anything that is not a usable token."""
    token = find(raw)
    return token.user if token else None


def find(raw: str) -> PersonalAccessToken | None:
    """The usable token behind `raw`, with its user, noting that it was used.

    Looked up by hash: what the comparison takes tells nothing about the secret. Text of another
    shape, however long, reaches neither the hash nor the database.
    """
    if not _SHAPE.fullmatch(raw):
        return None
    token = PersonalAccessToken.objects.usable().select_related("user").filter(token_hash=_hash(raw)).first()
    if token:
        _note_use(token)
    return token


def person_of(token_id: int) -> User | None:
    """Whom it acts for, while it is usable."""
    token = PersonalAccessToken.objects.usable().select_related("user").filter(pk=token_id).first()
    return token.user if token else None


def revoke(user: User, *, token_id: int | None = None) -> int:
    """End one token of `user`, or all of them; returns how many ended now."""
    tokens = PersonalAccessToken.objects.filter(user=user, revoked_at=None)
    if token_id is not None:
        tokens = tokens.filter(pk=token_id)
    return tokens.update(revoked_at=timezone.now())


def _note_use(token: PersonalAccessToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > _USE_RECORDED_EVERY:
        PersonalAccessToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode("ascii")).hexdigest()
