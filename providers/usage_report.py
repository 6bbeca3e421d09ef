"""What one person used in a span of days: by day, by model, and in total. One aggregating query."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import User
from providers.models import OWN_PREFIX, LanguageModel, OwnModel, Usage

DAYS = (7, 30, 90)
DAYS_USUAL = 30
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days in UTC, both ends included: the last `days` of them, or a month where `days` is 0."""

    first: date
    last: date
    days: int = 0

    @property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of what is known. `unknown_cost_calls` are in none of the costs, `uncounted_calls` told no input
    or no output."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_microusd: int = 0
    unknown_cost_calls: int = 0
    uncounted_calls: int = 0
    estimated_calls: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Sums)))


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    platform: Sums
    own: Sums

    @property
    def sums(self) -> Sums:
        return self.platform + self.own


@dataclass(frozen=True, slots=True)
class ModelLine:
    id: str
    name: str
    own_key: bool
    sums: Sums


@dataclass(frozen=True, slots=True)
class UsageReport:
    """`days` are all days of the span, `models` those that were used, the costliest first."""

    span: Span
    days: list[Day]
    models: list[ModelLine]
    platform: Sums
    own: Sums

    @property
    def total(self) -> Sums:
        return self.platform + self.own


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def span_of(*, days: str, month: str) -> Span:
    """From what an address says: `7`, `30`, `90`, or `2026-11`. Raises ValueError for anything else."""
    now = today()
    if month:
        if days or not (found := _MONTH.fullmatch(month)):
            raise ValueError(month)
        first = date(int(found[1]), int(found[2]), 1)
        if first > now:
            raise ValueError(month)
        return Span(first, month_after(first) - timedelta(days=1))
    count = DAYS_USUAL if not days else next((each for each in DAYS if str(each) == days), 0)
    if not count:
        raise ValueError(days)
    return Span(now - timedelta(days=count - 1), now, count)


def month_after(day: date) -> date:
    """The first of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def report(user: User, span: Span) -> UsageReport:
    """Everything comes from the rows of one query, so that the parts and the total are of one moment."""
    by_day: defaultdict[tuple[date, bool], Sums] = defaultdict(Sums)
    by_model: defaultdict[tuple[str, bool], Sums] = defaultdict(Sums)
    platform = own = Sums()
    for day, model_id, own_key, sums in _rows(user, span):
        by_day[day, own_key] += sums
        by_model[model_id, own_key] += sums
        if own_key:
            own += sums
        else:
            platform += sums
    names = _names(user, [model_id for model_id, _ in by_model])
    lines = [
        ModelLine(model_id, names.get(model_id, model_id.removeprefix(OWN_PREFIX)), own_key, sums)
        for (model_id, own_key), sums in by_model.items()
    ]
    lines.sort(key=lambda line: (-line.sums.cost_microusd, -line.sums.tokens, -line.sums.calls, line.id))
    days = [Day(day, by_day[day, False], by_day[day, True]) for day in span.dates]
    return UsageReport(span, days, lines, platform, own)


def _rows(user: User, span: Span) -> Iterable[tuple[date, str, bool, Sums]]:
    begin, end = _midnight(span.first), _midnight(span.last + timedelta(days=1))
    grouped = (
        Usage.objects.filter(user=user, created_at__gte=begin, created_at__lt=end)
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .values("day", "language_model_id", "own_key")
        .annotate(
            calls=Count("pk"),
            input_=Sum("input_tokens", default=0),
            output=Sum("output_tokens", default=0),
            cached=Sum("cached_tokens", default=0),
            reasoning=Sum("reasoning_tokens", default=0),
            cost=Sum("cost_microusd", default=0),
            unknown=Count("pk", filter=Q(cost_microusd=None)),
            uncounted=Count("pk", filter=Q(input_tokens=None) | Q(output_tokens=None)),
            guessed=Count("pk", filter=Q(estimated=True)),
        )
        .order_by()
        .values_list(
            "day", "language_model_id", "own_key",
            "calls", "input_", "output", "cached", "reasoning", "cost", "unknown", "uncounted", "guessed",
        )
    )  # fmt: skip
    for day, model_id, own_key, *sums in grouped:
        yield day, model_id, own_key, Sums(*(int(each) for each in sums))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _names(user: User, model_ids: list[str]) -> dict[str, str]:
    named = dict(LanguageModel.objects.filter(pk__in=model_ids).values_list("pk", "name"))
    own = OwnModel.objects.filter(endpoint__owner=user, model_id__in=model_ids)
    return named | dict(own.values_list("model_id", "name"))
