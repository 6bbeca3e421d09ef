from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import PersonalAccessToken, User

pytestmark = pytest.mark.django_db


def test_a_token_opens_the_door_for_its_owner(alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    assert raw.startswith("bct_")
    assert len(raw) == 47
    assert tokens.authenticate(raw) == alice


def test_the_token_itself_is_kept_nowhere(alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    stored = PersonalAccessToken.objects.values().get()
    assert not any(raw in str(value) for value in stored.values())
    assert stored["last_four"] == raw[-4:]


def _expire(token: PersonalAccessToken) -> None:
    token.expires_at = timezone.now() - timedelta(seconds=1)
    token.save()


def _revoke(token: PersonalAccessToken) -> None:
    assert tokens.revoke(token.user, token_id=token.pk) == 1


def _suspend(token: PersonalAccessToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


@pytest.mark.parametrize("end", [_expire, _revoke, _suspend])
def test_an_ended_token_opens_nothing(alice: User, end: Callable[[PersonalAccessToken], None]) -> None:
    raw = tokens.issue(alice, name="script", expires_at=timezone.now() + timedelta(days=1))
    assert tokens.authenticate(raw) == alice
    token = PersonalAccessToken.objects.get()
    end(token)
    assert tokens.authenticate(raw) is None
    assert tokens.person_of(token.pk) is None


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "bct_",
        "bct_" + "x" * 43,
        "bct_" + "x" * 44,
        "bct_" + "é" * 43,
        "bct_" + "\x00" * 43,
        "bct_" + "x" * 43 + "\n",
        "bct_" + "x" * 1_000_000,
        "x" * 1_000_000,
        "\ud800",
        "' or 1=1 --",
    ],
)
def test_garbage_opens_nothing(alice: User, raw: str) -> None:
    tokens.issue(alice, name="script")
    assert tokens.authenticate(raw) is None


def test_nobody_revokes_the_token_of_another(alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    bob = User.objects.create_user("bob@example.org")
    assert tokens.revoke(bob, token_id=PersonalAccessToken.objects.get().pk) == 0
    assert tokens.authenticate(raw) == alice


def test_use_is_recorded_at_most_once_a_minute(alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    tokens.authenticate(raw)
    first = PersonalAccessToken.objects.get().last_used_at
    assert first
    tokens.authenticate(raw)
    assert PersonalAccessToken.objects.get().last_used_at == first
    long_ago = timezone.now() - timedelta(minutes=2)
    PersonalAccessToken.objects.update(last_used_at=long_ago)
    tokens.authenticate(raw)
    assert (PersonalAccessToken.objects.get().last_used_at or long_ago) > first


# --- manage.py token -----------------------------------------------------------------------------------
def test_the_command_prints_a_working_token(alice: User) -> None:
    out = StringIO()
    call_command("token", "Alice@Example.org", name="laptop", expires_days=7, stdout=out)
    assert tokens.authenticate(out.getvalue().strip()) == alice
    assert PersonalAccessToken.objects.get().name == "laptop"


@pytest.mark.parametrize(
    ("email", "options"),
    [
        ("nobody@example.org", {"name": "x"}),
        ("alice@example.org", {"name": "x" * 81}),
        ("alice@example.org", {"name": "x", "expires_days": 0}),
    ],
)
def test_the_command_refuses_in_one_sentence(alice: User, email: str, options: dict[str, str | int]) -> None:
    del alice
    with pytest.raises(CommandError) as refused:
        call_command("token", email, **options)
    assert refused.value.returncode == 1
    assert "\n" not in str(refused.value)
    assert not PersonalAccessToken.objects.exists()


# --- The account page ----------------------------------------------------------------------------------
def test_the_account_page_shows_a_new_token_once_and_never_its_hash(client: Client, alice: User) -> None:
    client.force_login(alice)
    made = client.post(reverse("accounts:tokens"), {"name": "script", "days": "30"})
    raw = made.context["new_token"]
    token = PersonalAccessToken.objects.get()
    assert raw in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert tokens.authenticate(raw) == alice
    later = client.get(reverse("accounts:tokens")).content.decode()
    assert raw not in later
    assert token.token_hash not in made.content.decode() + later
    assert f"…{raw[-4:]}" in later


def test_the_account_page_revokes(client: Client, alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    client.force_login(alice)
    client.post(reverse("accounts:revoke_token", args=[PersonalAccessToken.objects.get().pk]))
    assert tokens.authenticate(raw) is None


def test_the_account_page_is_for_people_who_are_signed_in(client: Client) -> None:
    assert client.get(reverse("accounts:home")).status_code == 302
    assert client.post(reverse("accounts:tokens"), {"name": "x", "days": "0"}).status_code == 302
    assert not PersonalAccessToken.objects.exists()


def test_a_name_can_be_changed(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post(reverse("accounts:rename"), {"display_name": "Alice L."})
    alice.refresh_from_db()
    assert alice.label == "Alice L."
