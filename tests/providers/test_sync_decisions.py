"""What the operator's decision does, in the admin and below it."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from providers.catalogue import default_model, pickable_models
from providers.gateway import resolve
from providers.models import (
    CatalogueChange,
    ChangeKind,
    ChangeStatus,
    Endpoint,
    LanguageModel,
    Price,
    PriceSource,
    Provider,
    Route,
)
from providers.sync.deciding import RefusedError, accept, reject
from tests.data import a_model, a_person
from tests.fakes import lists
from tests.fakes.lists import ListServer
from tests.providers.catalogue import accepted, an_endpoint, fingerprint, synced, the_change, waiting

pytestmark = pytest.mark.django_db
PAGE = "admin:providers_cataloguechange_changelist"


@pytest.fixture
def olivia() -> User:
    return User.objects.create_superuser("olivia@example.org", "correct horse battery")


@pytest.fixture
def operator(client: Client, olivia: User) -> Client:
    client.force_login(olivia)
    return client


@pytest.fixture
def lab() -> Iterator[ListServer]:
    """Lists `old` with a window, and `new`; not `gone`."""
    with ListServer(lists.openai("old", "new", max_model_len=8192)) as server:
        yield server


def refusal(change: CatalogueChange, *, by: User) -> str:
    before = fingerprint()
    with pytest.raises(RefusedError) as caught:
        accept(change.pk, by=by)
    assert fingerprint() == before
    return caught.value.sentence


# --- Accepting -------------------------------------------------------------------------------------
def test_a_new_model_is_on_at_once_and_behind_all_others(lab: ListServer, olivia: User) -> None:
    a_model()
    synced(an_endpoint(lab, "old", "zzz"))
    LanguageModel.objects.filter(pk="lab:zzz").update(position=700)
    accepted(ChangeKind.ADDED, "lab:new", by=olivia)
    model = LanguageModel.objects.get(pk="lab:new")
    assert (model.enabled, model.open_to_guests, model.position) == (True, False, 701)
    assert (model.context_window_tokens, model.tools) == (8192, None)
    assert "tools" in model.assumed
    assert "context_window_tokens" not in model.assumed
    assert resolve("lab:new").provider_model == "new"
    assert default_model(olivia).id == "lab:old"


def test_a_model_that_is_here_gets_another_way_and_stays_as_it_is(olivia: User) -> None:
    an_endpoint(None, "gpt-4o", provider=Provider.OPENAI, name="openai")
    LanguageModel.objects.update(name="Ours", enabled=False)
    with ListServer(lists.openrouter([{**lists.ROUTED, "id": "openai/gpt-4o"}])) as server:
        synced(an_endpoint(server, provider=Provider.OPENROUTER, name="router"))
    accepted(ChangeKind.ADDED, "openai:gpt-4o", by=olivia)
    model = LanguageModel.objects.get()
    assert (model.name, model.enabled) == ("Ours", False)
    assert [route.endpoint.name for route in model.routes.select_related("endpoint")] == ["openai", "router"]
    assert Price.objects.get(route__endpoint__name="router").input == Decimal("0.4")


def test_limits_are_taken_and_are_no_assumption_any_more(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    accepted(ChangeKind.LIMITS, "lab:old", by=olivia)
    model = LanguageModel.objects.get(pk="lab:old")
    assert model.context_window_tokens == 8192
    assert "context_window_tokens" not in model.assumed
    assert "tools" in model.assumed


def test_what_is_gone_is_switched_off_and_loses_nothing(lab: ListServer, olivia: User) -> None:
    endpoint = an_endpoint(lab, "old", "gone")
    route = Route.objects.get(provider_model="gone")
    Price.objects.create(route=route, input=Decimal(1))
    synced(endpoint)
    accepted(ChangeKind.REMOVED, "lab:gone", by=olivia)
    route.refresh_from_db()
    assert not route.enabled
    assert Price.objects.filter(route=route).exists()
    assert LanguageModel.objects.get(pk="lab:gone").enabled
    assert "lab:gone" not in {model.id for model in pickable_models(olivia)}


def test_what_is_listed_again_is_switched_on_again(lab: ListServer, olivia: User) -> None:
    endpoint = an_endpoint(lab, "old", "gone")
    synced(endpoint)
    accepted(ChangeKind.REMOVED, "lab:gone", by=olivia)
    lab.answer = lists.openai("old", "gone")
    synced(endpoint)
    accepted(ChangeKind.ADDED, "lab:gone", by=olivia)
    assert Route.objects.get(provider_model="gone").enabled
    assert resolve("lab:gone").provider_model == "gone"


def test_a_last_way_that_goes_names_a_successor_of_the_same_creator(olivia: User) -> None:
    names = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-5-5", "claude-opus-5-5")
    kept = [{**lists.CLAUDE, "id": name} for name in names if name != "claude-sonnet-4-5"]
    with ListServer(lists.anthropic(kept)) as server:
        synced(an_endpoint(server, *names, provider=Provider.ANTHROPIC))
    change = the_change(ChangeKind.REMOVED, "anthropic:claude-sonnet-4-5")
    assert change.after == {"successor": "anthropic:claude-sonnet-5-5"}
    accept(change.pk, by=olivia)
    gone = LanguageModel.objects.get(pk="anthropic:claude-sonnet-4-5")
    assert gone.successor_id == "anthropic:claude-sonnet-5-5"


def test_a_successor_that_goes_with_it_is_passed_over(olivia: User) -> None:
    names = ("gpt-4o", "gpt-4.1", "gpt-5")
    with ListServer(lists.openai("gpt-5")) as server:
        synced(an_endpoint(server, *names, provider=Provider.OPENAI))
    changes = [row for row in waiting().values() if row.kind == ChangeKind.REMOVED]
    assert len(changes) == 2
    for change in changes:
        accept(change.pk, by=olivia)
    successors = LanguageModel.objects.exclude(pk="openai:gpt-5").values_list("successor", flat=True)
    assert set(successors) == {"openai:gpt-5"}


def test_a_successor_that_the_operator_chose_stays(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old", "other", "gone"))
    LanguageModel.objects.filter(pk="lab:gone").update(successor="lab:other")
    accepted(ChangeKind.REMOVED, "lab:gone", by=olivia)
    assert LanguageModel.objects.get(pk="lab:gone").successor_id == "lab:other"


def test_a_model_that_another_endpoint_serves_needs_no_successor(lab: ListServer, olivia: User) -> None:
    endpoint = an_endpoint(lab, "old", "gone")
    second = Endpoint.objects.create(name="second", provider=Provider.OPENROUTER)
    Route.objects.create(language_model_id="lab:gone", endpoint=second, provider_model="lab/gone")
    synced(endpoint)
    assert the_change(ChangeKind.REMOVED, "lab:gone").after == {}
    accepted(ChangeKind.REMOVED, "lab:gone", by=olivia)
    assert LanguageModel.objects.get(pk="lab:gone").successor is None


# --- Refusing --------------------------------------------------------------------------------------
def test_a_value_that_changed_since_is_not_overwritten(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    change = the_change(ChangeKind.LIMITS, "lab:old")
    LanguageModel.objects.update(context_window_tokens=99)
    assert "has another context window tokens since" in refusal(change, by=olivia)


def test_a_value_that_was_set_by_hand_since_is_not_overwritten(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    LanguageModel.objects.update(set_by_hand=["context_window_tokens"])
    assert "since this was found" in refusal(the_change(ChangeKind.LIMITS, "lab:old"), by=olivia)


def test_other_stale_rows_are_refused(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old", "gone"))
    Route.objects.filter(provider_model="gone").update(enabled=False)
    assert "not served from there" in refusal(the_change(ChangeKind.REMOVED, "lab:gone"), by=olivia)
    LanguageModel.objects.create(id="lab:new", name="new")
    route = Route.objects.create(
        language_model_id="lab:new", endpoint=Endpoint.objects.get(), provider_model="new"
    )
    change = the_change(ChangeKind.ADDED, "lab:new")
    assert "served from there already" in refusal(change, by=olivia)
    route.delete()
    LanguageModel.objects.filter(pk="lab:old").delete()
    assert "was deleted" in refusal(the_change(ChangeKind.LIMITS, "lab:old"), by=olivia)


def test_another_address_makes_a_proposal_stale(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    Endpoint.objects.update(base_url="https://other.example.org/v1")
    assert "another address" in refusal(the_change(ChangeKind.ADDED, "lab:new"), by=olivia)


def test_a_price_that_changed_since_is_refused(olivia: User) -> None:
    with ListServer(lists.openrouter([lists.ROUTED])) as server:
        synced(an_endpoint(server, "acme/rocket-2", provider=Provider.OPENROUTER))
    Price.objects.create(route=Route.objects.get(), source=PriceSource.CATALOGUE, input=Decimal(2))
    assert "another price" in refusal(the_change(ChangeKind.PRICE, "acme:rocket-2"), by=olivia)


def test_a_row_is_decided_once(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    change = accepted(ChangeKind.ADDED, "lab:new", by=olivia)
    assert "accepted already" in refusal(change, by=olivia)
    with pytest.raises(RefusedError, match="accepted already"):
        reject(change.pk, by=olivia)
    with pytest.raises(RefusedError, match="not there any more"):
        reject(10**9, by=olivia)


def test_a_rejected_row_may_still_be_accepted(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    change = reject(the_change(ChangeKind.ADDED, "lab:new").pk, by=olivia)
    assert accept(change.pk, by=olivia).status == ChangeStatus.ACCEPTED


# --- The page --------------------------------------------------------------------------------------
def test_the_page_shows_before_and_after_and_takes_the_decision(
    lab: ListServer, operator: Client, olivia: User
) -> None:
    synced(an_endpoint(lab, "old", "gone"))
    text = operator.get(reverse(PAGE)).content.decode()
    assert "Context window: <del>unknown</del> → <strong>8,192</strong>" in text
    assert "Route: <del>served</del> → <strong>switched off; nothing is deleted</strong>" in text
    assert "delete_selected" not in text
    change = the_change(ChangeKind.LIMITS, "lab:old")
    address = reverse(PAGE) + "?endpoint__id__exact=" + str(change.endpoint_id)
    response = operator.post(address, {"accept": change.pk}, follow=True)
    assert response.redirect_chain == [(address, 302)]
    assert "Accepted: lab:old." in response.content.decode()
    operator.post(address, {"reject": the_change(ChangeKind.ADDED, "lab:new").pk})
    assert LanguageModel.objects.get(pk="lab:old").context_window_tokens == 8192
    change.refresh_from_db()
    assert (change.status, change.decided_by) == (ChangeStatus.ACCEPTED, olivia)
    assert "Accepted by" in operator.get(reverse(PAGE) + "?status=accepted").content.decode()
    assert "Rejected by" in operator.get(reverse(PAGE) + "?status=rejected").content.decode()


def test_what_was_accepted_is_in_the_history_of_the_model(
    lab: ListServer, operator: Client, olivia: User
) -> None:
    synced(an_endpoint(lab, "old"))
    operator.post(reverse(PAGE), {"accept": the_change(ChangeKind.LIMITS, "lab:old").pk})
    assert {(entry.object_id, entry.user) for entry in LogEntry.objects.all()} == {
        ("lab:old", olivia),
        (str(CatalogueChange.objects.get(kind="limits").pk), olivia),
    }
    history = operator.get(reverse("admin:providers_languagemodel_history", args=["lab:old"]))
    assert "Accepted from the catalogue: limits at lab." in history.content.decode()


def test_together_the_stale_one_is_told_and_the_others_are_taken(lab: ListServer, operator: Client) -> None:
    synced(an_endpoint(lab, "old", "gone"))
    Route.objects.filter(provider_model="gone").update(enabled=False)
    chosen = [row.pk for row in waiting().values()]
    response = operator.post(
        reverse(PAGE), {"action": "accept_chosen", "_selected_action": chosen}, follow=True
    )
    text = response.content.decode()
    assert "Accepted: 2 changes." in text
    assert "Out of date: lab:gone is not served from there any more since this was found." in text
    assert list(waiting()) == [("removed", "lab:gone")]


def test_rejecting_together_changes_nothing(lab: ListServer, operator: Client) -> None:
    synced(an_endpoint(lab, "old", "gone"))
    before = fingerprint()
    chosen = [row.pk for row in waiting().values()]
    operator.post(reverse(PAGE), {"action": "reject_chosen", "_selected_action": chosen})
    assert (waiting(), fingerprint()) == ({}, before)


@pytest.mark.parametrize("permission", [None, "view_cataloguechange", "change_languagemodel"])
def test_who_may_not_change_may_not_decide(lab: ListServer, client: Client, permission: str | None) -> None:
    synced(an_endpoint(lab, "old"))
    sam = a_person("sam")
    User.objects.filter(pk=sam.pk).update(is_staff=True)
    if permission:
        sam.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(sam)
    before = fingerprint()
    pk = the_change(ChangeKind.ADDED, "lab:new").pk
    for form in ({"accept": pk}, {"reject": pk}, {"action": "accept_chosen", "_selected_action": [pk]}):
        assert client.post(reverse(PAGE), form).status_code in {200, 302, 403}
    assert (fingerprint(), next(iter(waiting()))) == (before, ("added", "lab:new"))
    if permission == "view_cataloguechange":
        assert 'name="accept"' not in client.get(reverse(PAGE)).content.decode()


@pytest.mark.parametrize("pk", ["x", "", "-1", "9" * 40, "1; drop", "\x00"])
def test_an_odd_row_number_decides_nothing(lab: ListServer, operator: Client, pk: str) -> None:
    synced(an_endpoint(lab, "old"))
    assert operator.post(reverse(PAGE), {"accept": pk}, follow=True).status_code == 200
    assert len(waiting()) == 2


def test_a_link_decides_nothing(lab: ListServer, operator: Client) -> None:
    synced(an_endpoint(lab, "old"))
    operator.get(reverse(PAGE), {"accept": the_change(ChangeKind.ADDED, "lab:new").pk})
    assert ("added", "lab:new") in waiting()


def test_another_site_can_not_decide(lab: ListServer, olivia: User) -> None:
    synced(an_endpoint(lab, "old"))
    client = Client(enforce_csrf_checks=True)
    client.force_login(olivia)
    pk = the_change(ChangeKind.ADDED, "lab:new").pk
    assert client.post(reverse(PAGE), {"accept": pk}).status_code == 403
    assert ("added", "lab:new") in waiting()


def test_an_endpoint_with_proposals_can_be_deleted(lab: ListServer, operator: Client) -> None:
    endpoint = an_endpoint(lab, "old")
    synced(endpoint)
    operator.post(reverse("admin:providers_endpoint_delete", args=[endpoint.pk]), {"post": "yes"})
    assert not Endpoint.objects.exists()
    assert not CatalogueChange.objects.exists()


def test_the_page_takes_the_same_number_of_queries_for_any_number_of_rows(operator: Client) -> None:
    counts = []
    operator.get(reverse(PAGE))  # the session's own queries
    for size in (2, 30):
        with ListServer(lists.openai(*(f"m{number}" for number in range(size)))) as server:
            synced(an_endpoint(server, name=f"lab{size}"))
        with CaptureQueriesContext(connection) as queries:
            operator.get(reverse(PAGE))
        counts.append(len(queries))
    assert counts[0] == counts[1]
