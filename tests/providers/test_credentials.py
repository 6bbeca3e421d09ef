"""Own keys: whose they are, where they are sent, and what the use cases refuse."""

import logging
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.secrets import MasterKeys, new_master_key
from providers import keys
from providers.catalogue import default_model, pickable_models, require_model
from providers.keys import NotSavedError
from providers.models import AllowedHost, Credential, Endpoint, OwnModel, Provider
from providers.models.endpoint import OWN_URLS
from providers.routing import ResolvedRoute, resolve
from tests.data import a_guest, a_model, a_person
from tests.fakes.keyed import KeyedProvider
from tests.providers.own import KEY, OTHER_KEY, a_provider_of, a_server_of

pytestmark = pytest.mark.django_db
OWN = "byok:openai:gpt-4o-mini"
LAB = "byok:lab:house-model"


@pytest.fixture
def alice() -> User:
    return a_person("alice")


@pytest.fixture
def charlie() -> User:
    return a_person("charlie")


@pytest.fixture
def keyed(settings: Settings) -> Iterator[KeyedProvider]:
    """A provider on this machine, which the operator opened."""
    with KeyedProvider(KEY, OTHER_KEY) as provider:
        settings.OUTBOUND_ALLOWED_HOSTS = [provider.host]
        yield provider


def refused(model_id: str, user: User | None) -> ErrorCode:
    with pytest.raises(UserFacingError) as caught:
        resolve(model_id, user_id=user.pk if user else None)
    return caught.value.code


def key_for(model_id: str, user: User) -> str:
    return resolve(model_id, user_id=user.pk).key


# --- Whose -----------------------------------------------------------------------------------------
def test_an_own_model_is_called_with_its_owners_key(alice: User, charlie: User) -> None:
    a_provider_of(alice)
    a_provider_of(charlie, key=OTHER_KEY)
    assert key_for(OWN, alice) == KEY
    assert key_for(OWN, charlie) == OTHER_KEY
    route: ResolvedRoute = resolve(OWN, user_id=alice.pk)
    assert (route.model_id, route.provider_model) == (OWN, "gpt-4o-mini")
    assert (route.base_url, route.allow_private) == ("https://api.openai.com/v1", False)
    assert KEY not in repr(route)


def test_a_stranger_and_nobody_get_no_route(alice: User, charlie: User) -> None:
    a_provider_of(alice)
    assert refused(OWN, charlie) is ErrorCode.MODEL_UNAVAILABLE
    assert refused(OWN, None) is ErrorCode.MODEL_UNAVAILABLE


def test_platform_and_own_never_serve_each_other(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-platform")
    a_model("openai:gpt-4o-mini", provider=Provider.OPENAI, provider_model="gpt-4o-mini")
    Endpoint.objects.update(key_env="SOME_KEY", allow_private=False)
    a_provider_of(alice)
    assert key_for("openai:gpt-4o-mini", alice) == "sk-platform"
    assert key_for(OWN, alice) == KEY
    Endpoint.objects.platform().update(enabled=False)
    assert refused("openai:gpt-4o-mini", alice) is ErrorCode.MODEL_UNAVAILABLE
    assert key_for(OWN, alice) == KEY
    keys.delete_endpoint(alice, "openai")
    Endpoint.objects.platform().update(enabled=True)
    assert refused(OWN, alice) is ErrorCode.MODEL_UNAVAILABLE


def test_own_models_are_picked_by_their_owner_only(alice: User, charlie: User) -> None:
    a_model()
    a_server_of(alice)
    own = [model for model in pickable_models(alice) if model.own_key]
    assert [(model.id, model.group) for model in own] == [(LAB, "Lab · your own")]
    assert require_model(alice, LAB).own_key
    assert default_model(alice).id == LAB
    for other in (charlie, a_guest(), User()):
        assert [model.id for model in pickable_models(other)] == ["demo:demo"]
    with pytest.raises(UserFacingError) as caught:
        require_model(charlie, LAB)
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_the_platforms_model_stays_the_default(alice: User) -> None:
    a_model("openai:x", provider=Provider.OPENAI)
    a_provider_of(alice)
    assert default_model(alice).id == "openai:x"


def test_a_provider_comes_before_one_that_resells_it(alice: User) -> None:
    reseller = a_provider_of(alice, key=OTHER_KEY, provider=Provider.OPENROUTER)
    assert key_for(OWN, alice) == OTHER_KEY
    a_provider_of(alice)
    assert key_for(OWN, alice) == KEY
    assert reseller.own_models.filter(model_id=OWN).exists()


def test_a_person_takes_everything_along(alice: User) -> None:
    a_provider_of(alice)
    a_server_of(alice)
    alice.delete()
    assert not Endpoint.objects.exists()
    assert not Credential.objects.exists()
    assert not OwnModel.objects.exists()


# --- Where it is sent ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "moved",
    [
        "https://evil.example.org/v1",
        "http://llm.example.org/v1",
        "https://llm.example.org:8443/v1",
        "https://llm.example.org.evil.example/v1",
    ],
)
def test_a_key_is_only_sent_to_the_host_it_was_entered_for(alice: User, moved: str) -> None:
    """Also when the address was changed behind the back of the use cases, and the origin with it."""
    server = a_server_of(alice)
    assert key_for(LAB, alice) == KEY
    Endpoint.objects.filter(pk=server.pk).update(base_url=moved)
    assert refused(LAB, alice) is ErrorCode.OWN_KEY_MISSING
    server.refresh_from_db()
    Credential.objects.update(origin=server.origin)
    assert refused(LAB, alice) is ErrorCode.KEY_UNREADABLE


@pytest.mark.parametrize("same", ["https://LLM.example.org:443/v1", "https://llm.example.org/v2"])
def test_another_path_or_spelling_keeps_the_key(alice: User, same: str) -> None:
    a_server_of(alice)
    keys.change_server(alice, "lab", display_name="Lab", base_url=same, key="", force=True)
    assert key_for(LAB, alice) == KEY


def test_changing_the_host_asks_for_the_key_again(alice: User, keyed: KeyedProvider) -> None:
    a_server_of(alice)
    keys.change_server(alice, "lab", display_name="Lab", base_url=keyed.url, key="", force=True)
    assert not Credential.objects.exists()
    assert resolve(LAB, user_id=alice.pk).key == ""
    keys.change_server(alice, "lab", display_name="Lab", base_url=keyed.url, key=OTHER_KEY, force=False)
    assert key_for(LAB, alice) == OTHER_KEY


def test_the_old_key_is_not_even_tried_at_the_new_host(alice: User, keyed: KeyedProvider) -> None:
    a_server_of(alice)
    with pytest.raises(NotSavedError):
        keys.change_server(alice, "lab", display_name="Lab", base_url=keyed.url, key="", force=False)
    assert keyed.came == [""]
    assert Endpoint.objects.get().base_url == "https://llm.example.org/v1"
    assert key_for(LAB, alice) == KEY


def test_an_operators_entered_key_is_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-environment")
    a_model("openai:x", provider=Provider.OPENAI)
    Endpoint.objects.update(key_env="SOME_KEY")
    endpoint = Endpoint.objects.get()
    keys.store_key(endpoint, KEY)
    assert resolve("openai:x").key == KEY
    Endpoint.objects.update(base_url="https://elsewhere.example.org/v1")
    assert resolve("openai:x").key == "sk-environment"
    Endpoint.objects.update(key_env="")
    assert refused("openai:x", None) is ErrorCode.PROVIDER_KEY_MISSING


@pytest.mark.parametrize("name", ["SECRET_KEY", "master_keys", "DATABASE_URL"])
def test_our_own_secrets_are_no_providers_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://betterchat:secret@/x")
    a_model("openai:x", provider=Provider.OPENAI)
    Endpoint.objects.update(key_env=name)
    assert refused("openai:x", None) is ErrorCode.PROVIDER_KEY_MISSING


# --- Fails closed ----------------------------------------------------------------------------------
def test_two_swapped_keys_both_fail_closed(
    alice: User, charlie: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    first, second = a_provider_of(alice), a_provider_of(charlie, key=OTHER_KEY)
    one, other = Credential.objects.get(endpoint=first), Credential.objects.get(endpoint=second)
    Credential.objects.filter(pk=one.pk).update(sealed=other.sealed)
    Credential.objects.filter(pk=other.pk).update(sealed=one.sealed)
    assert refused(OWN, alice) is ErrorCode.KEY_UNREADABLE
    assert refused(OWN, charlie) is ErrorCode.KEY_UNREADABLE
    assert KEY not in caplog.text
    assert one.sealed not in caplog.text


def test_a_row_given_to_another_person_or_endpoint_stays_shut(alice: User, charlie: User) -> None:
    first, second = a_provider_of(alice), a_provider_of(charlie)
    Credential.objects.filter(endpoint=second).delete()
    Credential.objects.filter(endpoint=first).update(endpoint=second)
    assert refused(OWN, charlie) is ErrorCode.KEY_UNREADABLE
    Endpoint.objects.filter(pk=second.pk).update(owner=None, name="taken")
    assert refused(OWN, alice) is ErrorCode.OWN_KEY_MISSING


def test_a_replaced_key_can_not_be_brought_back(alice: User) -> None:
    a_provider_of(alice)
    old = Credential.objects.get()
    keys.replace_key(alice, "openai", key=OTHER_KEY, force=True)
    assert key_for(OWN, alice) == OTHER_KEY
    Credential.objects.update(sealed=old.sealed)
    assert refused(OWN, alice) is ErrorCode.KEY_UNREADABLE


def test_without_its_master_key_a_key_is_unreadable_and_nothing_else_breaks(
    alice: User, settings: Settings
) -> None:
    a_model()
    a_provider_of(alice)
    settings.MASTER_KEYS = MasterKeys(new_master_key())
    assert refused(OWN, alice) is ErrorCode.KEY_UNREADABLE
    assert resolve("demo:demo").key == ""
    settings.MASTER_KEYS = MasterKeys()
    with pytest.raises(NotSavedError, match="no master key"):
        keys.replace_key(alice, "openai", key=KEY, force=True)


# --- Trying out ------------------------------------------------------------------------------------
def test_a_bad_key_is_not_saved_unless_forced(
    alice: User, keyed: KeyedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OWN_URLS, Provider.OPENAI, keyed.url)
    with pytest.raises(NotSavedError, match="OpenAI refused the key") as caught:
        keys.add_provider(alice, Provider.OPENAI, key="sk-wrong-key-0000", force=False)
    assert caught.value.may_force
    assert caught.value.said == "Incorrect API key provided: … See your account."
    assert not Endpoint.objects.exists()
    keys.add_provider(alice, Provider.OPENAI, key="sk-wrong-key-0000", force=True)
    with pytest.raises(NotSavedError):
        keys.replace_key(alice, "openai", key="sk-wrong-key-1111", force=False)
    assert key_for(OWN, alice) == "sk-wrong-key-0000"
    keys.replace_key(alice, "openai", key=KEY, force=False)
    assert key_for(OWN, alice) == KEY


def test_openrouter_is_asked_where_a_key_is_needed(
    alice: User, keyed: KeyedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OWN_URLS, Provider.OPENROUTER, keyed.url)
    with pytest.raises(NotSavedError):
        keys.add_provider(alice, Provider.OPENROUTER, key="sk-wrong-key-0000", force=False)
    keyed.came.clear()
    keys.add_provider(alice, Provider.OPENROUTER, key=KEY, force=False)
    assert keyed.came == [KEY, KEY]


def test_a_server_brings_what_it_lists(alice: User, keyed: KeyedProvider) -> None:
    keys.add_server(alice, slug="lab", display_name="Lab", base_url=keyed.url, key=KEY, force=False)
    assert [model.model_id for model in OwnModel.objects.all()] == ["byok:lab:gpt-4o-mini", LAB]
    route = resolve(LAB, user_id=alice.pk)
    assert route.allow_private
    assert route.provider_label == "Lab (your own)"


def test_of_a_long_list_the_person_chooses(alice: User, keyed: KeyedProvider) -> None:
    keyed.models = [f"model-{number}" for number in range(300)]
    server = keys.add_server(alice, slug="lab", display_name="Lab", base_url=keyed.url, key=KEY, force=False)
    assert not server.own_models.exists()
    with pytest.raises(NotSavedError, match="300 models; there is room for 200"):
        keys.add_models(server, keyed.models)
    assert not server.own_models.exists()
    assert keys.add_models(server, keyed.models[: keys.MODELS_MAX]) == keys.MODELS_MAX
    assert keys.add_models(server, keyed.models[: keys.MODELS_MAX]) == 0


def test_checks_are_counted(alice: User, keyed: KeyedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.checking.CHECKS_MAX", 2)
    a_server_of(alice, keyed)
    for _ in range(2):
        keys.test(alice, "lab")
    with pytest.raises(NotSavedError) as caught:
        keys.replace_key(alice, "lab", key=KEY, force=False)
    assert not caught.value.may_force


@pytest.mark.parametrize("slug", ["openai", "google", "add", "openai_compatible"])
def test_a_server_can_not_take_a_providers_name(alice: User, slug: str) -> None:
    with pytest.raises(NotSavedError) as caught:
        a_server_of(alice, slug=slug)
    assert caught.value.field == "slug"


def test_one_name_once_a_person(alice: User, charlie: User) -> None:
    a_server_of(alice)
    a_server_of(charlie)
    with pytest.raises(NotSavedError, match="lab already"):
        a_server_of(alice)
    a_provider_of(alice)
    with pytest.raises(NotSavedError, match="openai already"):
        a_provider_of(alice)


# --- Private addresses -----------------------------------------------------------------------------
def test_only_the_named_host_and_port_is_opened(alice: User, settings: Settings) -> None:
    with KeyedProvider() as opened, KeyedProvider() as shut:
        AllowedHost.objects.create(host="127.0.0.1", port=opened.port)
        keys.add_server(alice, slug="lab", display_name="Lab", base_url=opened.url, key="", force=False)
        for force in (False, True):
            with pytest.raises(NotSavedError) as caught:
                keys.add_server(alice, slug="x", display_name="X", base_url=shut.url, key="", force=force)
            assert caught.value.field == "base_url"
        assert shut.came == []
        assert resolve(LAB, user_id=alice.pk).allow_private
        AllowedHost.objects.all().delete()
        assert not resolve(LAB, user_id=alice.pk).allow_private


def test_an_own_endpoint_can_not_open_private_networks_by_itself(alice: User) -> None:
    server = a_server_of(alice)
    Endpoint.objects.filter(pk=server.pk).update(display_name="Still fine")
    server.allow_private = True
    with pytest.raises(Exception, match="providers_endpoint_of_owner_is_plain"):
        server.save()
