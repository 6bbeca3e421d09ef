"""Who may pick what, and which endpoint then serves it."""

import pytest
from pytest_django import DjangoAssertNumQueries

from betterchat.core.errors import ErrorCode, UserFacingError
from providers.catalogue import default_model, pickable_models, require_model
from providers.gateway import resolve
from providers.models import Endpoint, LanguageModel, Provider, Route
from tests.data import a_guest, a_model, a_person

pytestmark = pytest.mark.django_db
OPENAI = "openai:gpt-4.1-mini"


def served(model_id: str = OPENAI, **endpoint: str | bool) -> LanguageModel:
    model = a_model(model_id, provider=Provider.OPENAI, provider_model="gpt-4.1-mini")
    Endpoint.objects.filter(routes__language_model=model).update(**endpoint)
    return model


def refused(person: object, model_id: str) -> ErrorCode:
    with pytest.raises(UserFacingError) as caught:
        require_model(person, model_id)  # type: ignore[arg-type]
    return caught.value.code


def test_guests_see_only_demo() -> None:
    a_model()
    served()
    assert [model.id for model in pickable_models(a_guest())] == ["demo:demo"]
    assert default_model(a_guest()).id == "demo:demo"
    assert refused(a_guest(), OPENAI) is ErrorCode.MODEL_NOT_FOR_GUESTS


def test_guests_see_what_the_operator_opened() -> None:
    a_model()
    served()
    LanguageModel.objects.filter(pk=OPENAI).update(open_to_guests=True, position=1)
    assert default_model(a_guest()).id == OPENAI
    assert require_model(a_guest(), OPENAI).name == OPENAI


def test_the_default_is_the_first_real_model_by_position() -> None:
    alice = a_person()
    a_model()
    assert default_model(alice).id == "demo:demo"
    served()
    served("openai:other")
    LanguageModel.objects.filter(pk="demo:demo").update(position=0)
    LanguageModel.objects.filter(pk="openai:other").update(position=1)
    assert default_model(alice).id == "openai:other"


@pytest.mark.parametrize("switch", ["enabled", "available"])
def test_what_no_endpoint_serves_can_not_be_picked(switch: str) -> None:
    served()
    Endpoint.objects.update(**{switch: False})
    alice = a_person()
    assert pickable_models(alice) == []
    assert refused(alice, OPENAI) is ErrorCode.MODEL_UNAVAILABLE
    with pytest.raises(UserFacingError) as caught:
        resolve(OPENAI)
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_disabled_model_is_neither_picked_nor_resolved() -> None:
    served()
    LanguageModel.objects.update(enabled=False)
    assert refused(a_person(), OPENAI) is ErrorCode.MODEL_UNAVAILABLE
    with pytest.raises(UserFacingError):
        resolve(OPENAI)


def test_picking_takes_two_queries_however_many_models_there_are(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(20):
        served(f"openai:model-{number}")
    alice = a_person()
    with django_assert_num_queries(2):
        assert len(pickable_models(alice)) == 20


def test_the_key_is_read_from_the_environment_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    served(key_env="SOME_KEY")
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(UserFacingError) as caught:
        resolve(OPENAI)
    assert caught.value.code is ErrorCode.PROVIDER_KEY_MISSING
    assert "OpenAI" in caught.value.sentence
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    route = resolve(OPENAI)
    assert route.key == "sk-secret"
    assert "sk-secret" not in repr(route)
    assert route.base_url == "https://api.openai.com/v1"


def test_the_next_route_is_taken_where_the_first_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    model = served(key_env="SOME_KEY")
    second = Endpoint.objects.create(name="second", provider=Provider.OPENROUTER)
    Route.objects.create(language_model=model, endpoint=second, provider_model="openai/x", priority=900)
    monkeypatch.delenv("SOME_KEY", raising=False)
    assert resolve(OPENAI).provider_model == "openai/x"
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    assert resolve(OPENAI).provider_model == "gpt-4.1-mini"
