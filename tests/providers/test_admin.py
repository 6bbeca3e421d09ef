"""What the operator sees of providers: enough to run them, never a key."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from providers import keys
from providers.models import (
    Credential,
    Endpoint,
    Price,
    PriceSource,
    Provider,
    Purpose,
    Route,
    Usage,
)
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


def prices_form(*rows: dict[str, str], total: int | None = None) -> dict[str, str]:
    """Both inlines as the page sends them: the operator's, and the catalogue's, of which nothing counts."""
    form = {"prices-TOTAL_FORMS": str(len(rows)), "prices-INITIAL_FORMS": str(total or 0)}
    form |= {"prices-2-TOTAL_FORMS": "0", "prices-2-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        form |= {f"prices-{number}-{name}": value for name, value in row.items()}
    return form


def a_priced_route() -> Route:
    a_model("openai:x", provider=Provider.OPENAI, provider_model="x-1")
    route = Route.objects.get()
    Price.objects.create(route=route, source=PriceSource.CATALOGUE, input=Decimal(2), output=Decimal(8))
    return route


def test_an_operators_price_is_entered_at_the_route_and_sets_the_catalogues_aside(operator: Client) -> None:
    route = a_priced_route()
    page = reverse("admin:providers_route_change", args=[route.pk])
    assert "2 in, 8 out (catalogue)" in operator.get(page).content.decode()
    model = reverse("admin:providers_languagemodel_change", args=["openai:x"])
    assert page in operator.get(model).content.decode()
    row = {"above_input_tokens": "0", "input": "1.5", "output": "0"}
    assert operator.post(page, prices_form(row)).status_code == 302
    entered = Price.objects.get(source=PriceSource.OPERATOR)
    assert (entered.input, entered.output, entered.cached_input) == (Decimal("1.5"), Decimal(0), None)
    assert "1.5 in, 0 out (operator)" in operator.get(page).content.decode()
    assert Price.objects.filter(source=PriceSource.CATALOGUE).count() == 1


def test_the_catalogues_prices_are_to_be_read_only(operator: Client) -> None:
    route = a_priced_route()
    theirs = Price.objects.get()
    page = reverse("admin:providers_route_change", args=[route.pk])
    form = prices_form() | {
        "prices-2-TOTAL_FORMS": "1", "prices-2-INITIAL_FORMS": "1",
        "prices-2-0-id": str(theirs.pk), "prices-2-0-route": str(route.pk), "prices-2-0-input": "99",
    }  # fmt: skip
    operator.post(page, form)
    theirs.refresh_from_db()
    assert theirs.input == 2
    taken = {"id": str(theirs.pk), "route": str(route.pk), "above_input_tokens": "0", "input": "99"}
    operator.post(page, prices_form(taken, total=1))
    theirs.refresh_from_db()
    assert (theirs.input, theirs.source) == (Decimal(2), "catalogue")


@pytest.mark.parametrize(
    "rows",
    [
        [{"above_input_tokens": "0", "input": "1"}, {"above_input_tokens": "0", "input": "2"}],
        [{"above_input_tokens": "0", "input": "-1"}],
        [{"above_input_tokens": "-1", "input": "1"}],
        [{"above_input_tokens": "0", "input": "1.1234567"}],
        [{"above_input_tokens": "0", "input": "NaN"}],
    ],
)
def test_a_price_that_can_not_hold_is_told_in_place(operator: Client, rows: list[dict[str, str]]) -> None:
    page = reverse("admin:providers_route_change", args=[a_priced_route().pk])
    response = operator.post(page, prices_form(*rows))
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert not Price.objects.filter(source=PriceSource.OPERATOR).exists()


def test_of_own_keys_the_operator_sees_what_was_used_and_not_on_what(operator: Client) -> None:
    own = a_server_of(a_person(), "https://private.example.org/v1", slug="bunker")
    usage = Usage.objects.create(
        user=own.owner,
        endpoint=own,
        language_model_id="byok:custom:house-secret",
        provider_model="house-secret",
        purpose=Purpose.ANSWER,
        own_key=True,
        estimated=True,
        cost_microusd=1_234,
        duration_ms=12,
    )
    pages = [
        reverse("admin:providers_usage_changelist"),
        reverse("admin:providers_usage_changelist") + "?own_key__exact=1&cost=known&estimated__exact=1",
        reverse("admin:providers_usage_change", args=[usage.pk]),
    ]
    for page in pages:
        shown = operator.get(page).content.decode()
        assert "$0.001234" in shown
        assert "a person&#x27;s own" in shown
        assert "house-secret" not in shown
        assert "bunker" not in shown
    assert "$0.001234" not in operator.get(pages[0] + "?cost=unknown").content.decode()
