"""What the operator sees and sets of what a model can do."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from providers.environment import sync_from_environment
from providers.facts import ASSUMPTIONS
from providers.models import LanguageModel, Price, PriceSource, Provider, Route
from providers.offers import listed_offers, take_offers
from tests.data import a_person
from tests.fakes import lists
from tests.fakes.lists import ListServer
from tests.providers.catalogue import an_endpoint, synced

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse battery"))
    return client


def the_page(model_id: str) -> str:
    return reverse("admin:providers_languagemodel_change", args=[model_id])


def the_form(**changed: object) -> dict[str, object]:
    """As the page sends it for a model of a compatible server that nobody touched."""
    form: dict[str, object] = {
        "name": "m",
        "enabled": "on",
        "position": "500",
        "input_kinds": ["text"],
        "tools": "unknown",
        "continuation": "ask",
        "routes-TOTAL_FORMS": "0",
        "routes-INITIAL_FORMS": "0",
    }
    return form | changed


# --- Filling ---------------------------------------------------------------------------------------
def test_what_litellms_map_knows_is_filled_in_at_creation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-x")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    sync_from_environment()
    model = LanguageModel.objects.get(pk="anthropic:claude-haiku-4-5")
    assert (model.name, model.context_window_tokens, model.tools) == ("Claude Haiku 4.5", 200_000, True)
    assert model.input_kinds == ["text", "image", "file"]
    assert model.efforts == ["low", "medium", "high"]
    assert model.continuation == "prefill"
    assert model.assumed == []
    price = Price.objects.get(route__language_model=model)
    assert (str(price.input), str(price.output), price.source) == ("1.000000", "5.000000", "catalogue")


def test_an_operators_edit_outlives_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-x")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    sync_from_environment()
    LanguageModel.objects.update(efforts=["high"], tools=False)
    Price.objects.update(input=7)
    Route.objects.update(enabled=False)
    sync_from_environment()
    assert not LanguageModel.objects.exclude(pk="demo:demo").exclude(efforts=["high"], tools=False).exists()
    assert not Price.objects.exclude(input=7).exists()
    assert not Route.objects.filter(enabled=True).exists()


def test_what_nobody_knows_is_assumed_and_works() -> None:
    an_endpoint(None, "m")
    model = LanguageModel.objects.get(pk="lab:m")
    assert set(model.assumed) == set(ASSUMPTIONS)
    assert (model.tools, model.input_kinds, model.efforts) == (None, ["text"], [])
    assert (model.context_window_tokens, model.continuation) == (None, "ask")
    assert not Price.objects.exists()


def test_a_second_offer_fills_nothing_again() -> None:
    endpoint = an_endpoint(None, "gpt-4o", provider=Provider.OPENAI)
    Price.objects.all().delete()
    offers = listed_offers(Provider.OPENAI, ["gpt-4o"], endpoint_name="lab")
    take_offers(endpoint, offers, from_environment=False)
    assert not Price.objects.exists()


# --- The page --------------------------------------------------------------------------------------
def test_capabilities_are_checkboxes_and_assumptions_are_marked(operator: Client) -> None:
    an_endpoint(None, "m")
    text = operator.get(the_page("lab:m")).content.decode()
    assert text.count('type="checkbox" name="efforts"') == 6
    assert text.count('type="checkbox" name="input_kinds"') == 5
    assert "Context window unknown; longest answer unknown" in text
    assert "Assumed. Can call tools. Unknown counts as yes." in text


def test_what_the_operator_changes_is_set_by_hand_and_no_assumption(operator: Client) -> None:
    an_endpoint(None, "m")
    page = the_page("lab:m")
    response = operator.post(
        page, the_form(efforts=["low", "high"], tools="false", input_kinds=["text", "image"])
    )
    assert response.status_code == 302
    model = LanguageModel.objects.get(pk="lab:m")
    assert (model.efforts, model.tools, model.input_kinds) == (["low", "high"], False, ["text", "image"])
    assert model.set_by_hand == ["efforts", "input_kinds", "tools"]
    assert not {"efforts", "tools", "input_kinds"} & set(model.assumed)
    assert "context_window_tokens" in model.assumed


def test_saving_without_a_change_claims_nothing(operator: Client) -> None:
    an_endpoint(None, "m")
    assert operator.post(the_page("lab:m"), the_form()).status_code == 302
    model = LanguageModel.objects.get(pk="lab:m")
    assert (model.set_by_hand, set(model.assumed)) == ([], set(ASSUMPTIONS))


def test_a_field_can_be_given_back_to_the_catalogue(operator: Client) -> None:
    with ListServer(lists.openai("m", max_model_len=8192)) as server:
        endpoint = an_endpoint(server, "m")
        page = the_page("lab:m")
        operator.post(page, the_form(context_window_tokens="5"))
        assert synced(endpoint).waiting == 0
        operator.post(page, the_form(context_window_tokens="5", set_by_hand=[]))
        assert synced(endpoint).waiting == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"efforts": ["huge"]},
        {"input_kinds": []},
        {"successor": "lab:m"},
        {"successor": "x:y"},
        {"tools": "%"},
    ],
)
def test_a_wrong_value_is_told_or_unknown(operator: Client, wrong: dict[str, object]) -> None:
    an_endpoint(None, "m")
    response = operator.post(the_page("lab:m"), the_form(**wrong))
    model = LanguageModel.objects.get(pk="lab:m")
    assert (model.efforts, model.input_kinds, model.successor, model.tools) == ([], ["text"], None, None)
    assert "errorlist" in response.content.decode() or "tools" in wrong


def test_a_successor_is_searched_for(operator: Client) -> None:
    an_endpoint(None, "m", "next")
    found = operator.get(
        reverse("admin:autocomplete"),
        {"term": "next", "app_label": "providers", "model_name": "languagemodel", "field_name": "successor"},
    )
    assert [each["id"] for each in found.json()["results"]] == ["lab:next"]
    operator.post(the_page("lab:m"), the_form(successor="lab:next"))
    assert LanguageModel.objects.get(pk="lab:m").successor_id == "lab:next"


def test_prices_and_announced_ends_are_in_the_list(operator: Client) -> None:
    an_endpoint(None, "o3-mini", "house", provider=Provider.OPENAI)
    text = operator.get(reverse("admin:providers_languagemodel_changelist")).content.decode()
    assert "$1.1 in, $4.4 out<br>⚠ ends 2026-10-23" in text
    assert "unknown" in text


def test_details_are_on_the_command_line() -> None:
    an_endpoint(None, "gpt-4o", "house", provider=Provider.OPENAI)
    route = Route.objects.get(provider_model="house")
    Price.objects.create(route=route, source=PriceSource.OPERATOR, input=Decimal(2))
    a_person()
    out = StringIO()
    call_command("models", "--details", stdout=out)
    text = out.getvalue()
    assert "128,000 tokens, reads text, images, files, tools" in text
    assert "$2.5 in, $10 out" in text
    assert "$2 in, unknown out (your own)" in text
    assert "assumed: context window unknown" in text
