"""Favourites, hidden models, the default: row 45."""

import re

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from providers import preferences
from providers.catalogue import default_model, read_catalogue, require_model
from providers.models import Endpoint, LanguageModel, ModelPreferences, Provider
from providers.picker import picker
from providers.preferences import Change, change_preference
from tests.data import DEMO, a_guest, a_model, a_person
from tests.providers.own import a_server_of

pytestmark = pytest.mark.django_db
PAGE = "/settings/models/"


@pytest.fixture
def alice() -> User:
    """With Demo and three real models, A to C."""
    a_model()
    for number, name in enumerate("abc"):
        a_model(f"openai:{name}", provider=Provider.OPENAI)
        LanguageModel.objects.filter(pk=f"openai:{name}").update(
            position=number, name=f"Model {name.upper()}"
        )
    return a_person()


def shown(person: User, *, standing_id: str = "") -> list[str]:
    catalogue = read_catalogue(person, standing_id=standing_id)
    return [model.id for model in catalogue.shown(standing_id=standing_id)]


def stored(person: User) -> tuple[str, list[str], list[str]]:
    row = ModelPreferences.objects.get(user=person)
    return row.default_id, row.favourite_ids, row.hidden_ids


def test_favourites_come_first_then_the_operators_order_then_demo(alice: User) -> None:
    assert shown(alice) == ["openai:a", "openai:b", "openai:c", DEMO]
    for model_id in (DEMO, "openai:c"):
        change_preference(alice, Change.FAVOURITE, model_id=model_id)
    assert shown(alice) == [DEMO, "openai:c", "openai:a", "openai:b"]
    assert default_model(alice).id == "openai:a"
    assert shown(a_person("bob")) == ["openai:a", "openai:b", "openai:c", DEMO]


def test_what_is_hidden_shows_only_in_a_conversation_that_uses_it(alice: User) -> None:
    change_preference(alice, Change.HIDE, model_id="openai:a")
    assert shown(alice) == ["openai:b", "openai:c", DEMO]
    assert shown(alice, standing_id="openai:a")[0] == "openai:a"
    assert default_model(alice).id == "openai:b"
    assert require_model(alice, "openai:a").id == "openai:a"


def test_what_is_hidden_and_lacks_a_key_is_left_out_as_well(alice: User) -> None:
    change_preference(alice, Change.HIDE, model_id="openai:a")
    Endpoint.objects.filter(routes__language_model="openai:a").update(available=False)
    catalogue = read_catalogue(alice)

    def listed(standing_id: str) -> set[str]:
        return {model.id for model in picker(catalogue, standing_id=standing_id, may_prefer=True).models}

    assert "openai:a" not in listed("openai:b")
    assert "openai:a" in listed("openai:a")


def test_the_default_is_the_persons_as_long_as_it_can_be_used(alice: User) -> None:
    change_preference(alice, Change.DEFAULT, model_id="openai:c")
    assert default_model(alice).id == "openai:c"
    LanguageModel.objects.filter(pk="openai:c").update(enabled=False)
    assert default_model(alice).id == "openai:a"
    LanguageModel.objects.filter(pk="openai:c").update(enabled=True)
    assert default_model(alice).id == "openai:c"


def test_the_later_of_two_choices_that_exclude_each_other_counts(alice: User) -> None:
    for change in (Change.FAVOURITE, Change.DEFAULT, Change.HIDE):
        change_preference(alice, change, model_id="openai:a")
    assert stored(alice) == ("", [], ["openai:a"])
    change_preference(alice, Change.FAVOURITE, model_id="openai:a")
    assert stored(alice) == ("", ["openai:a"], [])


@pytest.mark.parametrize("change", Change)
def test_a_change_made_twice_is_made_once(alice: User, change: Change) -> None:
    change_preference(alice, change, model_id="openai:a")
    once = stored(alice)
    change_preference(alice, change, model_id="openai:a")
    assert stored(alice) == once


@pytest.mark.parametrize("model_id", ["openai:none", "", "x" * 5000, "a\0b", "byok:lab:house-model"])
def test_ids_that_are_not_in_the_persons_catalogue_are_refused(alice: User, model_id: str) -> None:
    a_server_of(a_person("bob"))
    for change in (Change.FAVOURITE, Change.HIDE, Change.DEFAULT):
        with pytest.raises(UserFacingError) as caught:
            change_preference(alice, change, model_id=model_id)
        assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE
    assert not ModelPreferences.objects.exists()


def test_the_lists_have_a_stated_limit(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preferences, "FAVOURITES_MAX", 2)
    for name in "ab":
        change_preference(alice, Change.FAVOURITE, model_id=f"openai:{name}")
    with pytest.raises(UserFacingError, match="bad_request") as caught:
        change_preference(alice, Change.FAVOURITE, model_id="openai:c")
    assert "room for 2 favourites" in caught.value.sentence
    assert stored(alice)[1] == ["openai:a", "openai:b"]


def test_a_favourite_that_has_gone_is_told_and_can_be_taken_back(alice: User) -> None:
    change_preference(alice, Change.FAVOURITE, model_id="openai:a")
    LanguageModel.objects.filter(pk="openai:a").delete()
    [gone] = read_catalogue(alice).unavailable
    assert (gone.id, gone.name, gone.code) == ("openai:a", "a", ErrorCode.MODEL_UNAVAILABLE)
    change_preference(alice, Change.UNFAVOURITE, model_id="openai:a")
    assert read_catalogue(alice).unavailable == ()


# --- The page --------------------------------------------------------------------------------------
def words(client: Client, path: str = PAGE) -> str:
    response = client.get(path)
    assert response.status_code == 200
    main = response.content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_the_page_lists_everything_and_finds_by_name_creator_and_id(client: Client, alice: User) -> None:
    client.force_login(alice)
    change_preference(alice, Change.HIDE, model_id="openai:b")
    page = words(client)
    assert all(name in page for name in ("Model A", "Model B", "Model C", "OpenAI"))
    assert "begin with Model A, the first one here" in page
    found = words(client, f"{PAGE}?q=OPENAI+b")
    assert "Model B" in found
    assert "Model C" not in found
    assert "No model is called “<script>”" in client.get(f"{PAGE}?q=<script>").content.decode().replace(
        "&lt;", "<"
    ).replace("&gt;", ">")


def test_plain_forms_change_and_come_back_to_where_they_were(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post(f"{PAGE}?q=model", {"favourite": "openai:b"})
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?q=model")
    client.post(PAGE, {"default": "openai:c"})
    assert stored(alice) == ("openai:c", ["openai:b"], [])
    assert "begin with Model C" in words(client)


def test_the_picker_is_answered_without_a_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    as_json = {"Accept": "application/json"}
    assert client.post(PAGE, {"favourite": "openai:b"}, headers=as_json).status_code == 204
    for body, status in (({"favourite": "nobody:x"}, 409), ({}, 400), ({"default": ""}, 400)):
        refused = client.post(PAGE, body, headers=as_json)
        assert refused.status_code == status
        assert set(refused.json()) == {"code", "sentence", "next_step"}
    page = client.post(PAGE, {"favourite": "nobody:x"})
    assert page.status_code == 409
    assert "is not available here" in page.content.decode()


def test_the_page_is_closed_to_guests_and_strangers_and_forgeries(
    client: Client, alice: User, settings: Settings
) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")
    client.force_login(a_guest())
    assert client.get(PAGE).status_code == client.post(PAGE, {"favourite": DEMO}).status_code == 403
    forger = Client(enforce_csrf_checks=True)
    forger.force_login(alice)
    assert forger.post(PAGE, {"favourite": DEMO}).status_code == 403
    assert not ModelPreferences.objects.exists()


def test_a_server_without_any_model_has_a_page_too(client: Client) -> None:
    Endpoint.objects.all().delete()
    client.force_login(a_person())
    assert "There are no models yet." in words(client)
