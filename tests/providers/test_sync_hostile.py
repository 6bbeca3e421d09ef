"""Lists that are broken or mean harm: they change nothing, are named, and cost no more than the bounds."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from providers.models import CatalogueChange, ChangeKind, LanguageModel, Provider
from providers.sync import reading
from providers.sync.deciding import reject
from providers.sync.proposing import sync_endpoint
from tests.fakes import lists
from tests.fakes.lists import Answer, ListServer, Query, as_json
from tests.providers.catalogue import accepted, an_endpoint, fingerprint, synced, waiting

pytestmark = pytest.mark.django_db


def _deep() -> Answer:
    return Answer(b'{"data": ' + b"[" * 100_000)


UNUSABLE: list[tuple[str, Answer, str]] = [
    ("html", lists.HTML, ""),
    ("not json", Answer(b'{"data": [{'), ""),
    ("another shape", as_json({"data": {"id": "a"}}), ""),
    ("a bare array", as_json([{"id": "a"}]), ""),
    ("nested without end", _deep(), ""),
    ("redirect inwards", lists.redirect("http://169.254.169.254/latest/meta-data/"), ""),
    ("bomb", lists.BOMB, ""),
    ("too many", as_json({"data": [{"id": f"m{number}"} for number in range(100_000)]}), "more than 5,000"),
    ("refused", as_json({"error": {"message": "Incorrect key sk-secret-123456"}}, status=401), ""),
    ("failing", as_json({}, status=500), ""),
]


@pytest.mark.parametrize(
    ("answer", "why"), [each[1:] for each in UNUSABLE], ids=[each[0] for each in UNUSABLE]
)
def test_an_unusable_list_changes_nothing_and_is_named(answer: Answer, why: str) -> None:
    with ListServer(lists.openai("a", "new")) as server:
        endpoint = an_endpoint(server, "a")
        synced(endpoint)
        before, rows = fingerprint(), list(CatalogueChange.objects.values())
        server.answer = answer
        server.asked.clear()
        result = synced(endpoint)
        assert len(server.asked) == 1
    assert result.failure
    assert why in result.failure
    assert "secret" not in result.failure
    assert fingerprint() == before
    assert list(CatalogueChange.objects.values()) == rows


def test_a_list_that_never_ends_is_given_up() -> None:
    with ListServer(lists.ENDLESS) as server:
        result = sync_endpoint(an_endpoint(server, "a"), seconds=0.5)
    assert result.failure
    assert waiting() == {}


def test_a_second_page_that_fails_makes_the_first_one_nothing() -> None:
    pages = lists.anthropic([lists.CLAUDE], [lists.CLAUDE])

    def answer(path: str, query: Query) -> Answer:
        return as_json({}, status=500) if "after_id" in query else pages(path, query)

    with ListServer(answer) as server:
        result = synced(an_endpoint(server, "claude-haiku-4-5", provider=Provider.ANTHROPIC))
    assert "page 2 of its list" in result.failure
    assert waiting() == {}


def test_pages_that_go_in_circles_are_given_up() -> None:
    circle = as_json({"models": [lists.GEMINI], "nextPageToken": "again"})
    with ListServer(circle) as server:
        result = synced(an_endpoint(server, provider=Provider.GEMINI))
        assert "does not end" in result.failure
        assert len(server.asked) == 2
        count = iter(range(1000))
        server.answer = lambda path, query: as_json({"models": [], "nextPageToken": f"page-{next(count)}"})
        server.asked.clear()
        assert "does not end" in synced(an_endpoint(server, provider=Provider.GEMINI, name="b")).failure
        assert len(server.asked) == reading.PAGES_MAX


def test_a_page_token_can_not_change_what_is_asked() -> None:
    """What comes back as a cursor stays a value of the query, whatever it holds."""

    def answer(path: str, query: Query) -> Answer:
        assert path == "/v1beta/models"
        evil = "/../x?key=1&pageSize=9#\r\nHost: evil"
        return as_json(
            {"models": [lists.GEMINI], **({} if "pageToken" in query else {"nextPageToken": evil})}
        )

    with ListServer(answer) as server:
        assert not synced(an_endpoint(server, provider=Provider.GEMINI)).failure
        server.answer = as_json({"models": [], "nextPageToken": "x" * 10_000})
        assert "can't be asked for" in synced(an_endpoint(server, provider=Provider.GEMINI, name="b")).failure


NAMES = [
    "x" * 10_000,
    "nul\x00nul",
    "two words",
    "line\nbreak",
    "rtl\u202eevil",
    "",
    "\ud800",
]


def test_names_that_can_not_be_used_are_left_out_and_counted() -> None:
    items: list[object] = [{"id": name} for name in NAMES]
    items += [None, 7, [], {"id": 7}, {"id": ["a"]}, {}, {"id": "good"}, {"id": "good"}]
    body = json.dumps({"data": items}).replace("\\ud800", "\\ufffe").encode()
    with ListServer(Answer(body)) as server:
        result = synced(an_endpoint(server))
    assert list(waiting()) == [("added", "lab:good")]
    assert "13 without a usable name left out" in result.notes
    assert "1 listed twice left out" in result.notes


@pytest.mark.parametrize("name", ["byok/own", "demo/demo", "Bad Creator/x", "~x/y", "a/" + "b" * 149])
def test_a_reseller_can_not_name_a_creator_that_is_ours(name: str) -> None:
    with ListServer(lists.openrouter([{**lists.ROUTED, "id": name}])) as server:
        synced(an_endpoint(server, provider=Provider.OPENROUTER))
    assert all(not model_id.startswith(("byok:", "demo:", "~")) for _, model_id in waiting())


ODD_FACTS: list[dict[str, object]] = [
    {"context_length": -1},
    {"context_length": 10**30},
    {"context_length": "131072"},
    {"context_length": True},
    {"pricing": {"prompt": "-1", "completion": "-1"}},
    {"pricing": {"prompt": "NaN", "completion": "Infinity"}},
    {"pricing": {"prompt": "1e999999999", "completion": "9" * 5000}},
    {"pricing": {"prompt": {}, "completion": None}},
    {"pricing": []},
    {"architecture": "text", "top_provider": 7, "supported_parameters": {}, "reasoning": []},
    {"architecture": {"input_modalities": [{}, None, "smell"]}, "supported_parameters": [[], None]},
    {"name": "x" * 10_000},
    {"name": "<script>alert(1)</script>"},
    {"name": "Rocket \u202e2"},
    {"expiration_date": "soon"},
    {"expiration_date": 10**12},
]


@pytest.mark.parametrize("odd", ODD_FACTS, ids=[str(odd)[:40] for odd in ODD_FACTS])
def test_an_odd_fact_is_unknown_and_the_rest_is_taken(odd: dict[str, object], client: Client) -> None:
    client.force_login(operator := User.objects.create_superuser("root@example.org", "correct horse battery"))
    with ListServer(lists.openrouter([{**lists.ROUTED, **odd}])) as server:
        assert not synced(an_endpoint(server, provider=Provider.OPENROUTER)).failure
    page = client.get(reverse("admin:providers_cataloguechange_changelist")).content.decode()
    assert "acme:rocket-2" in page
    assert "<script>alert" not in page
    accepted(ChangeKind.ADDED, "acme:rocket-2", by=operator)
    model = LanguageModel.objects.get(pk="acme:rocket-2")
    model.full_clean()
    assert len(model.name) < 200
    with ListServer(lists.openrouter([{**lists.ROUTED, **odd}])) as server:
        model.routes.get().endpoint.delete()
        endpoint = an_endpoint(server, "acme/rocket-2", provider=Provider.OPENROUTER)
        synced(endpoint)
        for row in waiting().values():
            reject(row.pk, by=operator)
        assert synced(endpoint).waiting == 0


def test_the_key_goes_to_its_provider_in_its_header_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-lab-0123456789")
    with ListServer(lists.anthropic([lists.CLAUDE])) as server:
        endpoint = an_endpoint(server, provider=Provider.ANTHROPIC)
        endpoint.key_env = "LAB_KEY"
        endpoint.save()
        synced(endpoint)
        assert server.headers[0]["x-api-key"] == "sk-lab-0123456789"
        assert "sk-lab" not in "".join(server.asked)
        assert "sk-lab" not in str(list(CatalogueChange.objects.values()))


def test_a_private_address_is_not_dialled_unless_the_operator_opened_it() -> None:
    with ListServer(lists.openai("a")) as server:
        endpoint = an_endpoint(server)
        endpoint.allow_private = False
        endpoint.save()
        assert synced(endpoint).failure
        assert server.asked == []
