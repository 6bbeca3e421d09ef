from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from tests.accounts.conftest import PASSWORD, code_in, target, who_is

pytestmark = pytest.mark.django_db


def _guest(client: Client) -> User:
    assert target(client.post(reverse("accounts:guest"))) == "/"
    guest = who_is(client)
    assert guest
    return guest


def test_trying_it_makes_a_person_without_password_or_address(client: Client) -> None:
    guest = _guest(client)
    assert (guest.is_guest, guest.email, guest.has_usable_password()) == (True, None, False)
    assert guest.label == "Guest"


def test_two_guests_are_two_people() -> None:
    assert _guest(Client()).pk != _guest(Client()).pk


def test_trying_it_again_keeps_the_same_guest(client: Client) -> None:
    guest = _guest(client)
    client.post(reverse("accounts:guest"))
    assert who_is(client) == guest


def test_a_link_or_a_form_of_another_site_makes_no_guest() -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.get(reverse("accounts:guest")).status_code == 405
    assert browser.post(reverse("accounts:guest")).status_code == 403
    assert not User.objects.exists()


def test_a_server_without_guests_sends_to_the_sign_in(client: Client, settings: Settings) -> None:
    settings.GUESTS_ALLOWED = False
    assert target(client.post(reverse("accounts:guest"))) == reverse("account_login")
    assert not User.objects.exists()


def test_one_address_makes_a_limited_number_of_guests(settings: Settings) -> None:
    settings.GUESTS_PER_ADDRESS_AND_HOUR = 3
    answers = [Client().post(reverse("accounts:guest")).status_code for _ in range(5)]
    assert answers == [302, 302, 302, 429, 429]
    assert Client(REMOTE_ADDR="203.0.113.9").post(reverse("accounts:guest")).status_code == 302


def test_a_household_on_ipv6_is_one_address(settings: Settings) -> None:
    settings.GUESTS_PER_ADDRESS_AND_HOUR = 1
    first, second, other = (
        Client(REMOTE_ADDR=address).post(reverse("accounts:guest")).status_code
        for address in ("2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:2::1")
    )
    assert (first, second, other) == (302, 429, 302)


def test_a_made_up_forwarding_header_moves_no_limit(settings: Settings) -> None:
    settings.GUESTS_PER_ADDRESS_AND_HOUR = 1
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    codes = [
        Client(HTTP_X_FORWARDED_FOR=f"198.51.100.{n}").post(reverse("accounts:guest")).status_code
        for n in range(2)
    ]
    assert codes == [302, 429]


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_under_parallel_tries(settings: Settings) -> None:
    settings.GUESTS_PER_ADDRESS_AND_HOUR = 5

    def attempt(_: int) -> int:
        try:
            return Client().post(reverse("accounts:guest")).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(24)))
    # At a full hour the window turns once and lets five more in.
    assert answers.count(302) in {5, 10}
    assert User.objects.count() == answers.count(302)


@pytest.mark.usefixtures("without_mail")
def test_signing_up_keeps_the_guests_row(client: Client) -> None:
    guest = _guest(client)
    client.post(reverse("account_signup"), {"email": "Alice@Example.org", "password1": PASSWORD})
    alice = who_is(client)
    assert alice
    assert alice == guest
    assert (alice.is_guest, alice.email) == (False, "alice@example.org")
    assert alice.check_password(PASSWORD)
    assert User.objects.count() == 1


@pytest.mark.usefixtures("with_mail")
def test_signing_up_by_code_keeps_the_guests_row(client: Client, mailoutbox: list[EmailMessage]) -> None:
    guest = _guest(client)
    client.post(reverse("account_signup"), {"email": "alice@example.org"})
    assert who_is(client) == guest, "the guest stays signed in until the code is entered"
    client.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox[-1])})
    alice = who_is(client)
    assert alice
    assert alice == guest
    assert (alice.is_guest, alice.email) == (False, "alice@example.org")
    assert alice.emailaddress_set.get().verified
    assert User.objects.count() == 1


@pytest.mark.usefixtures("with_mail")
def test_giving_up_half_way_leaves_the_guest_signed_in(client: Client) -> None:
    guest = _guest(client)
    client.post(reverse("account_signup"), {"email": "alice@example.org"})
    client.post(reverse("account_logout"), {"cancel": "1", "next": reverse("account_login")})
    assert who_is(client) == guest
    assert client.get(reverse("account_login")).status_code == 200


@pytest.mark.usefixtures("with_mail")
def test_signing_in_to_an_older_account_keeps_the_guest_and_its_trail(client: Client, alice: User) -> None:
    guest = _guest(client)
    client.post(reverse("account_login"), {"login": "alice@example.org", "password": PASSWORD})
    assert who_is(client) == alice
    guest.refresh_from_db()
    assert (guest.is_guest, guest.continued_by) == (True, alice)


@pytest.mark.usefixtures("with_mail")
def test_an_account_made_elsewhere_is_not_absorbed_by_a_guest(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    made_elsewhere = User.objects.create_user("bob@example.org")
    guest = _guest(client)
    client.post(reverse("account_request_login_code"), {"email": "bob@example.org"})
    client.post(reverse("account_confirm_login_code"), {"code": code_in(mailoutbox[-1])})
    made_elsewhere.refresh_from_db()
    guest.refresh_from_db()
    assert guest.is_guest
    assert made_elsewhere.email == "bob@example.org"


def test_a_guest_can_sign_out(client: Client) -> None:
    _guest(client)
    client.post(reverse("account_logout"))
    assert who_is(client) is None


def test_a_guest_makes_no_tokens(client: Client) -> None:
    _guest(client)
    answer = client.post(reverse("accounts:tokens"), {"name": "script", "days": "30"})
    assert answer.status_code == 403
