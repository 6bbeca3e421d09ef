"""Who may pick what, and which endpoint then serves it."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.secrets import MasterKeys, new_master_key
from providers import keys
from providers.catalogue import (
    UnavailableModel,
    default_model,
    fitted_effort,
    pickable_models,
    read_catalogue,
    require_model,
)
from providers.catalogue_rows import ModelPrice
from providers.gateway import resolve
from providers.models import (
    Effort,
    Endpoint,
    InputKind,
    LanguageModel,
    ModelPreferences,
    OwnModel,
    Price,
    PriceSource,
    Provider,
    Route,
)
from providers.picker import picker, price_words, window_words
from tests.data import a_guest, a_model, a_person
from tests.providers.own import KEY, a_provider_of, a_server_of

pytestmark = pytest.mark.django_db
OPENAI = "openai:gpt-4.1-mini"
LAB = "byok:lab:house-model"


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


@pytest.mark.parametrize(
    ("switch", "code"),
    [("enabled", ErrorCode.MODEL_UNAVAILABLE), ("available", ErrorCode.PROVIDER_KEY_MISSING)],
)
def test_what_no_endpoint_serves_can_not_be_picked(switch: str, code: ErrorCode) -> None:
    served()
    Endpoint.objects.update(**{switch: False})
    alice = a_person()
    assert pickable_models(alice) == []
    assert refused(alice, OPENAI) is code
    with pytest.raises(UserFacingError) as caught:
        resolve(OPENAI)
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_disabled_model_is_neither_picked_nor_resolved() -> None:
    served()
    LanguageModel.objects.update(enabled=False)
    assert refused(a_person(), OPENAI) is ErrorCode.MODEL_UNAVAILABLE
    with pytest.raises(UserFacingError):
        resolve(OPENAI)


def test_the_number_of_queries_does_not_grow_with_the_models(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    alice = a_person()
    a_server_of(alice)
    for number in range(20):
        model = served(f"openai:model-{number}")
        Price.objects.create(route=model.routes.get(), input=Decimal(number))
    ModelPreferences.objects.create(user=alice, favourite_ids=["gone:1", "gone:2"])
    with django_assert_num_queries(5):  # routes, prices, own ones, preferences, what has gone
        catalogue = read_catalogue(alice, standing_id="gone:3")
    assert (len(catalogue.models), len(catalogue.unavailable)) == (21, 3)


# --- What is told of each --------------------------------------------------------------------------
def test_the_operators_price_wins_over_the_catalogues() -> None:
    route = served().routes.get()
    alice = a_person()
    assert require_model(alice, OPENAI).price is None
    Price.objects.create(
        route=route, source=PriceSource.CATALOGUE, input=Decimal("0.4"), output=Decimal("1.6")
    )
    Price.objects.create(
        route=route, source=PriceSource.CATALOGUE, above_input_tokens=200_000, input=Decimal(9)
    )
    assert price_words(require_model(alice, OPENAI).price) == "$0.40 in, $1.60 out"
    Price.objects.create(
        route=route, source=PriceSource.OPERATOR, above_input_tokens=200_000, input=Decimal(3)
    )
    assert require_model(alice, OPENAI).price is None, "the operator said nothing of small calls"
    Price.objects.create(route=route, source=PriceSource.OPERATOR, input=Decimal("0.075"))
    assert price_words(require_model(alice, OPENAI).price) == "$0.075 in"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (("15", "75"), "$15 in, $75 out"),
        (("0", "0"), "Free"),
        ((None, "2.50"), "$2.50 out"),
        (("0", None), "$0 in"),
    ],
)
def test_prices_in_words(told: tuple[str | None, str | None], expected: str) -> None:
    price = ModelPrice(*(None if amount is None else Decimal(amount) for amount in told))
    assert price_words(price) == expected


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (None, ""),
        (1_047_576, "1M"),
        (1_048_576, "1M"),
        (2_000_000, "2M"),
        (200_000, "200k"),
        (8_192, "8k"),
        (512, "512"),
    ],
)
def test_windows_in_words(tokens: int | None, expected: str) -> None:
    assert window_words(tokens) == expected


def test_capabilities_are_told_in_the_order_of_their_enum() -> None:
    served()
    LanguageModel.objects.update(
        input_kinds=["audio", "text", "image"], efforts=["high", "off", "low"], tools=True, reasoning=True
    )
    model = require_model(a_person(), OPENAI)
    assert model.input_kinds == (InputKind.TEXT, InputKind.IMAGE, InputKind.AUDIO)
    assert model.efforts == (Effort.OFF, Effort.LOW, Effort.HIGH)
    [line] = picker(read_catalogue(a_person("bob")), standing_id="", may_prefer=True).models
    assert line.badges == ("images", "audio", "tools", "reasoning")


def test_own_models_are_grouped_apart_and_know_what_the_library_knows() -> None:
    alice = a_person()
    a_provider_of(alice)
    own = {model.id: model for model in pickable_models(alice)}
    model = own["byok:openai:gpt-4.1-mini"]
    assert (model.group, model.own_key, model.tools) == ("OpenAI · your own", True, True)
    assert InputKind.IMAGE in model.input_kinds
    assert price_words(model.price).startswith("$")
    assert model.efforts == ()


def test_own_models_that_think_are_offered_what_every_wire_has_words_for() -> None:
    alice = a_person()
    a_server_of(alice)
    OwnModel.objects.update(reasoning=True)
    assert require_model(alice, LAB).efforts == (Effort.LOW, Effort.MEDIUM, Effort.HIGH)


# --- Why not ---------------------------------------------------------------------------------------
def why_not(person: User, model_id: str) -> UnavailableModel:
    found = read_catalogue(person, standing_id=model_id).find_unavailable(model_id)
    assert found is not None
    return found


def test_guests_see_what_an_account_would_bring_and_why_they_can_not_have_it() -> None:
    a_model()
    served()
    catalogue = read_catalogue(a_guest())
    assert [model.code for model in catalogue.unavailable] == [ErrorCode.MODEL_NOT_FOR_GUESTS]
    line = picker(catalogue, standing_id="", may_prefer=False).models[-1]
    assert (line.reason, line.help) == ("Only for people with an account.", "account")


def test_a_model_without_a_key_is_listed_with_the_way_to_one() -> None:
    served()
    Endpoint.objects.update(available=False)
    line = picker(read_catalogue(a_person()), standing_id="", may_prefer=True).models[0]
    assert (line.reason, line.help) == ("No key for OpenAI is set on this server.", "keys")


def test_own_models_without_a_key_say_so(settings: Settings) -> None:
    alice = a_person()
    a_provider_of(alice)
    own = "byok:openai:gpt-4.1-mini"
    keys.delete_key(alice, "openai")
    assert why_not(alice, own).code is ErrorCode.OWN_KEY_MISSING
    assert refused(alice, own) is ErrorCode.OWN_KEY_MISSING
    keys.replace_key(alice, "openai", key=KEY, force=True)
    settings.MASTER_KEYS = MasterKeys(new_master_key())
    assert why_not(alice, own).code is ErrorCode.KEY_UNREADABLE
    line = picker(read_catalogue(alice), standing_id="", may_prefer=True).models[0]
    assert (line.reason, line.help) == ("The stored key for OpenAI can't be opened.", "keys")


def test_the_next_route_counts_where_the_first_ones_key_can_not_be_opened(settings: Settings) -> None:
    model = served()
    keys.store_key(Endpoint.objects.get(), KEY)
    settings.MASTER_KEYS = MasterKeys(new_master_key())
    alice = a_person()
    assert why_not(alice, OPENAI).code is ErrorCode.KEY_UNREADABLE
    second = Endpoint.objects.create(name="second", provider=Provider.OPENROUTER)
    Route.objects.create(language_model=model, endpoint=second, provider_model="openai/x", priority=900)
    assert require_model(alice, OPENAI).provider == "OpenRouter"


def test_what_was_switched_off_is_told_only_where_it_is_in_use() -> None:
    served()
    served("openai:new")
    LanguageModel.objects.filter(pk=OPENAI).update(enabled=False, name="Old")
    alice = a_person()
    assert read_catalogue(alice).unavailable == ()
    assert why_not(alice, OPENAI).name == "Old"
    assert why_not(alice, "openai:never-there").name == "never-there"
    with pytest.raises(UserFacingError) as caught:
        require_model(alice, OPENAI)
    assert caught.value.sentence == "The model Old is not available here."


def test_the_successor_is_proposed_also_over_one_that_is_gone_itself() -> None:
    for model_id in ("openai:first", "openai:old", "openai:older", "openai:new"):
        served(model_id)
    LanguageModel.objects.filter(pk="openai:first").update(position=0)
    LanguageModel.objects.filter(pk="openai:older").update(successor="openai:old", enabled=False)
    LanguageModel.objects.filter(pk="openai:old").update(successor="openai:new", enabled=False)
    alice = a_person()

    def proposed() -> str:
        found = read_catalogue(alice, standing_id="openai:older").replacement_for("openai:older")
        return found.id if found else ""

    assert proposed() == "openai:new"
    LanguageModel.objects.filter(pk="openai:old").update(successor="openai:older")  # in a circle
    assert proposed() == "openai:first"
    LanguageModel.objects.update(enabled=False)
    assert proposed() == ""


# --- Efforts ---------------------------------------------------------------------------------------
OFF, MINIMAL, LOW, MEDIUM, HIGH, MAX = Effort


@pytest.mark.parametrize(
    ("wish", "offered", "expected"),
    [
        ("", Effort, MEDIUM),
        ("", (LOW, HIGH), LOW),
        ("", (), None),
        ("max", (), None),
        ("max", (LOW, MEDIUM, HIGH), HIGH),
        ("off", (LOW, MEDIUM, HIGH), LOW),
        ("minimal", (OFF, LOW), OFF),
        ("high", Effort, HIGH),
    ],
)
def test_an_effort_falls_back_to_the_nearest_that_is_offered(
    wish: str, offered: Iterable[Effort], expected: Effort | None
) -> None:
    assert fitted_effort(wish, offered=offered) is expected


# --- Which endpoint serves it ----------------------------------------------------------------------
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
