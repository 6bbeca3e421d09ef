"""Who runs the place: the first operator by a one-time link, or a named address once verified."""

import secrets

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.urls import reverse

from accounts.models import User

LINK_VALID_SECONDS = 24 * 60 * 60
_LINK_SALT = "accounts.operators.link"
_FIRST_OPERATOR_LOCK = 0x6265_7474_6572_6F70  # a name of ours among Postgres' advisory locks


class OperatorLinkSpentError(Exception):
    """The link has expired, is not ours, or there is an operator already."""


def first_operator() -> User | None:
    """The longest-serving active operator."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


def operator_link(base_url: str) -> str | None:
    """The one-time link that makes the operator's account; None where there is an operator."""
    if first_operator():
        return None
    token = signing.dumps(secrets.token_urlsafe(8), salt=_LINK_SALT)
    return base_url.rstrip("/") + reverse("accounts:operator", args=[token])


def check_link(token: str) -> None:
    """Raise `OperatorLinkSpentError` unless `token` may make an operator now."""
    try:
        signing.loads(token, salt=_LINK_SALT, max_age=LINK_VALID_SECONDS)
    except signing.BadSignature:
        raise OperatorLinkSpentError from None
    if first_operator():
        raise OperatorLinkSpentError


@transaction.atomic
def create_first_operator(
    token: str, *, email: str, display_name: str, password: str, guest: User | None = None
) -> User:
    """Make the operator's account, or turn the visitor's `guest` row into it.

    Two people may open the link at once: the lock lets the second one in after the first commit, and
    it then finds an operator.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_OPERATOR_LOCK])
    check_link(token)
    user = guest or User()
    user.email, user.display_name = email, display_name
    user.is_guest, user.is_staff, user.is_superuser = False, True, True
    user.set_password(password)
    user.save()
    # The link proves access to the server, which outranks the mailbox.
    EmailAddress.objects.create(user=user, email=email.lower(), verified=True, primary=True)
    return user


def recognise_operator(user: User) -> None:
    """Give the rights of an operator to whoever has shown to own the mailbox `ADMIN_EMAIL`."""
    named: str = settings.ADMIN_EMAIL
    if not named or not user.is_active or (user.is_staff and user.is_superuser):
        return
    if EmailAddress.objects.filter(user=user, email=named.lower(), verified=True).exists():
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
