import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPServerDisconnected
from typing import TYPE_CHECKING

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import mail, tokens
from accounts.models import User
from tests.accounts.conftest import PASSWORD, code_in, target, who_is

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db


def _sign_in(client: Client, email: str = "alice@example.org", password: str = PASSWORD) -> "Answer":
    return client.post(reverse("account_login"), {"login": email, "password": password})


def test_a_password_signs_in_whatever_the_case_of_the_address(client: Client, alice: User) -> None:
    assert target(_sign_in(client, "ALICE@Example.ORG")) == "/"
    assert who_is(client) == alice


def test_a_wrong_password_does_not_sign_in(client: Client, alice: User) -> None:
    assert _sign_in(client, alice.email or "", "wrong horse battery").status_code == 200
    assert who_is(client) is None


def test_a_code_from_the_mail_signs_in(client: Client, alice: User, mailoutbox: list[EmailMessage]) -> None:
    answer = client.post(reverse("account_request_login_code"), {"email": "Alice@example.org"})
    assert target(answer) == reverse("account_confirm_login_code")
    assert mailoutbox[-1].to == ["alice@example.org"]
    client.post(target(answer), {"code": code_in(mailoutbox[-1])})
    assert who_is(client) == alice
    assert alice.check_password(PASSWORD), "a confirmed account keeps its password"


def test_a_code_works_once(client: Client, alice: User, mailoutbox: list[EmailMessage]) -> None:
    client.post(reverse("account_request_login_code"), {"email": alice.email})
    client.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    client.post(reverse("account_logout"))
    client.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    assert who_is(client) is None


def test_a_code_works_for_ten_minutes(
    client: Client, alice: User, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post(reverse("account_request_login_code"), {"email": alice.email})
    later = time.time() + 10 * 60 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    client.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    assert who_is(client) is None


def test_asking_for_codes_is_limited_for_each_address(alice: User, mailoutbox: list[EmailMessage]) -> None:
    for _ in range(5):
        Client().post(reverse("account_request_login_code"), {"email": alice.email})
    assert len(mailoutbox) == 3


def test_a_code_works_in_the_browser_that_asked_only(
    client: Client, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post(reverse("account_request_login_code"), {"email": alice.email})
    stranger = Client()
    stranger.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    assert who_is(stranger) is None


def test_a_wrong_code_is_refused_and_three_end_it(
    client: Client, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post(reverse("account_request_login_code"), {"email": alice.email})
    code = code_in(mailoutbox[-1])
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(3):
        client.post(reverse("account_confirm_login_code"), {"code": wrong})
    client.post(reverse("account_confirm_login_code"), {"code": code})
    assert who_is(client) is None


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_at_a_code_are_limited(alice: User) -> None:
    browser = Client()
    browser.post(reverse("account_request_login_code"), {"email": alice.email})

    def guess(number: int) -> int:
        try:
            twin = Client()
            twin.cookies = browser.cookies
            return twin.post(reverse("account_confirm_login_code"), {"code": f"x{number:05}"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(40)))
    assert answers.count(429) >= 20


def test_a_suspended_person_does_not_get_in(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)
    _sign_in(client)
    assert who_is(client) is None or not client.get(reverse("accounts:home")).context
    assert client.get(reverse("accounts:home")).status_code == 302


def test_many_wrong_passwords_close_the_account_for_a_while(client: Client, alice: User) -> None:
    for _ in range(5):
        _sign_in(client, password="wrong horse battery")
    _sign_in(client)
    assert who_is(client) is None


def test_a_forgotten_password_is_replaced_by_code(
    client: Client, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    answer = client.post(reverse("account_confirm_password_reset_code"), {"code": code_in(mailoutbox[-1])})
    assert client.get(target(answer)).status_code == 200
    client.post(target(answer), {"password1": "a brand new battery", "password2": "a brand new battery"})
    alice.refresh_from_db()
    assert alice.check_password("a brand new battery")


# --- Known and unknown addresses ---------------------------------------------------------------------
def _ask_code(client: Client, email: str) -> "Answer":
    return client.post(reverse("account_request_login_code"), {"email": email}, follow=True)


def _ask_reset(client: Client, email: str) -> "Answer":
    return client.post(reverse("account_reset_password"), {"email": email}, follow=True)


def _wrong_password(client: Client, email: str) -> "Answer":
    return _sign_in(client, email, "wrong horse battery")


def _sign_up(client: Client, email: str) -> "Answer":
    data = {"email": email, "password1": "a brand new battery"}
    return client.post(reverse("account_signup"), data, follow=True)


@pytest.mark.usefixtures("with_mail")
@pytest.mark.parametrize("ask", [_ask_code, _ask_reset, _wrong_password, _sign_up])
def test_known_and_unknown_addresses_get_the_same_page(
    ask: Callable[[Client, str], "Answer"], alice: User
) -> None:
    del alice
    known, unknown = (ask(Client(), f"{name}@example.org") for name in ("alice", "nobody"))
    assert known.status_code == unknown.status_code == 200
    assert getattr(known, "redirect_chain", []) == getattr(unknown, "redirect_chain", [])
    assert _readable(known) == _readable(unknown)


def _readable(answer: "Answer") -> str:
    page = answer.content.decode().replace("alice@", "someone@").replace("nobody@", "someone@")
    for marker in ("csrfmiddlewaretoken", "nonce"):
        page = "\n".join(line for line in page.splitlines() if marker not in line)
    return page


@pytest.mark.usefixtures("with_mail")
def test_the_mailbox_owner_ends_what_a_squatter_set_up(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    Client().post(reverse("account_signup"), {"email": "alice@example.org", "password1": PASSWORD})
    squatted = User.objects.get()
    raw = tokens.issue(squatted, name="back door")
    client.post(reverse("account_request_login_code"), {"email": "alice@example.org"})
    client.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    assert who_is(client) == squatted
    squatted.refresh_from_db()
    assert not squatted.has_usable_password()
    assert tokens.authenticate(raw) is None


# --- The mail itself -----------------------------------------------------------------------------------
def test_without_mail_the_console_shows_the_code_in_one_plain_line(
    capsys: pytest.CaptureFixture[str], mailoutbox: list[EmailMessage], client: Client, alice: User
) -> None:
    client.post(reverse("account_request_login_code"), {"email": alice.email})
    mail.ConsoleBackend(alias="default").send_messages(mailoutbox)
    assert (
        f"[mail] Sign-in code for alice@example.org: {code_in(mailoutbox[-1])}\n" in capsys.readouterr().out
    )


@pytest.mark.usefixtures("without_mail")
def test_without_mail_the_sign_in_page_says_so_and_offers_the_password_first(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "Mail is not set up on this server" in page
    assert page.index('name="password"') < page.index(reverse("account_request_login_code"))


@pytest.mark.usefixtures("with_mail")
def test_with_mail_the_sign_in_page_offers_the_code_first(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "Mail is not set up" not in page
    assert page.index(reverse("account_request_login_code")) < page.index('name="password"')


@pytest.mark.usefixtures("with_mail")
def test_a_mail_server_that_is_down_is_told_in_place(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise SMTPServerDisconnected

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    answer = client.post(reverse("account_request_login_code"), {"email": alice.email}, follow=True)
    assert answer.status_code == 200
    assert "could not be sent" in answer.content.decode()
