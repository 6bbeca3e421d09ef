"""The pages for own keys: what they show, keep, refuse, and to whom."""

import re
import socket
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from betterchat.core.secrets import MasterKeys
from providers import keys
from providers.models import AllowedHost, Credential, Endpoint, OwnModel, Provider
from providers.models.endpoint import OWN_URLS
from providers.routing import resolve
from tests.data import a_guest, a_person
from tests.fakes.keyed import KeyedProvider
from tests.providers.own import KEY, OTHER_KEY, a_provider_of, a_server_of
from tests.providers.test_outbound import HOSTS

pytestmark = pytest.mark.django_db
HOME = "/settings/providers/"
LAB = f"{HOME}lab/"


@pytest.fixture
def alice(client: Client) -> User:
    """Signed in."""
    person = a_person("alice")
    client.force_login(person)
    return person


@pytest.fixture
def keyed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyedProvider]:
    """What stands for OpenAI here."""
    with KeyedProvider(KEY, OTHER_KEY) as provider:
        settings.OUTBOUND_ALLOWED_HOSTS = [provider.host]
        monkeypatch.setitem(OWN_URLS, Provider.OPENAI, provider.url)
        yield provider


def shown(client: Client, path: str, *, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return words(response.content.decode())


def words(page: str) -> str:
    """What a person reads of the main part."""
    main = page.partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).replace("&#x27;", "'").split())


def server_form(**changes: str) -> dict[str, str]:
    return {
        "display_name": "Lab",
        "slug": "lab",
        "base_url": "https://llm.example.org/v1",
        "key": "",
        **changes,
    }


# --- Whose -----------------------------------------------------------------------------------------
def every_path(slug: str, model_pk: int) -> list[str]:
    own = ["endpoint", "test", "replace_key", "delete_key", "change_server", "delete_endpoint"]
    own += ["add_model", "listed_models"]
    model = ["change_model", "delete_model"]
    return [
        *(reverse(f"providers:{name}", args=[slug]) for name in own),
        *(reverse(f"providers:{name}", args=[slug, model_pk]) for name in model),
    ]


def test_strangers_find_nothing_and_change_nothing(client: Client, alice: User) -> None:
    del alice
    owner = a_person("bob")
    a_server_of(owner, slug="hidden")
    model = OwnModel.objects.get()
    data = server_form(key=OTHER_KEY, provider_model="x", name="x", force="yes")
    for path in every_path("hidden", model.pk):
        for response in (client.get(path), client.post(path, data)):
            assert response.status_code in {404, 405}, path
            assert "llm.example.org" not in response.content.decode()
    assert "hidden" not in shown(client, HOME)
    assert resolve("byok:hidden:house-model", user_id=owner.pk).key == KEY
    assert OwnModel.objects.count() == 1


def test_a_model_of_another_endpoint_is_not_reached_through_ones_own(client: Client, alice: User) -> None:
    a_server_of(alice)
    a_server_of(a_person("bob"), slug="hidden")
    hidden = OwnModel.objects.get(endpoint__name="hidden")
    for name in ("change_model", "delete_model"):
        path = reverse(f"providers:{name}", args=["lab", hidden.pk])
        assert client.post(path, {"name": "mine"}).status_code == 404
    hidden.refresh_from_db()
    assert hidden.name == "house-model"


def test_guests_are_told_to_make_an_account(client: Client) -> None:
    client.force_login(a_guest())
    for path in (HOME, f"{HOME}add/", f"{HOME}add/openai/", LAB):
        assert "Own keys need an account" in shown(client, path, status=403)
    assert client.post(f"{HOME}add/openai/", {"key": KEY, "force": "yes"}).status_code == 403
    assert not Endpoint.objects.exists()


def test_nobody_is_asked_to_sign_in(client: Client) -> None:
    for path in (HOME, *every_path("lab", 1)):
        response = client.post(path) if client.get(path).status_code == 405 else client.get(path)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/login/")


def test_forms_need_their_token(alice: User) -> None:
    a_provider_of(alice)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(f"{HOME}openai/delete/").status_code == 403
    assert Endpoint.objects.exists()


# --- Keys of providers -----------------------------------------------------------------------------
def test_a_key_is_added_and_shown_by_its_end(client: Client, alice: User, keyed: KeyedProvider) -> None:
    assert "OpenAI No key Add a key" in shown(client, HOME)
    response = client.post(f"{HOME}add/openai/", {"key": KEY}, follow=True)
    assert "OpenAI is ready." in response.content.decode()
    assert f"…{KEY[-4:]} · added now · never used" in shown(client, HOME)
    assert resolve("byok:openai:gpt-4o-mini", user_id=alice.pk).key == KEY
    assert "· used now" in shown(client, HOME)
    assert keyed.came == [KEY]


@pytest.mark.usefixtures("alice", "keyed")
def test_a_refused_key_is_told_in_place_and_may_be_forced(client: Client) -> None:
    wrong = "sk-wrong-0123456789"
    response = client.post(f"{HOME}add/openai/", {"key": wrong})
    page = response.content.decode()
    assert response.status_code == 422
    assert "OpenAI refused the key it was given." in page
    assert "It said: “Incorrect API key provided: … See your account.”" in page
    assert "Save anyway" in page
    assert not Endpoint.objects.exists()
    assert client.post(f"{HOME}add/openai/", {"key": wrong, "force": "yes"}).status_code == 302
    assert Credential.objects.get().last_four == "6789"


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("key", ["", "with space", "line\nbreak", "ünïcode-key-123", "x" * 501, "nul\0key"])
def test_what_can_be_no_key_is_refused(client: Client, key: str) -> None:
    response = client.post(f"{HOME}add/openai/", {"key": key, "force": "yes"})
    assert response.status_code == 422
    assert not Endpoint.objects.exists()


@pytest.mark.usefixtures("keyed")
def test_a_key_is_tested_replaced_and_deleted(client: Client, alice: User, keyed: KeyedProvider) -> None:
    a_provider_of(alice)
    page = f"{HOME}openai/"
    assert "It works. 2 models are listed there." in words(client.post(f"{page}test/").content.decode())
    keyed.keys = {OTHER_KEY}
    assert "OpenAI refused the key it was given." in words(client.post(f"{page}test/").content.decode())
    assert client.post(f"{page}key/", {"key": KEY}).status_code == 422
    assert client.post(f"{page}key/", {"key": OTHER_KEY}).status_code == 302
    assert f"…{OTHER_KEY[-4:]}" in shown(client, page)
    assert "goes on to work until you revoke it there" in shown(client, f"{page}delete/")
    assert client.post(f"{page}delete/").status_code == 302
    assert not Credential.objects.exists()
    assert not OwnModel.objects.exists()


def test_a_short_key_shows_nothing_of_itself(client: Client, alice: User) -> None:
    a_server_of(alice, key="none-1234")
    assert "1234" not in shown(client, LAB)
    assert "A short key · added now" in shown(client, LAB)


@pytest.mark.usefixtures("alice", "keyed")
def test_without_a_master_key_the_page_says_so(client: Client, settings: Settings) -> None:
    settings.MASTER_KEYS = MasterKeys()
    response = client.post(f"{HOME}add/openai/", {"key": KEY})
    assert "This server has no master key" in response.content.decode()
    assert not Endpoint.objects.exists()


def test_an_unreadable_key_can_be_replaced(client: Client, alice: User, keyed: KeyedProvider) -> None:
    a_provider_of(alice)
    Credential.objects.update(sealed="1.gone.AAAA.AAAA")
    assert "can't be opened" in words(client.post(f"{HOME}openai/test/").content.decode())
    assert client.post(f"{HOME}openai/key/", {"key": KEY}).status_code == 302
    assert resolve("byok:openai:gpt-4o-mini", user_id=alice.pk).key == KEY
    assert keyed.came == [KEY]


# --- Servers ---------------------------------------------------------------------------------------
def test_a_server_is_added_with_what_it_lists(client: Client, alice: User, keyed: KeyedProvider) -> None:
    del alice
    response = client.post(f"{HOME}add/", server_form(base_url=f"{keyed.url}/", key=KEY), follow=True)
    assert response.redirect_chain == [(LAB, 302)]
    assert "house-model" in words(response.content.decode())
    assert Endpoint.objects.get().base_url == keyed.url


@pytest.mark.usefixtures("alice")
def test_what_was_typed_stays_except_the_key(client: Client, keyed: KeyedProvider) -> None:
    data = server_form(display_name="My <lab>", base_url=keyed.url, key="sk-wrong-0123456789")
    page = client.post(f"{HOME}add/", data).content.decode()
    assert 'value="My &lt;lab&gt;"' in page
    assert f'value="{keyed.url}"' in page
    assert "sk-wrong" not in page
    assert "My &lt;lab&gt; refused the key" in page


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("host", [*HOSTS, "169.254.169.254", "10.0.0.1", "[fd00::1]", "100.100.100.200"])
def test_private_addresses_are_refused_in_every_spelling(client: Client, host: str) -> None:
    """Nothing is dialled, also where the person insists. A name that is unknown yet may be kept."""
    with KeyedProvider() as inside:
        data = server_form(base_url=f"http://{host}:{inside.port}/v1", key=KEY)
        assert client.post(f"{HOME}add/", data).status_code == 422
        assert not Endpoint.objects.exists()
        if client.post(f"{HOME}add/", {**data, "force": "yes"}).status_code == 302:
            client.post(f"{LAB}test/")
            client.post(f"{LAB}models/listed/")
        assert inside.came == []


@pytest.mark.usefixtures("alice")
def test_a_name_that_resolves_differently_the_second_time_is_not_dialled(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = iter(["93.184.216.34"])

    def rebinding(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        assert host == "rebind.example.org"
        address = next(addresses, "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with KeyedProvider() as inside:
        data = server_form(base_url=f"http://rebind.example.org:{inside.port}/v1", key=KEY)
        page = client.post(f"{HOME}add/", data).content.decode()
        assert inside.came == []
    assert "is not one this server may call" in page
    assert next(addresses, None) is None


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    "url",
    ["ftp://example.org", "example.org", "http://a:b@example.org", "http://x:99999/", "http://x/?k=1", ""],
)
def test_what_is_no_address_is_told_in_place(client: Client, url: str) -> None:
    response = client.post(f"{HOME}add/", server_form(base_url=url))
    assert response.status_code == 422
    assert "field--invalid" in response.content.decode()


@pytest.mark.usefixtures("alice")
def test_the_operators_list_opens_one_private_server(client: Client) -> None:
    with KeyedProvider() as ollama:
        data = server_form(base_url=f"http://localhost:{ollama.port}/v1")
        assert (
            "Only the operator of this server can open" in client.post(f"{HOME}add/", data).content.decode()
        )
        AllowedHost.objects.create(host="localhost", port=ollama.port)
        assert client.post(f"{HOME}add/", data).status_code == 302


def test_another_host_drops_the_key_and_says_so(client: Client, alice: User) -> None:
    a_server_of(alice)
    data = {"display_name": "Lab", "base_url": "https://other.example.org/v1", "key": "", "force": "yes"}
    page = client.post(f"{LAB}change/", data, follow=True).content.decode()
    assert "The key belonged to the old address and is deleted." in page
    assert not Credential.objects.exists()


def test_a_providers_own_address_can_not_be_changed(client: Client, alice: User) -> None:
    a_provider_of(alice)
    data = {"display_name": "x", "base_url": "https://evil.example.org/v1", "key": "", "force": "yes"}
    assert client.post(f"{HOME}openai/change/", data).status_code == 404
    assert Endpoint.objects.get().base_url == ""


def test_a_servers_key_goes_alone(client: Client, alice: User) -> None:
    a_server_of(alice)
    assert client.post(f"{LAB}key/delete/").status_code == 302
    assert "There is no key." in shown(client, LAB)
    assert OwnModel.objects.exists()


# --- Models ----------------------------------------------------------------------------------------
def test_models_are_added_changed_and_removed(client: Client, alice: User) -> None:
    a_server_of(alice)
    data = {"provider_model": "qwen3:8b", "name": "", "max_output_tokens": "2000", "tools": "on"}
    assert client.post(f"{LAB}models/add/", data).status_code == 302
    model = OwnModel.objects.get(provider_model="qwen3:8b")
    assert (model.model_id, model.name, model.tools) == ("byok:lab:qwen3:8b", "qwen3:8b", True)
    assert resolve("byok:lab:qwen3:8b", user_id=alice.pk).max_output_tokens == 2000
    page = f"{LAB}models/{model.pk}/"
    assert client.post(page, {"name": "Qwen", "max_output_tokens": ""}).status_code == 302
    model.refresh_from_db()
    assert (model.name, model.tools, model.max_output_tokens) == ("Qwen", False, None)
    assert "That model is here already." in client.post(f"{LAB}models/add/", data).content.decode()
    assert client.post(f"{page}delete/").status_code == 302
    assert not OwnModel.objects.filter(pk=model.pk).exists()


def test_models_are_chosen_from_the_providers_list(client: Client, alice: User, keyed: KeyedProvider) -> None:
    a_server_of(alice, keyed)
    page = client.post(f"{LAB}models/listed/").content.decode()
    assert 'value="gpt-4o-mini"' in page
    assert 'value="house-model"' not in page  # it is there
    assert "embed-3" not in page
    names = ["gpt-4o-mini", "two words", "nul\0", "x" * 300]
    assert client.post(f"{LAB}models/listed/", {"name": names}).status_code == 302
    assert set(OwnModel.objects.values_list("name", flat=True)) == {"house-model", "gpt-4o-mini"}


def test_more_models_than_there_is_room_for_are_refused_with_the_choice_kept(
    client: Client, alice: User, keyed: KeyedProvider
) -> None:
    a_server_of(alice, keyed)
    names = [f"model-{number}" for number in range(keys.MODELS_MAX)]
    answer = client.post(f"{LAB}models/listed/", {"name": names})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "That would be 201 models; there is room for 200." in page
    assert 'value="model-199" checked' in page
    assert list(OwnModel.objects.values_list("name", flat=True)) == ["house-model"]


@pytest.mark.parametrize(
    "bad", [{"provider_model": "a b"}, {"max_output_tokens": "0"}, {"max_output_tokens": "x"}]
)
def test_a_bad_model_is_told_in_place(client: Client, alice: User, bad: dict[str, str]) -> None:
    a_server_of(alice)
    data = {"provider_model": "fine", "name": "Fine", "max_output_tokens": "", **bad}
    response = client.post(f"{LAB}models/add/", data)
    assert response.status_code == 422
    assert 'value="Fine"' in response.content.decode()


def test_the_account_page_leads_here(client: Client, alice: User) -> None:
    del alice
    assert f'href="{HOME}"' in client.get("/accounts/").content.decode()


def test_pages_hold_no_script_and_no_inline_style(client: Client, alice: User) -> None:
    a_server_of(alice)
    for path in (HOME, LAB, f"{HOME}add/", f"{LAB}delete/", f"{LAB}models/add/"):
        page = client.get(path).content.decode()
        assert "<script" not in page
        assert " style=" not in page
        assert client.get(path).headers["Cache-Control"].startswith("max-age=0")
