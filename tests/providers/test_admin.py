"""What the operator sees of providers: enough to run them, never a key."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from providers import keys
from providers.models import Credential, Endpoint, Provider, Purpose, Usage
from providers.routing import resolve
from tests.data import a_model, a_person
from tests.providers.own import a_server_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse battery"))
    return client


def test_only_the_name_of_a_key_is_shown(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_KEY", "sk-planted-secret")
    a_model()
    Endpoint.objects.update(key_env="PLANTED_KEY")
    endpoint = Endpoint.objects.get()
    pages = [
        reverse("admin:providers_endpoint_changelist"),
        reverse("admin:providers_endpoint_change", args=[endpoint.pk]),
        reverse("admin:providers_languagemodel_changelist"),
        reverse("admin:providers_languagemodel_change", args=["demo:demo"]),
    ]
    shown = "".join(operator.get(page).content.decode() for page in pages)
    assert "PLANTED_KEY" in shown
    assert "planted-secret" not in shown


def test_usage_can_not_be_edited_and_outlives_its_endpoint(operator: Client) -> None:
    a_model()
    usage = Usage.objects.create(
        user=a_person(),
        endpoint=Endpoint.objects.get(),
        language_model_id="demo:demo",
        provider_model="demo",
        purpose=Purpose.ANSWER,
        duration_ms=12,
    )
    assert operator.get(reverse("admin:providers_usage_changelist")).status_code == 200
    page = reverse("admin:providers_usage_change", args=[usage.pk])
    assert 'name="_save"' not in operator.get(page).content.decode()
    Endpoint.objects.all().delete()
    usage.refresh_from_db()
    assert (usage.language_model_id, usage.endpoint) == ("demo:demo", None)


def test_an_entered_key_is_kept_sealed_and_can_be_forgotten(operator: Client) -> None:
    a_model("openai:x", provider=Provider.OPENAI)
    endpoint = Endpoint.objects.get()
    page = reverse("admin:providers_endpoint_change", args=[endpoint.pk])
    form = {"name": "openai", "provider": "openai", "base_url": "", "key_env": "", "enabled": "on"}
    operator.post(page, form | {"new_key": "sk-entered-0123456789"})
    assert resolve("openai:x").key == "sk-entered-0123456789"
    assert "…6789, since" in operator.get(page).content.decode()
    operator.post(page, form)
    assert Credential.objects.get().last_four == "6789"
    operator.post(page, form | {"forget_key": "on"})
    assert not Credential.objects.exists()


def test_another_address_forgets_the_entered_key(operator: Client) -> None:
    a_model("openai:x", provider=Provider.OPENAI)
    endpoint = Endpoint.objects.get()
    keys.store_key(endpoint, "sk-entered-0123456789")
    page = reverse("admin:providers_endpoint_change", args=[endpoint.pk])
    form = {"name": "openai", "provider": "openai", "key_env": "", "enabled": "on"}
    response = operator.post(page, form | {"base_url": "https://other.example.org/v1"}, follow=True)
    assert "the key entered for the old one is deleted" in response.content.decode()
    assert not Credential.objects.exists()


def test_peoples_own_endpoints_are_not_the_operators(operator: Client) -> None:
    a_model()
    own = a_server_of(a_person(), "https://private.example.org/v1", slug="bunker")
    for page in (
        "endpoint_changelist",
        "endpoint_add",
        "languagemodel_add",
        "languagemodel_changelist",
        "usage_changelist",
    ):
        assert "bunker" not in operator.get(reverse(f"admin:providers_{page}")).content.decode()
    change = reverse("admin:providers_endpoint_change", args=[own.pk])
    assert operator.post(change, {"name": "mine", "base_url": "https://evil.example.org"}).status_code == 302
    own.refresh_from_db()
    assert (own.name, own.base_url) == ("bunker", "https://private.example.org/v1")


@pytest.mark.parametrize(
    "wrong", [{"name": "demo-demo"}, {"key_env": "MASTER_KEYS"}, {"new_key": "two words"}, {"base_url": "x"}]
)
def test_a_wrong_endpoint_is_told_in_place(operator: Client, wrong: dict[str, str]) -> None:
    a_model()
    form = {"name": "new", "provider": "openai", "base_url": "", "key_env": "", "enabled": "on"}
    response = operator.post(reverse("admin:providers_endpoint_add"), form | wrong)
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert Endpoint.objects.count() == 1
