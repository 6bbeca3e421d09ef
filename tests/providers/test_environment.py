"""What the environment makes usable on first run, and what it leaves alone later."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from providers.environment import ollama_url, sync_from_environment
from providers.models import Endpoint, LanguageModel, Route
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.django_db
NOTHING_THERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "ANTHROPIC", "GEMINI", "OPENROUTER", "XAI"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", NOTHING_THERE)


def usable() -> set[str]:
    return set(Endpoint.objects.usable().values_list("name", flat=True))


def listed() -> str:
    out = StringIO()
    call_command("models", stdout=out)
    return out.getvalue()


def test_with_nothing_there_is_demo() -> None:
    sync_from_environment()
    assert usable() == {"demo"}
    assert listed().strip() == "* demo:demo  Demo (Demo)"
    assert LanguageModel.objects.get(pk="demo:demo").open_to_guests


def test_a_key_makes_its_provider_usable_and_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "planted-gemini-key")
    monkeypatch.setenv("OPENAI_API_KEY", "planted-openai-key")
    lines = sync_from_environment()
    assert usable() == {"demo", "gemini", "openai"}
    assert listed().splitlines()[0].startswith("* google:gemini-2.5-flash-lite")
    stored = [*Endpoint.objects.values(), *LanguageModel.objects.values(), *Route.objects.values()]
    assert "planted" not in f"{lines} {stored}"
    assert not LanguageModel.objects.exclude(pk="demo:demo").filter(open_to_guests=True).exists()


def test_it_may_run_again_and_again(monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.openai_url)
    sync_from_environment()
    before = [list(kind.objects.order_by("pk").values()) for kind in (Endpoint, LanguageModel, Route)]
    sync_from_environment()
    assert [list(kind.objects.order_by("pk").values()) for kind in (Endpoint, LanguageModel, Route)] == before


def test_it_never_undoes_what_the_operator_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "key")
    sync_from_environment()
    edited = {"enabled": False, "open_to_guests": True, "name": "My Grok", "position": 3}
    LanguageModel.objects.filter(pk="xai:grok-4.3").update(**edited)
    Endpoint.objects.filter(name="xai").update(enabled=False)
    sync_from_environment()
    assert LanguageModel.objects.filter(pk="xai:grok-4.3", **edited).exists()
    assert "xai" not in usable()


def test_a_key_that_is_gone_closes_its_endpoint_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "key")
    sync_from_environment()
    monkeypatch.delenv("XAI_API_KEY")
    sync_from_environment()
    assert usable() == {"demo"}
    monkeypatch.setenv("XAI_API_KEY", "key")
    sync_from_environment()
    assert usable() == {"demo", "xai"}


def test_an_endpoint_of_the_operator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    Endpoint.objects.create(name="openai", provider="openai", key_env="MY_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    sync_from_environment()
    assert Endpoint.objects.get(name="openai").key_env == "MY_KEY"
    monkeypatch.delenv("OPENAI_API_KEY")
    sync_from_environment()
    assert "openai" in usable()


def test_a_compatible_server_is_listed_and_the_key_is_for_it_alone(
    monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream
) -> None:
    upstream.models = ["hello", "count-500", "text-embedding-3", "bad name"]
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.openai_url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-the-server")
    sync_from_environment()
    assert usable() == {"demo", "compatible"}
    assert set(LanguageModel.objects.values_list("pk", flat=True)) == {
        "demo:demo",
        "compatible:hello",
        "compatible:count-500",
    }
    assert upstream.calls[0].headers["Authorization"] == "Bearer sk-for-the-server"
    assert listed().splitlines()[0].startswith("* compatible:")


def test_a_model_that_is_no_longer_listed_can_not_be_picked(
    monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.openai_url)
    sync_from_environment()
    upstream.models = ["hello"]
    sync_from_environment()
    assert list(
        Route.objects.filter(endpoint__name="compatible").values_list("provider_model", flat=True)
    ) == ["hello"]


def test_a_server_that_is_down_for_a_moment_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.openai_url)
    sync_from_environment()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    lines = sync_from_environment()
    assert any("can't be reached" in line for line in lines)
    assert Route.objects.filter(endpoint__name="compatible").count() == len(upstream.models)


def test_an_ollama_that_answers_is_listed(monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream) -> None:
    upstream.models = ["llama3.2", "qwen3:8b"]
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{upstream.port}")
    sync_from_environment()
    assert usable() == {"demo", "ollama"}
    assert set(LanguageModel.objects.values_list("pk", flat=True)) == {
        "demo:demo",
        "ollama:llama3.2",
        "ollama:qwen3:8b",
    }
    monkeypatch.setenv("OLLAMA_HOST", NOTHING_THERE)
    sync_from_environment()
    assert usable() == {"demo"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":5000", "http://127.0.0.1:5000"),
        ("box.lan", "http://box.lan:11434"),
        ("https://box.lan", "https://box.lan:443"),
        ("http://box.lan:1/", "http://box.lan:1"),
        ("[::1]:7", "http://[::1]:7"),
        ("[::]", "http://[::1]:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_an_endpoint_is_added_from_a_script(upstream: FakeUpstream) -> None:
    out = StringIO()
    options = ["--base-url", upstream.openai_url, "--allow-private", "--name", "mine"]
    call_command("add_endpoint", "openai_compatible", *options, stdout=out)
    assert "mine:hello" in out.getvalue()
    endpoint = Endpoint.objects.get(name="mine")
    assert (endpoint.allow_private, endpoint.from_environment, endpoint.key_env) == (True, False, "")
    assert "mine:hello" in listed()


def test_models_may_be_named_instead_of_asked_for() -> None:
    options = ["--model", "a/b", "--model", "c:d", "--base-url", "https://api.example.org/v1", "--name", "x"]
    call_command("add_endpoint", "openai_compatible", *options, stdout=StringIO())
    assert set(LanguageModel.objects.values_list("pk", flat=True)) == {"x:a/b", "x:c:d"}


def test_known_models_keep_their_identity_at_another_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "key")
    options = ["--key-env", "MY_KEY", "--model", "gpt-4.1-mini", "--name", "work"]
    call_command("add_endpoint", "openai", *options, stdout=StringIO())
    model = LanguageModel.objects.get()
    assert (model.pk, model.name) == ("openai:gpt-4.1-mini", "GPT-4.1 mini")


COMPATIBLE = "openai_compatible"
REFUSED = [
    ([COMPATIBLE], "--base-url"),
    ([COMPATIBLE, "--base-url", "ftp://example.org"], "http://"),
    ([COMPATIBLE, "--base-url", "http://127.0.0.1:9/v1"], "--allow-private"),
    ([COMPATIBLE, "--base-url", "http://127.0.0.1:9/v1", "--model", "x"], "--allow-private"),
    ([COMPATIBLE, "--base-url", "http://localhost:9/v1", "--model", "x"], "--allow-private"),
    ([COMPATIBLE, "--base-url", "http://127.0.0.1:9/v1", "--allow-private"], "can't be reached"),
    ([COMPATIBLE, "--base-url", "http://169.254.169.254", "--model", "x", "--allow-private"], "private"),
    (["openai", "--key-env", "sk-this-is-a-key"], "not the key itself"),
    (["openai", "--name", "Not A Slug", "--model", "x"], "--name"),
    (["demo"], "invalid choice"),
    (["nonsense"], "invalid choice"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED)
def test_what_can_not_be_added_is_told_in_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=r".") as caught:
        call_command("add_endpoint", *arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "sk-this" not in str(caught.value)
    assert not Endpoint.objects.exists()


def test_a_name_is_taken_once() -> None:
    Endpoint.objects.create(name="openai", provider="openai")
    with pytest.raises(CommandError, match="already"):
        call_command("add_endpoint", "openai", "--model", "x")


def test_models_of_somebody_unknown_are_an_error() -> None:
    with pytest.raises(CommandError, match="no account"):
        call_command("models", "--user", "nobody@example.org")
