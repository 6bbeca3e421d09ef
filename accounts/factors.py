"""Second factors: how their secrets are kept, who must have one, and where passkeys can work."""

import ipaddress
import logging

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.request import split_domain_port

from accounts import limits
from accounts.models import FactorSecret, User
from betterchat.core.secrets import CannotOpenError

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_TRIES = 10
_WINDOW_SECONDS = 10 * 60

logger = logging.getLogger(__name__)


class FactorUnreadableError(ValidationError):
    """The secret of a factor can't be opened: its master key is missing, or the row was changed."""

    silent_variable_failure = True  # templates that count codes show none

    def __init__(self) -> None:
        super().__init__("This server can't read your second factor now. Tell its operator.")


class FactorsAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That is not a code that works now.",
        "unverified_email": "Confirm your e-mail address first.",
        "add_email_blocked": "Addresses can't be added while a second factor is on.",
    }

    def encrypt(self, text: str) -> str:
        """Sealed in a row of its own, so that keys are rotated as all others; its id stands in its place."""
        secret = FactorSecret(user_id=context.request.user.pk)
        secret.put(text)
        secret.save()
        return str(secret.pk)

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return FactorSecret.objects.get(pk=encrypted_text).open().reveal()
        except (CannotOpenError, FactorSecret.DoesNotExist) as error:
            logger.error("the second factor %s can't be read: %s", encrypted_text, error)
            raise FactorUnreadableError from None

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"


@receiver([authenticator_added, authenticator_removed, authenticator_reset], dispatch_uid="accounts.factors")
def forget_unused_secrets(*, user: User, **_signal: object) -> None:
    used = [
        value
        for data in Authenticator.objects.filter(user_id=user.pk).values_list("data", flat=True)
        for value in (data.get("secret"), data.get("seed"))
        if value
    ]
    FactorSecret.objects.filter(user_id=user.pk).exclude(pk__in=used).delete()


def is_required(user: User) -> bool:
    """By the operator, of everybody, of operators, or of this person."""
    if user.is_guest:
        return False
    whom: str = settings.MFA_REQUIRED
    return user.mfa_required or whom == "everybody" or (whom == "operators" and user.is_staff)


def is_missing(user: User) -> bool:
    """Whether `user` must set up a factor before anything else."""
    return is_required(user) and not Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def take_try(user: User) -> None:
    """Raises a form's error after too many codes. allauth counts too, but parallel tries overtake it."""
    if not limits.take(name="factor", key=str(user.pk), limit=_TRIES, window_seconds=_WINDOW_SECONDS):
        raise get_account_adapter().validation_error("too_many_login_attempts")


def no_passkeys_because(request: HttpRequest) -> str:
    """ "" where passkeys work. Browsers refuse them elsewhere."""
    host = split_domain_port(request.get_host())[0]
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        is_name = True
    else:
        is_name = False
    if is_name and (request.is_secure() or host == "localhost" or host.endswith(".localhost")):
        return ""
    return (
        "Passkeys need HTTPS and a name in the address, or localhost: browsers refuse them elsewhere."
        " An authenticator app works here."
    )
