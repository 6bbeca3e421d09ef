"""Who may sign up: everybody, whoever holds an invitation, or nobody."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, User

_IN_SESSION = "accounts_invitation"


def issue(invitation: Invitation) -> str:
    """Give `invitation` its secret; the path that opens it, which can't be read again."""
    raw = secrets.token_urlsafe(24)
    invitation.token_hash = _hash(raw)
    return reverse("accounts:invitation", args=[raw])


def accept(request: HttpRequest, raw: str) -> bool:
    """Remember in the session that this browser holds an invitation. False where it is none (any more)."""
    invitation = Invitation.objects.usable().filter(token_hash=_hash(raw)).first()
    if invitation is None:
        return False
    request.session[_IN_SESSION] = invitation.pk
    return True


def may_sign_up(request: HttpRequest) -> bool:
    mode: str = settings.REGISTRATION
    return mode == "open" or (mode == "invitation" and _held(request) is not None)


@contextmanager
def claimed(request: HttpRequest) -> Iterator[Invitation | None]:
    """Around the making of an account: the invitation is spent if that succeeds, once, whoever races.

    Raises PermissionDenied where somebody else was faster.
    """
    if settings.REGISTRATION != "invitation":
        yield None
        return
    with transaction.atomic():
        invitation = _held(request)
        if invitation is None or not Invitation.objects.usable().filter(pk=invitation.pk).update(
            used_at=timezone.now()
        ):
            raise PermissionDenied("the invitation was used")
        yield invitation
    request.session.pop(_IN_SESSION, None)


def note_user(invitation: Invitation | None, *, user: User) -> None:
    if invitation is not None:
        Invitation.objects.filter(pk=invitation.pk).update(used_by=user)


def _held(request: HttpRequest) -> Invitation | None:
    return Invitation.objects.usable().filter(pk=request.session.get(_IN_SESSION, 0)).first()


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode()).hexdigest()
