"""Sign-in by an OpenID Connect issuer that answers over real HTTP."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import tokens
from accounts.models import IssuerSecret, User
from tests.accounts.conftest import PASSWORD, who_is
from tests.accounts.issuer import CLIENT_ID, CLIENT_SECRET, Issuer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_mail")]
LOGIN = "/accounts/oidc/sso/login/"


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    with Issuer() as running:
        running.claims = {"sub": "1", "email": "dora@example.org", "email_verified": True, "name": "Dora"}
        app = {
            "provider_id": "sso",
            "name": "Example",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": running.url},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
        yield running


def sign_in(client: Client, *, path: str = LOGIN) -> str:
    """The whole way; the address the browser is sent to at the end, "" for a page that stays."""
    leaving = client.post(path).context["address"]
    back = requests.get(leaving, allow_redirects=False, timeout=10).headers["Location"]
    parts = urlsplit(back)
    answer = client.get(f"{parts.path}?{parts.query}")
    return answer.headers.get("Location", "")


def test_somebody_new_gets_an_account_with_address_and_name(client: Client, issuer: Issuer) -> None:
    assert sign_in(client) == "/"
    dora = who_is(client)
    assert dora is not None
    assert (dora.email, dora.display_name, dora.has_usable_password()) == ("dora@example.org", "Dora", False)
    assert EmailAddress.objects.get(user=dora).verified


def test_the_same_person_comes_back_whatever_address_they_have_now(client: Client, issuer: Issuer) -> None:
    sign_in(client)
    dora = who_is(client)
    issuer.claims["email"] = "changed@example.org"
    again = Client()
    sign_in(again)
    assert who_is(again) == dora


def test_a_vouched_address_opens_the_account_that_has_it(client: Client, issuer: Issuer, alice: User) -> None:
    issuer.claims["email"] = "Alice@example.org"
    sign_in(client)
    assert who_is(client) == alice
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD), "her own way in stays"


@pytest.mark.parametrize("verified", [False, None, "false", "no", 0, "", {}])
def test_an_address_nobody_vouches_for_opens_nothing(
    client: Client, issuer: Issuer, alice: User, verified: object
) -> None:
    issuer.claims |= {"email": alice.email, "email_verified": verified}
    sign_in(client)
    assert who_is(client) is None
    assert not SocialAccount.objects.filter(user=alice).exists()


def test_what_a_squatter_prepared_does_not_open_the_account(client: Client, issuer: Issuer) -> None:
    Client().post(reverse("account_signup"), {"email": "dora@example.org", "password1": PASSWORD})
    squatted = User.objects.get()
    raw = tokens.issue(squatted, name="back door")
    squatter = Client()
    squatter.force_login(squatted)
    sign_in(client)
    assert who_is(client) == squatted
    assert client.get(reverse("accounts:home")).status_code == 200
    squatted.refresh_from_db()
    assert not squatted.has_usable_password()
    assert tokens.authenticate(raw) is None
    assert squatter.get(reverse("accounts:home")).status_code == 302


def test_a_suspended_person_does_not_get_in(client: Client, issuer: Issuer) -> None:
    sign_in(client)
    User.objects.update(is_active=False)
    again = Client()
    sign_in(again)
    assert again.get(reverse("accounts:home")).status_code == 302


def test_a_guest_keeps_everything(client: Client, issuer: Issuer) -> None:
    guest = User.objects.create_guest()
    client.force_login(guest)
    sign_in(client)
    dora = who_is(client)
    assert dora == guest
    assert dora is not None
    assert (dora.is_guest, dora.email) == (False, "dora@example.org")
    assert SocialAccount.objects.get().user == dora


def test_the_answer_counts_in_the_browser_that_asked_and_once(client: Client, issuer: Issuer) -> None:
    leaving = client.post(LOGIN).context["address"]
    assert parse_qs(urlsplit(leaving).query)["code_challenge_method"] == ["S256"]
    back = urlsplit(requests.get(leaving, allow_redirects=False, timeout=10).headers["Location"])
    stranger = Client()
    stranger.get(f"{back.path}?{back.query}")
    assert who_is(stranger) is None
    client.get(f"{back.path}?{back.query}")
    assert who_is(client)
    client.logout()
    client.get(f"{back.path}?{back.query}")
    assert who_is(client) is None


def test_an_issuer_that_refuses_or_lies_about_whom_it_is_for_signs_nobody_in(
    client: Client, issuer: Issuer
) -> None:
    issuer.refuses = True
    assert sign_in(client) == ""
    issuer.refuses, issuer.audience = False, "another client"
    assert sign_in(client) == ""
    assert who_is(client) is None


def test_a_link_alone_starts_nothing(client: Client, issuer: Issuer) -> None:
    page = client.get(LOGIN)
    assert page.status_code == 200
    assert "Continue" in page.content.decode()


def test_the_way_there_is_a_page_because_forms_stay_here(client: Client, issuer: Issuer) -> None:
    answer = client.post(LOGIN)
    assert answer.status_code == 200
    assert f'content="0; url={issuer.url}/authorize?' in answer.content.decode()


def test_the_sign_in_page_offers_what_is_set_up(client: Client, issuer: Issuer, settings: Settings) -> None:
    assert "Sign in with Example" in client.get(reverse("account_login")).content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert "Sign in with" not in client.get(reverse("account_login")).content.decode()
    assert client.post(LOGIN).status_code == 404


def test_an_issuer_from_the_admin_keeps_its_secret_sealed(
    client: Client, issuer: Issuer, settings: Settings
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}
    desk = Client()
    desk.force_login(User.objects.create_superuser("op@example.org", PASSWORD))
    form = {
        "provider": "openid_connect",
        "provider_id": "desk",
        "name": "Desk",
        "client_id": CLIENT_ID,
        "server_url": issuer.url,
        "new_secret": CLIENT_SECRET,
    }
    answer = desk.post(reverse("admin:socialaccount_socialapp_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    app = SocialApp.objects.get()
    assert app.secret == ""
    assert CLIENT_SECRET not in IssuerSecret.objects.get().sealed
    page = desk.get(reverse("admin:socialaccount_socialapp_change", args=[app.pk])).content.decode()
    assert CLIENT_SECRET not in page
    assert sign_in(client, path="/accounts/oidc/desk/login/") == "/"
    IssuerSecret.objects.update(version=9)
    assert client.post("/accounts/oidc/desk/login/").status_code == 404
