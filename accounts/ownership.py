"""What happens when somebody shows that a mailbox is theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.contrib import messages
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import sessions, tokens
from accounts.models import User
from accounts.operators import recognise_operator

_same_session = ContextVar("_same_session", default=False)


@contextmanager
def shown_by_the_session_that_signed_up() -> Iterator[None]:
    """Mark that whoever confirms the address is also the one who chose the password."""
    reset = _same_session.set(True)
    try:
        yield
    finally:
        _same_session.reset(reset)


@receiver(email_confirmed, dispatch_uid="accounts.ownership")
def address_confirmed(*, request: HttpRequest, email_address: EmailAddress, **_signal: object) -> None:
    """End what was set up before the owner of the mailbox arrived, and see who that is.

    Threat: someone signs up with another person's address and waits. Once the owner of the mailbox
    arrives (by a sign-in code, a reset), whatever was set up before must not open the account.
    """
    user = email_address.user
    if not _same_session.get() and not _has_another_address(email_address):
        _end_earlier_access(request, user=user)
    recognise_operator(user)


def address_is_taken(email: str, *, by_others_than: User | None = None) -> bool:
    """Whether another account has this address, as its own or as a further verified one."""
    users = User.objects.filter(email=email)
    addresses = EmailAddress.objects.filter(email=email.lower(), verified=True)
    if by_others_than and by_others_than.pk:
        users = users.exclude(pk=by_others_than.pk)
        addresses = addresses.exclude(user_id=by_others_than.pk)
    return users.exists() or addresses.exists()


@transaction.atomic
def vouch_for_address(user: User) -> None:
    """Take `user.email`, entered by an operator, as verified and as the only address."""
    EmailAddress.objects.filter(user=user).delete()
    if user.email:
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def vouched_for(request: HttpRequest, *, user: User, email: str) -> None:
    """An issuer says that whoever signs in now owns `email`, by which `user` was found."""
    address = EmailAddress.objects.filter(user=user, email=email.lower()).first()
    if address is None or address.verified:
        return
    with transaction.atomic():
        _end_earlier_access(request, user=user)
        sessions.end_all(user)
        address.set_verified(commit=True)


def _has_another_address(email_address: EmailAddress) -> bool:
    others = EmailAddress.objects.filter(user_id=email_address.user_id, verified=True)
    return others.exclude(pk=email_address.pk).exists()


def _end_earlier_access(request: HttpRequest, *, user: User) -> None:
    tokens.revoke(user)
    if user.has_usable_password():
        user.set_unusable_password()  # also ends every session: they are bound to the password
        user.save(update_fields=["password"])
        messages.info(
            request,
            "The password set before this address was confirmed no longer works. Set a new one if you like.",
        )
