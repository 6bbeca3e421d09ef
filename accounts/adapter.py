"""Where our rules meet django-allauth's flows."""

import ipaddress
import logging
import smtplib
from typing import TYPE_CHECKING, Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.internal.httpkit import get_client_ip
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts import guests, invitations
from accounts.models import User
from accounts.operators import recognise_operator
from accounts.ownership import shown_by_the_session_that_signed_up

if TYPE_CHECKING:
    from django.forms import BaseForm


_log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This account is suspended.",
        "email_password_mismatch": "That e-mail and password don't belong together.",
        "email_taken": "There is an account with this address. Sign in instead.",
        "incorrect_code": "That is not the code. Check the newest mail.",
        "incorrect_password": "That is not the password.",
        "enter_current_password": "That is not your current password.",
        "too_many_login_attempts": "Too many tries. Wait a few minutes, then try again.",
        "rate_limited": "Too many requests. Wait a moment, then try again.",
        "unknown_email": "No account has this address.",
        "duplicate_email": "This address is on your account already.",
    }

    def save_user(
        self, request: HttpRequest, user: AbstractBaseUser, form: "BaseForm", commit: bool = True
    ) -> AbstractBaseUser:
        with invitations.claimed(request) as invitation:
            saved = super().save_user(request, user, form, commit=commit)
            if commit and isinstance(saved, User):
                invitations.note_user(invitation, user=saved)
                guests.note_sign_up(request, user=saved)
        return saved

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return invitations.may_sign_up(request)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        if isinstance(user, User):
            guests.bring_guest_along(request, user=user)
            recognise_operator(user)
        super().login(request, user)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """By code, the session that signed up confirms; by link, anybody who opens it might."""
        if app_settings.EMAIL_VERIFICATION_BY_CODE_ENABLED or request.user.pk == email_address.user_id:
            with shown_by_the_session_that_signed_up():
                return super().confirm_email(request, email_address)
        return super().confirm_email(request, email_address)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is down is told in place: it must not look like a broken page."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, smtplib.SMTPException) as error:
            _log.error("The mail %s could not be sent: %s", template_prefix, type(error).__name__)
            if self.request:
                messages.error(self.request, "The mail could not be sent. Try again in a few minutes.")

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address limits count by. Behind a unix socket without a proxy, all share one."""
        return get_client_ip(request) or str(ipaddress.IPv4Address(0))
