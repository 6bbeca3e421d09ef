"""The person behind every request, and the tokens that act for them."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.mail import EmailMessage
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.fields import CaselessEmailField
from betterchat.core.sealed import SealedModel

DISPLAY_NAME_CHARACTERS_MAX = 80


class UserManager(BaseUserManager["User"]):
    """Makes people, guests and operators. Addresses need no normalising: the field does it."""

    def create_user(self, email: str, password: str | None = None, *, display_name: str = "") -> "User":
        """`password=None` makes an account that signs in by e-mail code only."""
        return self._create(User(email=email, display_name=display_name), password=password)

    def create_superuser(self, email: str, password: str | None = None, *, display_name: str = "") -> "User":
        user = User(email=email, display_name=display_name, is_staff=True, is_superuser=True)
        return self._create(user, password=password)

    def create_guest(self) -> "User":
        """A real row without an address or a password: its session is the only way in."""
        return self._create(User(is_guest=True), password=None)

    def _create(self, user: "User", *, password: str | None) -> "User":
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    email = CaselessEmailField("e-mail", unique=True, null=True, blank=True)
    display_name = models.CharField("name", max_length=DISPLAY_NAME_CHARACTERS_MAX, blank=True)
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the server's.")
    is_guest = models.BooleanField(
        "guest", default=False, help_text="Started without an account; reaches only what guests may use."
    )
    is_active = models.BooleanField("active", default=True, help_text="Switch off to suspend.")
    is_staff = models.BooleanField("operator", default=False, help_text="May open this admin.")
    mfa_required = models.BooleanField(
        "second factor required", default=False, help_text="Asked to set one up before anything else."
    )
    sessions_epoch = models.PositiveIntegerField(default=0, editable=False)
    date_joined = models.DateTimeField("joined", default=timezone.now, editable=False)
    continued_by = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="earlier_guests",
        help_text="The account this guest signed in to. Its conversations stay with the guest.",
    )

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(is_guest=False) | Q(email=None, is_staff=False, is_superuser=False),
                name="accounts_user_guest_is_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """How this person is named to others."""
        return "Guest" if self.is_guest else self.display_name or self.email or "Nobody"

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What Django binds sessions to. Raising `sessions_epoch` ends all of them."""
        salt = "accounts.models.User.session"
        bound = f"{self.password}:{self.sessions_epoch}"
        return salted_hmac(salt, bound, secret=secret, algorithm="sha256").hexdigest()

    def get_full_name(self) -> str:
        return self.label

    def get_short_name(self) -> str:
        return self.label

    def email_user(self, subject: str, message: str) -> None:
        """Called by Django's own forms."""
        if self.email:
            EmailMessage(subject, message, to=[self.email]).send()


class FactorSecret(SealedModel):
    """What allauth's second factors keep secret; its rows hold the id. See `accounts.factors`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="factor_secrets")

    def __str__(self) -> str:
        return str(self.pk)

    def seal_owner(self) -> str:
        return str(self.user_id)


class IssuerSecret(SealedModel):
    """The client secret of an issuer that was entered in the admin; allauth's own column stays empty."""

    app = models.OneToOneField("socialaccount.SocialApp", models.CASCADE, related_name="sealed_secret")

    def __str__(self) -> str:
        return f"…{self.last_four}"

    def seal_owner(self) -> str:
        return ""

    def seal_use(self) -> str:
        return str(self.app_id)


def _in_two_weeks() -> datetime:
    return timezone.now() + timedelta(days=14)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self) -> Self:
        return self.filter(used_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """Lets one person sign up. Only the hash of its secret is kept; see `accounts.invitations`."""

    note = models.CharField(max_length=120, blank=True, help_text="For whom. Only operators see it.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=_in_two_weeks)
    used_at = models.DateTimeField(null=True, editable=False)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.note or f"Invitation {self.pk}"


class PersonalAccessTokenQuerySet(models.QuerySet["PersonalAccessToken"]):
    def usable(self) -> Self:
        """Tokens that open the door right now."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None, user__is_active=True
        )


class PersonalAccessToken(models.Model):
    """A secret that acts for a person. Only its hash is kept; see `accounts.tokens`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=80)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PersonalAccessTokenQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"
