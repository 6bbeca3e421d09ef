"""Costs to the micro-dollar: what is known is exact, what is not known is null."""

from contextlib import AbstractContextManager
from decimal import Decimal
from typing import ClassVar

import msgspec
import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from providers import pricing
from providers.events import UsageReport
from providers.model_map import known_model
from providers.models import Endpoint, Price, PriceSource, Provider, Purpose, Route, Usage
from providers.models.usage import UsageIsKeptError
from providers.pricing import FREE, UNKNOWN, PriceOrigin, Prices, PriceStep, cost_of, estimate
from providers.routing import resolve
from providers.wires.openai_dialects import usage_of
from tests.data import a_model, a_person
from tests.providers.own import a_server_of


def prices(*steps: PriceStep, reported: bool = False) -> Prices:
    return Prices(PriceOrigin.OPERATOR, steps, reported)


def a_step(
    into: str | None = "2.5",
    out: str | None = "10",
    *,
    cached: str | None = None,
    write: str | None = None,
    above: int = 0,
) -> PriceStep:
    decimals = (None if text is None else Decimal(text) for text in (into, out, cached, write))
    return PriceStep(above, *decimals)


def microusd(held: Prices, report: UsageReport) -> int | None:
    cost = cost_of(held, report)
    return cost.microusd if cost else None


@pytest.mark.parametrize(
    ("step", "report", "expected"),
    [
        # dollars a million tokens are micro-dollars a token
        (a_step(), UsageReport(1_000_000, 1_000_000), 12_500_000),
        (a_step("0.15", "0.6"), UsageReport(1, 0), 0),
        # rounded once, half up: 3 x 0.15 + 1 x 0.05 = 0.5; each alone would have come to nothing
        (a_step("0.15", "0.05"), UsageReport(3, 1), 1),
        (a_step("0.15", "0.049999"), UsageReport(3, 1), 0),
        # input includes what was cached and written, output includes the reasoning
        (a_step(cached="0.25", write="3"), UsageReport(100, 10, 8, 60, 20), 50 + 15 + 60 + 100),
        (a_step(), UsageReport(100, 10, 10), 350),
        # no discount is known: cached input is input
        (a_step(), UsageReport(100, 10, cached_tokens=100), 350),
        (a_step(cached="0"), UsageReport(100, 10, cached_tokens=100), 100),
        # writing costs more than input, nobody knows how much
        (a_step(), UsageReport(100, 10, cache_write_tokens=1), None),
        (a_step(), UsageReport(100, 10, cache_write_tokens=0), 350),
        # what is needed and unknown
        (a_step(), UsageReport(None, 10), None),
        (a_step(), UsageReport(100, None), None),
        (a_step(into=None), UsageReport(100, 10), None),
        (a_step(out=None), UsageReport(100, 10), None),
        (a_step(out=None), UsageReport(100, 0), 250),
        (a_step("0", "0"), UsageReport(100, 10), 0),
        # counts that contradict each other
        (a_step(cached="0.1"), UsageReport(10, 10, cached_tokens=11), None),
        # more than a column holds
        (a_step("999999.999999"), UsageReport(10**14, 0), None),
    ],
)
def test_a_cost_is_exact_or_unknown(step: PriceStep, report: UsageReport, expected: int | None) -> None:
    assert microusd(prices(step), report) == expected


def test_the_step_is_chosen_by_the_input_of_the_call() -> None:
    held = prices(a_step("1", "0"), a_step("2", "0", above=200_000), a_step("4", "0", above=500_000))
    assert microusd(held, UsageReport(200_000, 0)) == 200_000
    assert microusd(held, UsageReport(200_001, 0)) == 400_002
    assert microusd(held, UsageReport(600_000, 0)) == 2_400_000
    only_above = prices(a_step("2", "0", above=200_000))
    assert microusd(only_above, UsageReport(10, 0)) is None


def test_demo_is_free_and_a_refused_call_is_too_whatever_is_unknown() -> None:
    assert microusd(FREE, UsageReport()) == 0
    assert microusd(UNKNOWN, UsageReport(0, 0)) == 0
    assert microusd(UNKNOWN, UsageReport(1, 0)) is None
    assert microusd(UNKNOWN, UsageReport()) is None


def test_the_price_is_kept_as_text_with_its_origin() -> None:
    columns = pricing.usage_columns(prices(a_step("2.50", "10", above=7)), UsageReport(100, 10))
    assert columns["price"] == {
        "origin": "operator", "above_input_tokens": 7, "input": "2.50", "output": "10",
    }  # fmt: skip
    assert pricing.usage_columns(UNKNOWN, UsageReport(100, 10))["price"] is None
    assert pricing.usage_columns(UNKNOWN, None)["cost_microusd"] is None


def test_prices_survive_the_way_through_json() -> None:
    held = prices(a_step("0.1", cached="0.000001"), a_step(None, above=3), reported=True)
    stored = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(held)))
    assert msgspec.convert(stored, Prices) == held


class TestWhatTheProviderSaysItCharges:
    SAID: ClassVar[dict[str, object]] = {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.00014}

    def test_counts_before_any_list(self) -> None:
        columns = pricing.usage_columns(prices(a_step(), reported=True), usage_of(self.SAID))
        assert columns["cost_microusd"] == 140
        assert columns["price"] == {"origin": "reported", "reported_usd": "0.00014"}

    def test_is_not_taken_from_others(self) -> None:
        assert microusd(prices(a_step()), usage_of(self.SAID)) == 350
        assert pricing.prices_of_own(Provider.OPENROUTER, "x").reported
        assert not pricing.prices_of_own(Provider.OPENAI_COMPATIBLE, "x").reported

    def test_includes_the_provider_behind_a_reseller(self) -> None:
        said = self.SAID | {"is_byok": True, "cost_details": {"upstream_inference_cost": 0.0019}}
        assert usage_of(said).cost_usd == Decimal("0.00204")
        assert usage_of(self.SAID | {"is_byok": True}).cost_usd is None
        assert usage_of(said | {"is_byok": False}).cost_usd == Decimal("0.00014")

    @pytest.mark.parametrize("nonsense", [None, True, "0.1", -1, 1e12, {"total_cost": 1}, float("inf")])
    def test_may_be_nonsense(self, nonsense: object) -> None:
        assert usage_of(self.SAID | {"cost": nonsense}).cost_usd is None

    def test_falls_back_to_the_list_where_a_call_was_cut_before_it(self) -> None:
        assert microusd(prices(a_step(), reported=True), estimate(400, 40)) == 350


def test_an_estimate_fills_only_what_was_not_reported() -> None:
    assert estimate(401, 7) == UsageReport(101, 2, estimated=True)
    reported = UsageReport(input_tokens=90, cached_tokens=50)
    assert estimate(400, 8, reported=reported) == UsageReport(90, 2, None, 50, estimated=True)
    whole = UsageReport(90, 12)
    assert estimate(400, 8, reported=whole) is whole


@pytest.mark.django_db
class TestPricesOfARoute:
    def a_route(self) -> Route:
        a_model("openai:x", provider=Provider.OPENAI, provider_model="gpt-4.1-mini")
        return Route.objects.get()

    def price(self, route: Route, source: PriceSource, into: str, *, above: int = 0) -> None:
        amounts = {"input": Decimal(into), "output": Decimal(1)}
        Price.objects.create(route=route, source=source, above_input_tokens=above, **amounts)

    def test_the_operators_rows_set_all_of_the_catalogues_aside(self) -> None:
        route = self.a_route()
        self.price(route, PriceSource.CATALOGUE, "2")
        self.price(route, PriceSource.CATALOGUE, "4", above=1000)
        held = resolve("openai:x").prices
        assert (held.origin, [step.input for step in held.steps]) == (
            PriceOrigin.CATALOGUE,
            [Decimal(2), Decimal(4)],
        )
        self.price(route, PriceSource.OPERATOR, "3")
        held = resolve("openai:x").prices
        assert (held.origin, [step.input for step in held.steps]) == (PriceOrigin.OPERATOR, [Decimal(3)])

    def test_a_route_without_rows_is_of_unknown_price(self) -> None:
        self.a_route()
        assert resolve("openai:x").prices.steps == ()

    def test_demo_is_free(self) -> None:
        a_model()
        assert resolve("demo:demo").prices == FREE

    def test_own_models_take_the_lists_price(self) -> None:
        alice = a_person()
        endpoint = Endpoint.objects.create(owner=alice, name="openai", provider=Provider.OPENAI)
        known = known_model(Provider.OPENAI, "gpt-4.1-mini")
        assert known is not None
        held = pricing.prices_of_own(Provider(endpoint.provider), "gpt-4.1-mini")
        assert held.origin is PriceOrigin.KNOWN
        assert held.steps[0].input == known.prices[0].input
        server = a_server_of(alice, "https://private.example.org/v1")
        assert pricing.prices_of_own(Provider(server.provider), "gpt-4.1-mini") == UNKNOWN

    def test_the_number_of_queries_does_not_grow_with_the_routes(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        route = self.a_route()
        counted: AbstractContextManager[object] = django_assert_num_queries(2)
        for number in range(5):
            endpoint = Endpoint.objects.create(name=f"e{number}", provider=Provider.OPENAI)
            other = Route.objects.create(
                language_model=route.language_model, endpoint=endpoint, provider_model="x"
            )
            self.price(other, PriceSource.OPERATOR, "1")
        with counted:
            resolve("openai:x")


@pytest.mark.django_db
class TestTheLedgerIsWrittenOnce:
    def a_row(self) -> Usage:
        a_model()
        return Usage.objects.create(
            user=a_person(),
            endpoint=Endpoint.objects.get(),
            language_model_id="demo:demo",
            provider_model="demo",
            purpose=Purpose.ANSWER,
            duration_ms=12,
            **pricing.usage_columns(prices(a_step()), UsageReport(100, 10)),
        )

    def test_a_price_that_changes_later_changes_no_cost(self) -> None:
        row = self.a_row()
        Price.objects.create(route=Route.objects.get(), input=Decimal(99), output=Decimal(99))
        row.refresh_from_db()
        assert (row.cost_microusd, row.price) == (
            350, {"origin": "operator", "input": "2.5", "output": "10"},
        )  # fmt: skip

    def test_no_code_changes_a_row(self) -> None:
        row = self.a_row()
        row.cost_microusd = 1
        with pytest.raises(UsageIsKeptError):
            row.save()
        with pytest.raises(UsageIsKeptError):
            row.delete()
        with pytest.raises(UsageIsKeptError):
            Usage.objects.update(cost_microusd=1)
        with pytest.raises(UsageIsKeptError):
            Usage.objects.all().delete()

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE providers_usage SET cost_microusd = 1",
            "UPDATE providers_usage SET price = NULL",
            "UPDATE providers_usage SET created_at = now()",
            "UPDATE providers_usage SET user_id = NULL, output_tokens = 1",
            "UPDATE providers_usage SET id = id + 1",
            "DELETE FROM providers_usage",
        ],
    )
    def test_the_database_refuses_it_from_anybody(self, change: str) -> None:
        row = self.a_row()
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
        row.refresh_from_db()
        assert row.output_tokens == 10

    def test_nobody_is_given_what_another_used(self) -> None:
        self.a_row()
        bob = a_person("bob")
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE providers_usage SET user_id = %s", [bob.pk])

    def test_a_row_outlives_the_person_and_the_endpoint(self) -> None:
        row = self.a_row()
        assert row.user is not None
        row.user.delete()
        Endpoint.objects.all().delete()
        kept = Usage.objects.get()
        assert (kept.user, kept.endpoint, kept.cost_microusd) == (None, None, 350)
