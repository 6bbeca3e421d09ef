"""People, and the two kinds of server they meet: with mail and without."""

import re
import uuid
from typing import TYPE_CHECKING

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import User

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh_limits(settings: Settings) -> None:
    """Every test counts from zero, and hashes passwords quickly."""
    default = {**settings.CACHES["default"], "KEY_PREFIX": f"test-{uuid.uuid4()}"}
    settings.CACHES = {**settings.CACHES, "default": default}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ADMIN_EMAIL = ""


@pytest.fixture
def with_mail(settings: Settings) -> None:
    """A server whose mail is set up: addresses are confirmed by code before the first sign-in."""
    settings.MAIL_IS_SET_UP = True
    settings.ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


@pytest.fixture
def without_mail(settings: Settings) -> None:
    settings.MAIL_IS_SET_UP = False
    settings.ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False


@pytest.fixture
def alice(db: None) -> User:
    """Has an account, a confirmed address and `PASSWORD`."""
    user = User.objects.create_user("alice@example.org", PASSWORD, display_name="Alice")
    EmailAddress.objects.create(user=user, email="alice@example.org", verified=True, primary=True)
    return user


@pytest.fixture
def bob(db: None) -> User:
    """Somebody else."""
    user = User.objects.create_user("bob@example.org", PASSWORD, display_name="Bob")
    EmailAddress.objects.create(user=user, email="bob@example.org", verified=True, primary=True)
    return user


def code_in(mail: EmailMessage) -> str:
    found = re.search(r": (\d{6})\b", str(mail.body))
    assert found, mail.body
    return found[1]


def target(answer: "Answer") -> str:
    """Where an answer sends the browser."""
    return answer.headers["Location"]


def who_is(client: Client) -> User | None:
    """The person a browser is signed in as."""
    key = client.session.get("_auth_user_id")
    return User.objects.filter(pk=key).first() if key else None
