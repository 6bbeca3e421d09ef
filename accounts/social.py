"""Where our rules meet allauth's sign-in by others: Google, GitHub, any OpenID Connect issuer."""

import logging
from typing import TYPE_CHECKING, Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts import guests, invitations, ownership
from accounts.models import DISPLAY_NAME_CHARACTERS_MAX, IssuerSecret, User
from betterchat.core.secrets import CannotOpenError

if TYPE_CHECKING:
    from django.forms import BaseForm

logger = logging.getLogger(__name__)


class SocialAdapter(DefaultSocialAccountAdapter):
    error_messages = {
        **DefaultSocialAccountAdapter.error_messages,
        "email_taken": "There is an account with this address. Sign in to it, then connect %s there.",
        "no_password": "Set a password first, or you could not sign in any more.",
        "no_verified_email": "Confirm an e-mail address first, or you could not sign in any more.",
        "disconnect_last": "This is the only way you can sign in. Set a password first.",
        "connected_other": "That account is connected to somebody else here.",
    }

    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]
    ) -> AbstractBaseUser:
        """Threat: an issuer that says `"email_verified": "false"`, which is a true value to Python."""
        for address in sociallogin.email_addresses:
            address.verified = address.verified in (True, "true")
        user: AbstractBaseUser = super().populate_user(request, sociallogin, data)
        name = data.get("name") or " ".join(
            part for part in (data.get("first_name"), data.get("last_name")) if part
        )
        if isinstance(user, User) and isinstance(name, str):
            user.display_name = name.replace("\0", "").strip()[:DISPLAY_NAME_CHARACTERS_MAX]
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """An account found by its address, not by an earlier connection: see who set it up."""
        user = sociallogin.user
        if not sociallogin.account.pk and isinstance(user, User) and user.pk:
            for address in sociallogin.email_addresses:
                if address.verified:
                    ownership.vouched_for(request, user=user, email=address.email)

    def save_user(
        self, request: HttpRequest, sociallogin: SocialLogin, form: "BaseForm | None" = None
    ) -> AbstractBaseUser:
        if form is not None:  # the account's adapter does the rest
            asked: AbstractBaseUser = super().save_user(request, sociallogin, form)
            return asked
        with invitations.claimed(request) as invitation:
            user: AbstractBaseUser = super().save_user(request, sociallogin, form)
            if isinstance(user, User):
                invitations.note_user(invitation, user=user)
                guests.note_sign_up(request, user=user)
        return user

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Those from the admin keep their secret sealed; one that can't be opened is not offered."""
        apps = super().list_apps(request, provider=provider, client_id=client_id)
        return [app for app in apps if app.pk is None or _open(app)]


def _open(app: SocialApp) -> bool:
    kept = IssuerSecret.objects.filter(app=app).first()
    try:
        app.secret = kept.open().reveal() if kept else ""
    except CannotOpenError as error:
        logger.error("the secret of the issuer %s can't be read: %s", app.name, error)
        return False
    return True
