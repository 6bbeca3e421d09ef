"""What the operator sees of providers: enough to run them, never a key."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from providers.models import Endpoint, Purpose, Usage
from tests.data import a_model, a_person

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
