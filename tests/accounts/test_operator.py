from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import signing
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import operators
from accounts.models import User
from tests.accounts.conftest import PASSWORD, code_in, target, who_is

pytestmark = pytest.mark.django_db
FORM = {"email": "olivia@example.org", "display_name": "Olivia", "password": PASSWORD}


def _link(base_url: str = "http://testserver") -> str:
    out = StringIO()
    call_command("operator_link", base_url=base_url, stdout=out)
    return out.getvalue().strip()


def _path() -> str:
    return urlsplit(_link()).path


def test_the_link_makes_the_operator_and_signs_in(client: Client) -> None:
    path = _path()
    assert client.get(path).status_code == 200
    assert target(client.post(path, FORM)) == "/"
    operator = who_is(client)
    assert operator
    assert (operator.email, operator.is_superuser, operator.is_staff) == ("olivia@example.org", True, True)
    assert EmailAddress.objects.get(user=operator).verified
    assert client.get(reverse("admin:index")).status_code == 200


def test_the_link_names_the_server_it_was_asked_for() -> None:
    link = _link("https://chat.example.org/")
    assert link.startswith("https://chat.example.org/accounts/operator/")


def test_where_there_is_an_operator_no_link_is_printed() -> None:
    User.objects.create_superuser("olivia@example.org")
    assert _link() == ""


def test_a_used_link_is_gone(client: Client) -> None:
    path = _path()
    client.post(path, FORM)
    late = Client()
    assert late.get(path).status_code == 410
    assert late.post(path, {**FORM, "email": "mallory@example.org"}).status_code == 410
    assert User.objects.count() == 1


def test_a_link_of_yesterday_is_gone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _path()
    monkeypatch.setattr(operators, "LINK_VALID_SECONDS", -1)
    assert client.get(path).status_code == 410


@pytest.mark.parametrize("token", ["x", "a:b:c", "é", "x" * 5000, signing.dumps("x", salt="elsewhere")])
def test_a_made_up_link_is_gone(client: Client, token: str) -> None:
    assert client.get(reverse("accounts:operator", args=[token])).status_code == 410


@pytest.mark.parametrize(
    "change", [{"password": "short"}, {"password": "password12"}, {"email": "nobody"}, {"email": ""}]
)
def test_a_weak_password_or_no_address_makes_no_operator(client: Client, change: dict[str, str]) -> None:
    assert client.post(_path(), FORM | change).status_code == 200
    assert not User.objects.exists()


def test_a_suspended_operator_does_not_lock_the_owner_out() -> None:
    User.objects.create_superuser("olivia@example.org")
    User.objects.update(is_active=False)
    assert _link()


def test_a_guest_who_opens_the_link_keeps_the_same_row(client: Client) -> None:
    client.post(reverse("accounts:guest"))
    guest = who_is(client)
    client.post(_path(), FORM)
    operator = who_is(client)
    assert operator
    assert operator == guest
    assert operator.is_superuser
    assert not operator.is_guest


@pytest.mark.django_db(transaction=True)
def test_two_people_with_the_link_make_one_operator() -> None:
    path = _path()
    start = Barrier(4, timeout=20)

    def use(name: str) -> int:
        try:
            browser = Client()
            start.wait()
            return browser.post(path, FORM | {"email": f"{name}@example.org"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(use, ["ann", "ben", "cem", "dee"]))
    assert answers == [302, 410, 410, 410]
    assert User.objects.filter(is_superuser=True).count() == User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_second_waits_for_the_first_and_then_finds_the_link_spent() -> None:
    token = _path().rstrip("/").rsplit("/", 1)[1]

    def make(email: str) -> User:
        return operators.create_first_operator(token, email=email, display_name="", password=PASSWORD)

    def second() -> User:
        try:
            return make("ben@example.org")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            make("ann@example.org")
            late = pool.submit(second)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        with pytest.raises(operators.OperatorLinkSpentError):
            late.result(timeout=20)


# --- ADMIN_EMAIL -----------------------------------------------------------------------------------
@pytest.mark.usefixtures("with_mail")
def test_the_named_address_makes_an_operator_once_confirmed(
    client: Client, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.ADMIN_EMAIL = "boss@example.org"
    client.post(reverse("account_signup"), {"email": "Boss@Example.org", "password1": PASSWORD})
    assert not User.objects.get().is_superuser
    client.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox[-1])})
    boss = who_is(client)
    assert boss
    assert boss.is_superuser
    assert boss.is_staff
    assert boss.check_password(PASSWORD), "the session that signed up chose it"


@pytest.mark.usefixtures("without_mail")
def test_the_named_address_alone_gives_no_rights(client: Client, settings: Settings) -> None:
    settings.ADMIN_EMAIL = "boss@example.org"
    client.post(reverse("account_signup"), {"email": "boss@example.org", "password1": PASSWORD})
    someone = who_is(client)
    assert someone
    assert not someone.is_superuser
    assert client.get(reverse("admin:index")).status_code == 302


@pytest.mark.usefixtures("without_mail")
def test_who_took_the_named_address_first_loses_it_to_the_mailbox(
    client: Client, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.ADMIN_EMAIL = "boss@example.org"
    squatter = Client()
    squatter.post(reverse("account_signup"), {"email": "boss@example.org", "password1": PASSWORD})
    client.post(reverse("account_request_login_code"), {"email": "boss@example.org"})
    client.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    boss = who_is(client)
    assert boss
    assert boss.is_superuser
    assert not boss.has_usable_password()
    assert client.get(reverse("admin:index")).status_code == 200
    assert squatter.get(reverse("admin:index")).status_code == 302
    assert squatter.get(reverse("accounts:home")).status_code == 302


def test_an_address_confirmed_before_it_was_named_counts_at_the_next_sign_in(
    client: Client, settings: Settings, alice: User
) -> None:
    settings.ADMIN_EMAIL = "alice@example.org"
    client.post(reverse("account_login"), {"login": "alice@example.org", "password": PASSWORD})
    alice.refresh_from_db()
    assert alice.is_superuser
