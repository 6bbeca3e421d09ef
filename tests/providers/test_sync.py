"""What a sync proposes, and that it changes nothing by itself."""

from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from providers.models import (
    CatalogueChange,
    ChangeKind,
    Endpoint,
    LanguageModel,
    Price,
    PriceSource,
    Provider,
    Route,
)
from providers.sync.deciding import reject
from tests.data import a_person
from tests.fakes import lists
from tests.fakes.lists import Answer, ListServer, Query
from tests.providers.catalogue import accepted, an_endpoint, fingerprint, synced, the_change, waiting

pytestmark = pytest.mark.django_db

type Answers = Answer | Callable[[str, Query], Answer]


def told(*arguments: str) -> str:
    out, err = StringIO(), StringIO()
    try:
        call_command("sync_models", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue() + err.getvalue()


# --- Formats ---------------------------------------------------------------------------------------
ROCKET = {
    "name": "Rocket 2",
    "context_window_tokens": 131_072,
    "max_output_tokens": 16_384,
    "reasoning": True,
    "efforts": ["off", "low", "medium", "high"],
    "input_kinds": ["text", "image"],
    "tools": True,
    "prices": [
        {"above_input_tokens": 0, "input": "0.4", "output": "1.6", "cached_input": "0.1", "cache_write": None}
    ],
}
FORMATS: list[tuple[Provider, Answers, str, dict[str, object]]] = [
    (
        Provider.OPENAI,
        lists.openai("gpt-4o", "whisper-1"),
        "openai:gpt-4o",
        {"name": "GPT-4o", "tools": True},
    ),
    (Provider.OPENAI_COMPATIBLE, lists.openai("m", max_model_len=9), "lab:m", {"context_window_tokens": 9}),
    (
        Provider.ANTHROPIC,
        lists.anthropic([lists.CLAUDE]),
        "anthropic:claude-opus-4-6",
        {
            "name": "Claude Opus 4.6",
            "context_window_tokens": 200_000,
            "efforts": ["low", "medium", "high"],
            "input_kinds": ["text", "image", "file"],
        },
    ),
    (
        Provider.GEMINI,
        lists.gemini([{**lists.GEMINI, "name": "models/gemini-x"}]),
        "google:gemini-x",
        {"max_output_tokens": 65_536, "reasoning": True},
    ),
    (
        Provider.XAI,
        lists.xai(lists.GROK),
        "xai:grok-4.7",
        {
            "context_window_tokens": 500_000,
            "prices": [
                {
                    "above_input_tokens": 0,
                    "input": "3",
                    "output": "15",
                    "cached_input": "0.75",
                    "cache_write": None,
                },
                {
                    "above_input_tokens": 200_000,
                    "input": "6",
                    "output": "30",
                    "cached_input": None,
                    "cache_write": None,
                },
            ],
        },
    ),
    (Provider.OPENROUTER, lists.openrouter([lists.ROUTED]), "acme:rocket-2", ROCKET),
    (Provider.OLLAMA, lists.ollama("gemma3", "nomic-embed-text"), "ollama:gemma3", {"name": "gemma3"}),
]


@pytest.mark.parametrize(("provider", "answer", "model_id", "after"), FORMATS, ids=lambda v: str(v)[:20])
def test_every_kind_of_list_is_read(
    provider: Provider, answer: Answers, model_id: str, after: dict[str, object]
) -> None:
    with ListServer(answer) as server:
        result = synced(an_endpoint(server, provider=provider))
    assert not result.failure
    assert list(waiting()) == [("added", model_id)]
    found = the_change(ChangeKind.ADDED, model_id).after
    assert {name: found[name] for name in after} == after


def test_all_pages_are_read_and_no_link_is_followed() -> None:
    def claude(number: int) -> dict[str, object]:
        return {**lists.CLAUDE, "id": f"claude-{number}"}

    def gem(number: int) -> dict[str, object]:
        return {**lists.GEMINI, "name": f"models/gem-{number}"}

    def routed(number: int) -> dict[str, object]:
        return {**lists.ROUTED, "id": f"acme/r{number}"}

    for provider, answer in (
        (Provider.ANTHROPIC, lists.anthropic([claude(1), claude(2)], [claude(3)])),
        (Provider.GEMINI, lists.gemini([gem(1)], [gem(2)], [gem(3)])),
        (Provider.OPENROUTER, lists.openrouter([routed(1), routed(2)], [routed(3)])),
    ):
        with ListServer(answer) as server:
            endpoint = an_endpoint(server, provider=provider, name=provider.value)
            assert synced(endpoint).waiting == 3
            assert len(server.asked) == (3 if provider is Provider.GEMINI else 2)


def test_what_the_starting_data_offers_is_not_proposed_to_be_changed() -> None:
    """Ours and the list say the same: a first sync is silent."""
    with ListServer(lists.openai("gpt-4.1-mini", "gpt-5", "o3")) as server:
        result = synced(an_endpoint(server, "gpt-4.1-mini", "gpt-5", "o3", provider=Provider.OPENAI))
    assert (result.waiting, waiting()) == (0, {})


# --- Nothing changes before ------------------------------------------------------------------------
def test_nothing_changes_before_it_is_accepted() -> None:
    with ListServer(lists.openai("old", "new", max_model_len=8192)) as server:
        endpoint = an_endpoint(server, "old", "gone")
        before = fingerprint()
        synced(endpoint)
        assert set(waiting()) == {("added", "lab:new"), ("removed", "lab:gone"), ("limits", "lab:old")}
        assert fingerprint() == before
        for row in waiting().values():
            reject(row.pk, by=a_person(row.kind))
        assert fingerprint() == before


def test_twice_is_not_double_and_rows_stay_the_same() -> None:
    with ListServer(lists.openai("old", "new")) as server:
        endpoint = an_endpoint(server, "old")
        synced(endpoint)
        first = the_change(ChangeKind.ADDED, "lab:new")
        synced(endpoint)
        assert the_change(ChangeKind.ADDED, "lab:new").pk == first.pk
        assert CatalogueChange.objects.count() == 1


def test_a_newer_sync_replaces_what_waits() -> None:
    with ListServer(lists.openai("old", "new")) as server:
        endpoint = an_endpoint(server, "old")
        synced(endpoint)
        server.answer = lists.openai("old", "newer")
        synced(endpoint)
        assert list(waiting()) == [("added", "lab:newer")]


def test_a_rejected_row_comes_back_only_when_it_says_something_else() -> None:
    with ListServer(lists.openai("old", max_model_len=100)) as server:
        endpoint = an_endpoint(server, "old")
        synced(endpoint)
        reject(the_change(ChangeKind.LIMITS, "lab:old").pk, by=a_person())
        result = synced(endpoint)
        assert (result.waiting, result.rejected_before, waiting()) == (0, 1, {})
        server.answer = lists.openai("old", max_model_len=200)
        synced(endpoint)
        assert the_change(ChangeKind.LIMITS, "lab:old").after["context_window_tokens"] == 200


def test_a_rejected_removal_is_forgotten_when_the_model_is_back() -> None:
    with ListServer(lists.openai("a")) as server:
        endpoint = an_endpoint(server, "a", "b")
        synced(endpoint)
        reject(the_change(ChangeKind.REMOVED, "lab:b").pk, by=a_person())
        assert synced(endpoint).waiting == 0
        server.answer = lists.openai("a", "b")
        synced(endpoint)
        server.answer = lists.openai("a")
        synced(endpoint)
        assert list(waiting()) == [("removed", "lab:b")]


# --- What counts as a change -----------------------------------------------------------------------
def test_what_the_operator_set_by_hand_is_not_proposed() -> None:
    with ListServer(lists.openai("old", max_model_len=100)) as server:
        endpoint = an_endpoint(server, "old")
        LanguageModel.objects.update(context_window_tokens=50, set_by_hand=["context_window_tokens"])
        assert synced(endpoint).waiting == 0


def test_only_the_endpoint_that_serves_a_model_first_says_what_it_is() -> None:
    """Else two lists with different limits would propose against each other for ever."""
    with ListServer(
        lists.openrouter([{**lists.ROUTED, "id": "openai/gpt-4o", "context_length": 1}])
    ) as server:
        an_endpoint(None, "gpt-4o", provider=Provider.OPENAI, name="openai")
        second = an_endpoint(server, "openai/gpt-4o", provider=Provider.OPENROUTER)
        synced(second)
        assert list(waiting()) == [("price", "openai:gpt-4o")]
        Route.objects.filter(endpoint=second).update(priority=1)
        synced(second)
        assert ("limits", "openai:gpt-4o") in waiting()


def test_a_gap_may_be_filled_by_any_endpoint() -> None:
    with ListServer(lists.openrouter([{**lists.ROUTED, "id": "lab/m"}])) as server:
        an_endpoint(None, "m")
        other = an_endpoint(server, "lab/m", provider=Provider.OPENROUTER, name="router")
        synced(other)
        row = the_change(ChangeKind.LIMITS, "lab:m")
        assert row.before == {"context_window_tokens": None, "max_output_tokens": None}


def test_a_price_is_proposed_per_route_and_the_operators_own_stays() -> None:
    with ListServer(lists.openrouter([lists.ROUTED])) as server:
        endpoint = an_endpoint(server, "acme/rocket-2", provider=Provider.OPENROUTER)
        Price.objects.create(route=Route.objects.get(), input=Decimal(9), output=Decimal(9))
        synced(endpoint)
        accepted(ChangeKind.PRICE, "acme:rocket-2", by=a_person())
    own = Price.objects.get(source=PriceSource.OPERATOR)
    assert (own.input, own.output) == (Decimal(9), Decimal(9))
    assert str(Price.objects.get(source=PriceSource.CATALOGUE).input) == "0.400000"


def test_a_snapshot_with_a_date_is_the_model_it_belongs_to() -> None:
    names = ("claude-haiku-4-5-20251001", "claude-new-20260101", "claude-new")
    with ListServer(lists.anthropic([{**lists.CLAUDE, "id": name} for name in names])) as server:
        result = synced(an_endpoint(server, "claude-haiku-4-5", provider=Provider.ANTHROPIC))
    kinds = {key for key in waiting() if key[0] in {"added", "removed"}}
    assert kinds == {("added", "anthropic:claude-new")}
    assert any("2 snapshots" in note for note in result.notes)


def test_an_alias_that_the_list_names_is_served() -> None:
    with ListServer(lists.xai(lists.GROK, {**lists.GROK, "id": "other", "aliases": []})) as server:
        synced(an_endpoint(server, "grok-latest", provider=Provider.XAI))
    assert {key for key in waiting() if key[0] != "price"} == {
        ("added", "xai:other"),
        ("limits", "xai:grok-latest"),
    }


def test_an_announced_end_is_told() -> None:
    with ListServer(lists.openrouter([{**lists.ROUTED, "expiration_date": "2027-01-31"}])) as server:
        endpoint = an_endpoint(server, provider=Provider.OPENROUTER)
        synced(endpoint)
        row = the_change(ChangeKind.ADDED, "acme:rocket-2")
        assert row.warning == "It is announced to end on 2027-01-31."
        accepted(ChangeKind.ADDED, "acme:rocket-2", by=a_person())
        assert "acme:rocket-2 is announced to end on 2027-01-31." in told()


# --- Lists that are not whole ----------------------------------------------------------------------
@pytest.mark.parametrize("empty", [lists.openai(), lists.openai("text-embedding-3")])
def test_an_empty_list_removes_nothing_and_says_so(empty: Answer) -> None:
    with ListServer(empty) as server:
        an_endpoint(server, "a")
        output = told()
    assert "names no model that can chat; nothing is compared" in output
    assert waiting() == {}


def test_a_list_that_knows_nothing_of_ours_removes_nothing_and_says_so() -> None:
    with ListServer(lists.openai("x", "y")) as server:
        an_endpoint(server, "a", "b", "c")
        output = told()
    assert "none of the 3 models" in output
    assert "no removals are proposed" in output
    assert {kind for kind, _ in waiting()} == {"added"}


def test_many_that_are_gone_at_once_are_proposed_with_a_warning() -> None:
    with ListServer(lists.openai("a")) as server:
        an_endpoint(server, *"abcdef")
        output = told()
    assert "5 of 6 models are missing" in output
    assert all(row.warning for row in waiting().values())


def test_a_rejected_removal_outlives_a_list_that_is_not_whole() -> None:
    with ListServer(lists.openai("a")) as server:
        endpoint = an_endpoint(server, "a", "b")
        synced(endpoint)
        reject(the_change(ChangeKind.REMOVED, "lab:b").pk, by=a_person())
        server.answer = lists.openai()
        synced(endpoint)
        server.answer = lists.openai("a")
        assert synced(endpoint).waiting == 0


# --- The command -----------------------------------------------------------------------------------
def test_the_command_tells_what_waits_and_what_failed() -> None:
    with ListServer(lists.openai("new")) as good, ListServer(lists.HTML) as bad:
        an_endpoint(good, name="good")
        an_endpoint(bad, name="bad")
        output = told()
        assert "good: 1 to decide." in output
        assert "bad: not compared, nothing changed" in output
        assert "Not compared: bad." in output
        assert "bad" not in told("--endpoint", "good")


def test_what_has_no_list_is_not_asked_for() -> None:
    Endpoint.objects.create(name="demo", provider=Provider.DEMO)
    an_endpoint(None, name="off")
    Endpoint.objects.filter(name="off").update(enabled=False)
    assert "No endpoint" in told()
    assert "There is no endpoint off" in told("--endpoint", "off")


def test_a_key_that_is_missing_is_told_and_nothing_is_sent() -> None:
    with ListServer(lists.openai("new")) as server:
        endpoint = an_endpoint(server)
        Endpoint.objects.update(key_env="NOT_SET_ANYWHERE")
        assert "No key for" in synced(endpoint).failure
        assert server.asked == []


def test_peoples_own_endpoints_are_not_synced() -> None:
    with ListServer(lists.openai("new")) as server:
        Endpoint.objects.create(
            name="own", owner=a_person(), provider=Provider.OPENAI_COMPATIBLE, base_url=server.url
        )
        assert "No endpoint" in told()
        assert server.asked == []
