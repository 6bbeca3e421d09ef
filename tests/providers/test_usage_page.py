"""The page of what a person used: its parts are its total, and its total is the ledger."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from providers import usage_report
from providers.models import OwnModel, Purpose, Usage
from providers.money import dollars, exact_dollars
from providers.usage_chart import HEIGHT, chart_of, nice_top
from providers.usage_report import Span, Sums, report, span_of
from tests.data import a_guest, a_model, a_person
from tests.providers.own import a_server_of

pytestmark = pytest.mark.django_db
PAGE = "/settings/usage/"


def a_call(
    person: User,
    *,
    day: date | None = None,
    model: str = "openai:gpt",
    own_key: bool = False,
    tokens: tuple[int | None, int | None] = (100, 10),
    cost: int | None = 350,
    estimated: bool = False,
    purpose: Purpose = Purpose.ANSWER,
) -> Usage:
    when = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if day else timezone.now()
    return Usage.objects.create(
        user=person,
        language_model_id=model,
        provider_model=model,
        purpose=purpose,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        own_key=own_key,
        cost_microusd=cost,
        estimated=estimated,
        duration_ms=10,
        created_at=when,
    )


def a_busy_month(person: User) -> None:
    today = usage_report.today()
    for number in range(60):
        a_call(
            person,
            day=today - timedelta(days=number % 29),
            model=f"openai:m{number % 5}",
            own_key=number % 3 == 0,
            tokens=(number, None if number % 7 == 0 else 2 * number),
            cost=None if number % 4 == 0 else number * 12_345,
            estimated=number % 6 == 0,
            purpose=Purpose.TITLE if number % 2 else Purpose.ANSWER,
        )


def added(parts: list[Sums]) -> Sums:
    return sum(parts, Sums())


def test_the_parts_are_the_total_and_the_total_is_the_ledger() -> None:
    alice, bob = a_person(), a_person("bob")
    a_busy_month(alice)
    a_call(bob, cost=10**9)
    found = report(alice, span_of(days="30", month=""))
    assert found.total == found.platform + found.own
    assert found.total == added([day.sums for day in found.days])
    assert found.total == added([line.sums for line in found.models])
    assert found.own == added([line.sums for line in found.models if line.own_key])
    ledger = Usage.objects.filter(user=alice)
    assert found.total.calls == ledger.count() == 60
    assert found.total.cost_microusd == ledger.aggregate(cost=Sum("cost_microusd"))["cost"]
    assert found.total.input_tokens == ledger.aggregate(tokens=Sum("input_tokens"))["tokens"]
    assert found.total.unknown_cost_calls == ledger.filter(cost_microusd=None).count()
    assert found.total.estimated_calls == ledger.filter(estimated=True).count()
    assert found.total.uncounted_calls == ledger.filter(output_tokens=None).count()


def test_the_page_shows_the_same_total_under_both_tables(client: Client) -> None:
    alice = a_person()
    a_busy_month(alice)
    client.force_login(alice)
    tables = client.get(PAGE).content.decode().partition("<table")[2]
    total = exact_dollars(Usage.objects.aggregate(cost=Sum("cost_microusd"))["cost"] or 0)
    assert tables.count(total) == 2
    shown = sum(
        int(whole.replace(",", "")) * 1_000_000 + int(rest)
        for whole, rest in re.findall(r"\$([\d,]+)\.(\d{6})\b", tables)
    )
    assert shown == 4 * (Usage.objects.aggregate(cost=Sum("cost_microusd"))["cost"] or 0)


def test_days_begin_and_end_at_midnight_of_utc() -> None:
    alice = a_person()
    day = date(2026, 3, 1)
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    for moment in (begin - timedelta(microseconds=1), begin, begin + timedelta(hours=24, microseconds=-1)):
        Usage.objects.create(
            user=alice, language_model_id="x:y", provider_model="y", purpose=Purpose.ANSWER,
            duration_ms=1, created_at=moment,
        )  # fmt: skip
    assert report(alice, Span(day, day)).total.calls == 2


def test_nobody_sees_what_others_used(client: Client) -> None:
    a_call(a_person("bob"), model="openai:secret-of-bob", cost=123_456)
    client.force_login(a_person())
    page = client.get(PAGE).content.decode()
    assert "secret-of-bob" not in page
    assert "Nothing was used" in page
    assert client.get(PAGE + "?user=2").content.decode().count("0.123456") == 0


def test_guests_see_their_own_and_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    guest = a_guest()
    a_call(guest, model="demo:demo", cost=0, tokens=(None, None))
    client.force_login(guest)
    page = client.get(PAGE).content.decode()
    assert "No cost" in page
    assert "not told" in page
    assert "Calls per day" in page


@pytest.mark.parametrize(
    "wrong",
    ["days=8", "days=07", "days=-7", "days=x", "month=2026-13", "month=26-01", "month=9999-01", "month=x",
     "month=2026-01&days=7", "month=1999-12", "days=%00", "month=２０２６-01"],
)  # fmt: skip
def test_a_span_that_is_not_offered_is_not_found(client: Client, wrong: str) -> None:
    client.force_login(a_person())
    assert client.get(f"{PAGE}?{wrong}").status_code == 404


def test_months_are_turned_over_but_not_into_the_future(client: Client) -> None:
    client.force_login(a_person())
    current = usage_report.today().replace(day=1)
    before = usage_report.month_before(current)
    page = client.get(f"{PAGE}?month={current:%Y-%m}").content.decode()
    assert f"?month={before:%Y-%m}" in page
    assert f"?month={usage_report.month_after(current):%Y-%m}" not in page
    page = client.get(f"{PAGE}?month={before:%Y-%m}").content.decode()
    assert f"?month={current:%Y-%m}" in page
    assert "the month before" not in client.get(f"{PAGE}?month=2000-01").content.decode()


@pytest.mark.parametrize(("month", "days"), [("2024-02", 29), ("2025-02", 28), ("2025-12", 31)])
def test_a_month_has_all_its_days(month: str, days: int) -> None:
    assert len(span_of(days="", month=month).dates) == days


def test_own_keys_and_the_platform_stand_apart_and_names_are_those_of_the_models(client: Client) -> None:
    alice = a_person()
    a_model("openai:gpt")
    own = a_server_of(alice, "https://private.example.org/v1")
    OwnModel.objects.update(name="My house")
    model_id = OwnModel.objects.get(endpoint=own).model_id
    a_call(alice, cost=2_000_000)
    a_call(alice, model=model_id, own_key=True, cost=None)
    client.force_login(alice)
    page = client.get(PAGE).content.decode()
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "On this platform $2.00 110 tokens in 1 call" in words
    assert "With your own keys Unknown cost 110 tokens in 1 call" in words
    assert "My house your own key" in words
    assert "They leave out 1 call of unknown cost" in words


def test_the_number_of_queries_does_not_grow(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    alice = a_person()
    a_busy_month(alice)
    with django_assert_num_queries(3):
        report(alice, span_of(days="90", month=""))


class TestThePlot:
    def test_bars_stand_on_the_line_and_reach_as_high_as_their_share(self) -> None:
        alice = a_person()
        a_call(alice, cost=3_000_000)
        a_call(alice, cost=1_000_000, own_key=True)
        chart = chart_of(report(alice, span_of(days="7", month="")))
        assert (chart.measure, chart.ticks) == ("cost", ["$4.00", "$2.00", "0"])
        assert [(bar.y, bar.height, bar.own) for bar in chart.bars] == [
            ("25.00", "75.00", False), ("0.00", "25.00", True),
        ]  # fmt: skip
        assert "$4.00" in chart.bars[0].words

    def test_it_shows_tokens_where_no_cost_is_known_and_calls_where_nothing_is(self) -> None:
        alice = a_person()
        a_call(alice, cost=None, tokens=(None, None))
        span = span_of(days="7", month="")
        assert chart_of(report(alice, span)).measure == "calls"
        a_call(alice, cost=None)
        assert chart_of(report(alice, span)).measure == "tokens"

    @pytest.mark.parametrize(
        ("highest", "top"),
        [(0, 2), (1, 2), (3, 4), (5, 6), (7, 10), (10, 10), (11, 20), (61, 100)],
    )
    def test_its_top_is_a_round_number(self, highest: int, top: int) -> None:
        assert nice_top(highest) == top

    def test_nothing_reaches_over_its_top(self) -> None:
        alice = a_person()
        a_busy_month(alice)
        chart = chart_of(report(alice, span_of(days="30", month="")))
        assert all(0 <= float(bar.y) <= HEIGHT for bar in chart.bars)


@pytest.mark.parametrize(
    ("microusd", "short", "exact"),
    [
        (0, "$0.00", "$0.000000"),
        (1, "$0.000001", "$0.000001"),
        (1_234_500, "$1.2345", "$1.234500"),
        (12_000_000_000, "$12,000.00", "$12,000.000000"),
    ],
)
def test_money_is_written_to_the_micro_dollar(microusd: int, short: str, exact: str) -> None:
    assert (dollars(microusd), exact_dollars(microusd)) == (short, exact)
