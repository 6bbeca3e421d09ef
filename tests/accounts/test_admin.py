import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.crypto import get_random_string

from accounts import tokens
from accounts.models import PersonalAccessToken, User
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

PEOPLE = "admin:accounts_user_changelist"
TOKENS = "admin:accounts_personalaccesstoken_changelist"


@pytest.fixture
def operator(client: Client) -> User:
    """Signed in to `client`."""
    user = User.objects.create_superuser("olivia@example.org", PASSWORD)
    client.force_login(user)
    return user


@pytest.fixture
def assistant() -> User:
    """Staff that may change people and nothing else."""
    user = User.objects.create_user("sam@example.org", PASSWORD)
    user.is_staff = True
    user.save()
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", "change_user", "add_user"])
    )
    return user


def _change(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def test_strangers_are_sent_to_the_one_sign_in(client: Client) -> None:
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login") + "?next=")


def test_people_without_rights_are_kept_out(client: Client, alice: User) -> None:
    client.force_login(alice)
    for name in ("admin:index", PEOPLE, TOKENS):
        assert client.get(reverse(name), follow=True).status_code == 403


def test_guests_are_offered_the_sign_in(client: Client) -> None:
    client.post(reverse("accounts:guest"))
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


@pytest.mark.usefixtures("operator")
def test_the_pages_work_and_show_no_hash(client: Client, alice: User) -> None:
    tokens.issue(alice, name="script")
    token = PersonalAccessToken.objects.get()
    pages = [
        reverse("admin:index"),
        reverse(PEOPLE) + "?q=alice&is_guest__exact=0",
        reverse("admin:accounts_user_add"),
        _change(alice),
        reverse("admin:auth_user_password_change", args=[alice.pk]),
        reverse(TOKENS) + "?q=alice",
        reverse("admin:accounts_personalaccesstoken_change", args=[token.pk]),
    ]
    for url in pages:
        answer = client.get(url)
        assert answer.status_code == 200, url
        page = answer.content.decode()
        assert token.token_hash not in page, url
        assert alice.password not in page, url
        assert alice.password.split("$")[-1][:6] not in page, url


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("password", ["", PASSWORD])
def test_an_operator_adds_a_person_by_address(client: Client, password: str) -> None:
    data = {"email": "Bob@Example.org", "display_name": "Bob", "password": password}
    client.post(reverse("admin:accounts_user_add"), data)
    bob = User.objects.get(email="bob@example.org")
    assert bob.has_usable_password() == bool(password)
    assert EmailAddress.objects.get(user=bob, email="bob@example.org").verified


@pytest.mark.usefixtures("operator")
def test_an_address_belongs_to_one_account(client: Client, alice: User) -> None:
    del alice
    data = {"email": "ALICE@example.org", "display_name": "", "password": ""}
    assert client.post(reverse("admin:accounts_user_add"), data).status_code == 200
    assert User.objects.count() == 2


def test_suspending_ends_sessions_and_spares_oneself(client: Client, operator: User, alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    data = {"action": "suspend", "_selected_action": [alice.pk, operator.pk]}
    client.post(reverse(PEOPLE), data)
    assert browser.get(reverse("accounts:home")).status_code == 302
    operator.refresh_from_db()
    assert operator.is_active
    client.post(reverse(PEOPLE), {**data, "action": "reactivate"})
    alice.refresh_from_db()
    assert alice.is_active


@pytest.mark.usefixtures("operator")
def test_an_operator_revokes_a_token_but_makes_none(client: Client, alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    data = {"action": "revoke", "_selected_action": [PersonalAccessToken.objects.get().pk]}
    client.post(reverse(TOKENS), data)
    assert tokens.authenticate(raw) is None
    assert client.get(reverse("admin:accounts_personalaccesstoken_add")).status_code == 403


def test_an_assistant_can_not_climb(client: Client, operator: User, assistant: User, alice: User) -> None:
    client.force_login(assistant)
    for target in (operator, assistant):
        password = {"password1": get_random_string(20), "password2": "", "usable_password": "true"}
        password["password2"] = password["password1"]
        url = reverse("admin:auth_user_password_change", args=[target.pk])
        assert client.post(url, password).status_code == 403
        assert client.post(_change(target), {"is_superuser": "on"}).status_code == 403
    data = {"display_name": "Al", "is_active": "on", "is_superuser": "on", "email": "boss@example.org"}
    client.post(_change(alice), data)
    alice.refresh_from_db()
    assert (alice.display_name, alice.email, alice.is_superuser) == ("Al", "alice@example.org", False)
    client.post(reverse(PEOPLE), {"action": "suspend", "_selected_action": [operator.pk]})
    operator.refresh_from_db()
    assert operator.is_active


def test_a_password_of_the_admin_form_does_not_exist(client: Client) -> None:
    User.objects.create_superuser("olivia@example.org", PASSWORD)
    client.post(reverse("admin:login"), {"username": "olivia@example.org", "password": PASSWORD})
    assert "_auth_user_id" not in client.session
