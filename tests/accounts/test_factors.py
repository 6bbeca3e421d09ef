"""Second factors: apps, recovery codes, who must have one, and where passkeys can work."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from accounts import factors
from accounts.models import FactorSecret, User
from accounts.websocket import is_still_authorised
from betterchat.core import sealed
from tests.accounts.conftest import PASSWORD, target, who_is
from tests.accounts.test_websocket import _connect as connect

pytestmark = pytest.mark.django_db


def code_of(secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or some half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def signed_in_by_password(client: Client, person: User) -> str:
    return target(client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD}))


@pytest.fixture
def secret(alice: User) -> str:
    """Alice has set up an app, the way people do."""
    browser = Client()
    signed_in_by_password(browser, alice)
    page = browser.get(reverse("mfa_activate_totp"))
    if page.status_code == 302:
        browser.post(target(page), {"password": PASSWORD})
        page = browser.get(reverse("mfa_activate_totp"))
    found: str = page.context["form"].secret
    answer = browser.post(reverse("mfa_activate_totp"), {"code": code_of(found, steps=-1)})
    assert target(answer) == reverse("mfa_view_recovery_codes")
    codes = browser.get(target(answer)).context["unused_codes"]
    assert len(codes) == 10
    CODES[:] = codes
    assert codes[0] not in browser.get(reverse("mfa_view_recovery_codes")).content.decode(), "shown once"
    return found


CODES: list[str] = []


def test_a_password_alone_opens_nothing_any_more(client: Client, alice: User, secret: str) -> None:
    assert signed_in_by_password(client, alice) == reverse("mfa_authenticate")
    assert who_is(client) is None
    assert client.get(reverse("accounts:home")).status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert who_is(client) == alice


def test_a_wrong_code_opens_nothing(client: Client, alice: User, secret: str) -> None:
    signed_in_by_password(client, alice)
    for wrong in ("", "000000", "x" * 10_000, "１２３４５６", code_of(secret, steps=50)):
        assert client.post(reverse("mfa_authenticate"), {"code": wrong}).status_code == 200
    assert who_is(client) is None


def test_a_code_works_once(client: Client, alice: User, secret: str) -> None:
    code = code_of(secret)
    for browser, expected in ((client, alice), (Client(), None)):
        signed_in_by_password(browser, alice)
        browser.post(reverse("mfa_authenticate"), {"code": code})
        assert who_is(browser) == expected


def test_a_recovery_code_works_once(client: Client, alice: User, secret: str) -> None:
    del secret
    for browser, expected in ((client, alice), (Client(), None)):
        signed_in_by_password(browser, alice)
        browser.post(reverse("mfa_authenticate"), {"code": CODES[0]})
        assert who_is(browser) == expected


def test_guesses_are_limited_by_person_not_by_browser(alice: User, secret: str) -> None:
    for number in range(12):
        browser = Client(REMOTE_ADDR=f"10.0.0.{number}")
        signed_in_by_password(browser, alice)
        browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    late = Client(REMOTE_ADDR="10.0.1.1")
    signed_in_by_password(late, alice)
    late.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert who_is(late) is None


def test_the_secret_is_sealed_and_goes_with_the_factor(alice: User, secret: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data::text FROM mfa_authenticator UNION SELECT sealed FROM accounts_factorsecret"
        )
        kept = " ".join(row[0] for row in cursor.fetchall())
    assert secret not in kept
    assert FactorSecret in sealed.sealed_models(), "wrapped anew with all other secrets"
    assert FactorSecret.objects.count() == 2
    browser = Client()
    signed_in_by_password(browser, alice)
    browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    page = browser.get(reverse("mfa_deactivate_totp"), follow=True)
    if page.redirect_chain:
        browser.post(page.redirect_chain[-1][0], {"password": PASSWORD})
    browser.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()
    assert FactorSecret.objects.count() == 0


def test_a_factor_that_cannot_be_read_is_told_and_opens_nothing(
    client: Client, alice: User, secret: str
) -> None:
    FactorSecret.objects.update(version=7)
    signed_in_by_password(client, alice)
    answer = client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert "can&#x27;t read your second factor" in answer.content.decode()
    assert who_is(client) is None


# --- Who must have one ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("whom", "is_staff", "alone", "required"),
    [
        ("nobody", True, False, False),
        ("nobody", False, True, True),
        ("operators", True, False, True),
        ("operators", False, False, False),
        ("everybody", False, False, True),
    ],
)
def test_whom_it_is_required_of(
    settings: Settings, alice: User, whom: str, is_staff: bool, alone: bool, required: bool
) -> None:
    settings.MFA_REQUIRED = whom
    alice.is_staff, alice.mfa_required = is_staff, alone
    assert factors.is_missing(alice) == required


def test_without_the_required_factor_only_its_pages_open(
    client: Client, settings: Settings, alice: User
) -> None:
    client.force_login(alice)
    settings.MFA_REQUIRED = "everybody"
    for path in ("/", reverse("accounts:home"), reverse("accounts:sessions"), reverse("providers:home")):
        assert target(client.get(path)) == reverse("mfa_index"), path
    assert client.get(reverse("mfa_index")).status_code == 200
    assert client.post(reverse("accounts:tokens"), {"name": "x", "days": 0}).status_code == 302
    assert not alice.access_tokens.exists()


def test_with_it_everything_opens(client: Client, settings: Settings, alice: User, secret: str) -> None:
    settings.MFA_REQUIRED = "everybody"
    signed_in_by_password(client, alice)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert client.get(reverse("accounts:home")).status_code == 200


def test_guests_need_none(client: Client, settings: Settings) -> None:
    settings.MFA_REQUIRED = "everybody"
    client.force_login(User.objects.create_guest())
    assert client.get(reverse("accounts:home")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_without_the_required_factor_no_websocket_opens(settings: Settings, alice: User) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    browser = Client()
    browser.force_login(alice)
    name = settings.SESSION_COOKIE_NAME
    headers = {
        "Host": "testserver",
        "Origin": "http://testserver",
        "Cookie": f"{name}={browser.cookies[name].value}",
    }
    scope = connect(headers)
    assert scope["auth"] == "session"
    settings.MFA_REQUIRED = "everybody"
    assert not is_still_authorised(scope)
    assert connect(headers)["auth"] is None


def test_a_guest_who_stops_at_the_second_factor_is_still_the_guest(
    client: Client, alice: User, secret: str
) -> None:
    guest = User.objects.create_guest()
    client.force_login(guest)
    signed_in_by_password(client, alice)
    assert client.get(reverse("mfa_authenticate")).status_code == 200
    assert who_is(client) == guest
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert who_is(client) == alice


# --- Passkeys -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("host", "secure", "works"),
    [
        ("localhost:8000", False, True),
        ("chat.localhost", False, True),
        ("chat.example.org", True, True),
        ("chat.example.org", False, False),
        ("192.168.1.5:8000", False, False),
        ("192.168.1.5", True, False),
        ("[::1]:8000", False, False),
    ],
)
def test_passkeys_are_offered_where_browsers_allow_them(
    settings: Settings, host: str, secure: bool, works: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    request = RequestFactory().get("/", headers={"host": host}, secure=secure)
    assert (factors.no_passkeys_because(request) == "") == works


def test_on_a_lan_address_the_page_says_why_not(client: Client, settings: Settings, alice: User) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.force_login(alice)
    page = client.get(reverse("mfa_index"), headers={"host": "192.168.1.5"}).content.decode()
    assert "Passkeys need HTTPS" in page
    assert reverse("mfa_add_webauthn") not in page
    assert (
        reverse("mfa_add_webauthn")
        in client.get(reverse("mfa_index"), headers={"host": "localhost"}).content.decode()
    )


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "x" * 10_000, '{"id": "a", "type": "b"}'])
def test_a_made_up_passkey_is_nobody(client: Client, alice: User, credential: str) -> None:
    del alice
    client.get(reverse("mfa_login_webauthn"), headers={"x-requested-with": "XMLHttpRequest"})
    answer = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert answer.status_code in {200, 302}
    assert who_is(client) is None


def test_the_admin_shows_no_factors_and_no_session_keys() -> None:
    desk = Client()
    desk.force_login(User.objects.create_superuser("op@example.org", PASSWORD))
    page = desk.get(reverse("admin:index")).content.decode()
    assert "authenticator" not in page.lower()
    assert "session" not in page.lower()
