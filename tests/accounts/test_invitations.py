"""Who may sign up."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import invitations
from accounts.models import Invitation, User
from tests.accounts.conftest import PASSWORD, target, who_is

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_mail")]


def an_invitation() -> str:
    """The path of its link."""
    invitation = Invitation(note="for Dora")
    path = invitations.issue(invitation)
    invitation.save()
    return path


def sign_up(browser: Client, email: str = "dora@example.org") -> User | None:
    browser.post(reverse("account_signup"), {"email": email, "password1": "a brand new battery"})
    return who_is(browser)


@pytest.mark.parametrize(("mode", "opens"), [("open", True), ("invitation", False), ("closed", False)])
def test_the_mode_says_who_signs_up_without_an_invitation(
    client: Client, settings: Settings, mode: str, opens: bool
) -> None:
    settings.REGISTRATION = mode
    assert (sign_up(client) is not None) == opens
    assert ("Create one" in Client().get(reverse("account_login")).content.decode()) == opens


def test_an_invitation_lets_one_person_in(client: Client, settings: Settings) -> None:
    settings.REGISTRATION = "invitation"
    path = an_invitation()
    second = Client()
    for browser in (client, second):
        assert target(browser.get(path)) == reverse("account_signup")
    dora = sign_up(client)
    assert dora is not None
    assert Invitation.objects.get().used_by == dora
    assert sign_up(second, "evan@example.org") is None
    assert Client().get(path).status_code == 410


def test_a_sign_up_that_fails_spends_nothing(client: Client, settings: Settings, alice: User) -> None:
    settings.REGISTRATION = "invitation"
    client.get(an_invitation())
    client.post(reverse("account_signup"), {"email": "dora@example.org", "password1": "short"})
    client.post(reverse("account_signup"), {"email": alice.email, "password1": "a brand new battery"})
    assert sign_up(client) is not None


@pytest.mark.parametrize("end", ["expire", "delete", "closed", "garbage"])
def test_an_ended_invitation_opens_nothing(client: Client, settings: Settings, end: str) -> None:
    settings.REGISTRATION = "invitation"
    path = an_invitation()
    client.get(path)
    if end == "expire":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "delete":
        Invitation.objects.all().delete()
    elif end == "closed":
        settings.REGISTRATION = "closed"
    else:
        client = Client()
        assert client.get(reverse("accounts:invitation", args=["x" * 500])).status_code == 410
    assert sign_up(client) is None


@pytest.mark.django_db(transaction=True)
def test_two_who_race_with_one_invitation_are_one_account(settings: Settings) -> None:
    settings.REGISTRATION = "invitation"
    path = an_invitation()

    def race(number: int) -> bool:
        try:
            browser = Client()
            browser.get(path)
            return sign_up(browser, f"racer{number}@example.org") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(race, range(4))) == 1
    assert User.objects.count() == 1


def test_operators_make_invitations_and_see_the_link_once(client: Client) -> None:
    client.force_login(User.objects.create_superuser("op@example.org", PASSWORD))
    soon = timezone.now() + timedelta(days=1)
    form = {"note": "for Dora", "expires_at_0": f"{soon:%Y-%m-%d}", "expires_at_1": "12:00:00"}
    page = client.post(reverse("admin:accounts_invitation_add"), form, follow=True).content.decode()
    link = re.search(r"http://testserver(/accounts/invitation/[^/]+/)", page)
    assert link
    assert target(Client().get(link[1])) == reverse("account_signup")
    listing = client.get(reverse("admin:accounts_invitation_changelist")).content.decode()
    assert link[1] not in listing
    invitation = Invitation.objects.get()
    assert invitation.created_by is not None
    assert invitation.token_hash not in listing
