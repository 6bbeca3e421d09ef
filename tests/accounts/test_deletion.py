"""Going, and taking everything along. Walks all models, so that a new table can't be forgotten."""

import asyncio
import io
import json
import zipfile
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import ForeignKey, ManyToManyField
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import deletion, tokens
from accounts.models import FactorSecret, Invitation, User
from betterchat.core.db import in_thread
from chat.models import Conversation, Message, Turn
from chat.turns.runner import run_turn
from providers.models import CatalogueChange, Credential, Endpoint, ModelPreferences, OwnModel, Usage
from tests.accounts.conftest import PASSWORD, who_is
from tests.chat.running import a_worker, entries_of
from tests.data import a_conversation, the_turn

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "kanarienvogel"
SECRET = "sk-kanarienvogel-0123456789"

# Every way from a table to a person, and what deletion makes of it.
WAYS = {
    "account.EmailAddress.user": "deleted",
    "accounts.FactorSecret.user": "deleted",
    "accounts.Invitation.created_by": "anonymised",
    "accounts.Invitation.used_by": "anonymised",
    "accounts.PersonalAccessToken.user": "deleted",
    "accounts.User.continued_by": "deleted",
    "accounts.User.groups": "deleted",
    "accounts.User.user_permissions": "deleted",
    "admin.LogEntry.user": "deleted",
    "chat.Conversation.owner": "deleted",
    "chat.Message.author": "deleted",
    "mfa.Authenticator.user": "deleted",
    "providers.CatalogueChange.decided_by": "anonymised",
    "providers.Endpoint.owner": "deleted",
    "providers.ModelPreferences.user": "deleted",
    "providers.Usage.user": "anonymised",
    "socialaccount.SocialAccount.user": "deleted",
    "usersessions.UserSession.user": "deleted",
}


def test_every_way_to_a_person_is_known() -> None:
    """A new table with a path to people fails here until it says what becomes of it."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if (isinstance(field, ForeignKey) and field.related_model is User)
        or (isinstance(field, ManyToManyField) and model is User)
    }
    assert found == set(WAYS)


def a_full_life(user: User) -> Conversation:
    """Something in every table that leads to a person."""
    User.objects.filter(pk=user.pk).update(display_name=CANARY, email=f"{CANARY}@example.org")
    EmailAddress.objects.filter(user=user).update(email=f"{CANARY}@example.org")
    user.refresh_from_db()
    user.groups.add(Group.objects.get_or_create(name="some")[0])
    user.user_permissions.add(Permission.objects.all()[0])
    secret = FactorSecret(user=user)
    secret.put(SECRET)
    secret.save()
    Authenticator.objects.create(user=user, type="totp", data={"secret": str(secret.pk)})
    SocialAccount.objects.create(user=user, provider="sso", uid=CANARY, extra_data={"name": CANARY})
    UserSession.objects.create(user=user, ip="10.0.0.1", session_key=CANARY, user_agent=CANARY)
    tokens.issue(user, name=CANARY)
    Invitation.objects.create(token_hash="1", created_by=user)
    Invitation.objects.create(token_hash="2", used_by=user)
    people = ContentType.objects.get_for_model(User)
    desk = User.objects.create_superuser("desk@example.org")
    for by, about in ((user, desk), (desk, user)):
        LogEntry.objects.create(
            user=by, content_type=people, object_id=str(about.pk), object_repr=CANARY, action_flag=ADDITION
        )
    address = f"https://{CANARY}.example.org/v1"
    endpoint = Endpoint.objects.create(owner=user, name="own", provider="openai_compatible", base_url=address)
    key = Credential(endpoint=endpoint, origin=endpoint.origin)
    key.put(SECRET)
    key.save()
    own = f"byok:{CANARY}:m"
    OwnModel.objects.create(endpoint=endpoint, model_id=own, provider_model=CANARY, name=CANARY)
    ModelPreferences.objects.create(user=user, default_id=own)
    house = Endpoint.objects.create(name="house", provider="ollama")
    CatalogueChange.objects.create(endpoint=house, kind="added", language_model_id="a:b", decided_by=user)
    Usage.objects.create(
        user=user, language_model_id="demo:demo", provider_model="x", purpose="answer", duration_ms=1
    )
    guest = User.objects.create_guest()
    User.objects.filter(pk=guest.pk).update(continued_by=user)
    a_conversation(owner=guest, text=f"{CANARY} as a guest")
    return a_conversation(owner=user, text=f"{CANARY} in the cellar")


def rows_with(text: str) -> dict[str, int]:
    """How many rows of each table of the database say it, in any column."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*) FROM {quoted} t WHERE t::text ILIKE %s", [f"%{text}%"])
            if count := cursor.fetchone()[0]:
                found[table] = count
    return found


def test_after_deletion_no_row_tells_of_the_person(alice: User) -> None:
    a_full_life(alice)
    before = rows_with(CANARY)
    assert {"accounts_user", "chat_message", "providers_endpoint", "django_admin_log"} <= set(before)
    for way in WAYS:
        label, _, field = way.rpartition(".")
        model: Any = apps.get_model(label)
        assert model.objects.filter(**{f"{field}__isnull": False}).exists(), f"{way} is not tried here"
    deletion.delete_person(alice)
    assert rows_with(CANARY) == {}
    assert not User.objects.filter(is_guest=True).exists()
    assert (Turn.objects.count(), Message.objects.count(), Credential.objects.count()) == (0, 0, 0)
    assert Usage.objects.get().user is None, "what it cost stays, and is nobody's"


def test_others_keep_everything(alice: User, bob: User) -> None:
    kept = a_conversation(owner=bob)
    a_full_life(alice)
    deletion.delete_person(alice)
    assert Conversation.objects.get() == kept
    assert kept.messages.filter(author=bob).exists()


async def test_an_answer_that_runs_ends_and_leaves_nothing(settings: Settings, alice: User) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 50
    conversation = await in_thread(a_conversation)(owner=alice, text=f"long 5000 {CANARY}")
    turn = await in_thread(the_turn)(conversation)
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        async with asyncio.timeout(20):
            while not await entries_of(turn.pk):
                await asyncio.sleep(0.05)
            await in_thread(deletion.delete_person)(alice)
            await asyncio.wait([running])
        assert running.done()
        running.exception()  # how the runner puts it is the runner's; what is left is asked here
    assert await in_thread(rows_with)(CANARY) == {}
    assert not await in_thread(Usage.objects.exclude(user=None).exists)()


def test_the_only_operator_stays(alice: User) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    with pytest.raises(deletion.LastOperatorError):
        deletion.delete_person(alice)
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_person_deletes_the_account_with_its_address(alice: User) -> None:
    browser = Client()
    browser.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    page = browser.get(reverse("accounts:delete"))
    if page.status_code == 302:
        browser.post(page.headers["Location"], {"password": PASSWORD})
    for wrong in ("", "bob@example.org", "x" * 5000):
        assert browser.post(reverse("accounts:delete"), {"email": wrong}).status_code == 400
    browser.post(reverse("accounts:delete"), {"email": "Alice@example.org"})
    assert not User.objects.filter(pk=alice.pk).exists()
    assert who_is(browser) is None


def test_a_session_that_is_not_fresh_shows_again_who_it_is(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    browser.post(reverse("accounts:delete"), {"email": alice.email})
    assert User.objects.filter(pk=alice.pk).exists()


def test_operators_delete_people_the_same_way(alice: User) -> None:
    a_full_life(alice)
    desk = Client()
    desk.force_login(User.objects.get(email="desk@example.org"))
    desk.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"})
    assert not User.objects.filter(pk=alice.pk).exists()
    assert rows_with("in the cellar") | rows_with("as a guest") == {}


# --- Taking it along ---------------------------------------------------------------------------------------
def downloaded(browser: Client) -> dict[str, str]:
    answer = browser.post(reverse("accounts:download"))
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as files:
        assert files.testzip() is None
        return {name: files.read(name).decode() for name in files.namelist()}


def test_the_archive_has_everything_and_no_secret(alice: User) -> None:
    conversation = a_full_life(alice)
    browser = Client()
    browser.force_login(alice)
    files = downloaded(browser)
    (tree,) = [name for name in files if str(conversation.pk) in name and name.endswith(".json")]
    told = json.loads(files[tree])
    assert {message["id"] for message in told["messages"]} == {
        str(pk) for pk in conversation.messages.values_list("pk", flat=True)
    }
    assert f"{CANARY} in the cellar" in files[tree.replace(".json", ".md")]
    assert any(name.startswith("guest-") and "as a guest" in text for name, text in files.items())
    assert json.loads(files["account.json"])["email"] == f"{CANARY}@example.org"
    assert json.loads(files["providers.json"])[0]["key_ends_in"] == SECRET[-4:]
    everything = "".join(files.values())
    for hidden in (SECRET, alice.password, "session_key", "token_hash", "sealed"):
        assert hidden not in everything


def test_the_archive_has_nobody_elses(alice: User, bob: User) -> None:
    a_conversation(owner=bob, text=f"{CANARY} of Bob")
    browser = Client()
    browser.force_login(alice)
    assert CANARY not in "".join(downloaded(browser).values())


def test_archives_are_limited_and_guests_have_none(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    answers = [browser.post(reverse("accounts:download")).status_code for _ in range(8)]
    assert answers == [200] * 6 + [429] * 2
    guest = Client()
    guest.force_login(User.objects.create_guest())
    assert guest.post(reverse("accounts:download")).status_code == 403
    assert guest.get(reverse("accounts:delete")).status_code == 403
