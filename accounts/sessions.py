"""Where a person is signed in, and how that ends.

Django binds each session to `User.get_session_auth_hash()`: `sessions_epoch` is part of it, so that one
number ends them all, also those that no list knows of. Websockets follow within a second (see `watch`).
"""

from dataclasses import dataclass
from datetime import datetime

from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from allauth.usersessions.models import UserSession
from django.contrib import auth
from django.db import transaction
from django.db.models import F
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import devices
from accounts.models import User


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One line of the page. `last_seen_at` is as exact as `middleware.SEEN_EVERY`."""

    id: int
    device: str
    place: str
    started_at: datetime
    last_seen_at: datetime
    is_this: bool


def list_sessions(user: User, *, current_key: str | None) -> list[SignedIn]:
    """The session asked from first, then the one seen last. Forgets those that have ended."""
    lines = [
        SignedIn(
            id=row.pk,
            device=devices.name(row.user_agent),
            place=devices.place(row.ip),
            started_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_this=row.session_key == current_key,
        )
        for row in UserSession.objects.purge_and_list(user)
    ]
    return sorted(lines, key=lambda line: (line.is_this, line.last_seen_at), reverse=True)


def end_one(user: User, *, session_id: int) -> bool:
    """False where `user` has no such session (any more)."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    session.end()
    return True


def end_all(user: User) -> None:
    """Sign `user` out everywhere."""
    User.objects.filter(pk=user.pk).update(sessions_epoch=F("sessions_epoch") + 1)
    for session in UserSession.objects.filter(user_id=user.pk):
        session.end()


@transaction.atomic
def end_others(request: HttpRequest, user: User) -> None:
    """Sign `user` out everywhere but in the browser that asks.

    Its session is bound anew and saved in the same transaction: whoever reads both sees them agree.
    """
    User.objects.filter(pk=user.pk).update(sessions_epoch=F("sessions_epoch") + 1)
    user.refresh_from_db(fields=["sessions_epoch", "password"])
    own_key = None
    if request.session.get(auth.SESSION_KEY) == str(user.pk):
        request.session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
        request.session.save()
        own_key = request.session.session_key
    for session in UserSession.objects.filter(user_id=user.pk).exclude(session_key=own_key):
        session.end()


@receiver(
    [
        password_set,
        password_changed,
        password_reset,
        authenticator_added,
        authenticator_removed,
        authenticator_reset,
    ],
    dispatch_uid="accounts.sessions",
)
def keys_changed(*, request: HttpRequest, user: User, **_signal: object) -> None:
    """Who may have known the old password or factor is out."""
    end_others(request, user)
