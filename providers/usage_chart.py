"""A plot of days as numbers for a template: bars in a box of its own units, labels beside it."""

from dataclasses import dataclass
from datetime import date

from providers.money import dollars
from providers.usage_report import Sums, UsageReport

DAY_WIDTH = 10
BAR_WIDTH = 8
HEIGHT = 100
_BAR_HEIGHT_MIN = 0.75


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a day: `own` tells which. `words` say the whole day."""

    x: int
    y: str
    height: str
    own: bool
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`measure` is cost, or tokens or calls where nothing of it is known. `ticks` from the top down."""

    measure: str
    width: int
    bars: list[Bar]
    ticks: list[str]
    dates: list[date]


def chart_of(report: UsageReport) -> Chart:
    total = report.total
    measure = "cost" if total.cost_microusd else "tokens" if total.tokens else "calls"
    top = nice_top(max(_value(day.sums, measure) for day in report.days))
    bars: list[Bar] = []
    for number, day in enumerate(report.days):
        floor = float(HEIGHT)
        for sums, own in ((day.platform, False), (day.own, True)):
            if value := _value(sums, measure):
                height = max(_BAR_HEIGHT_MIN, HEIGHT * value / top)
                floor -= height
                words = f"{day.date:%-d %b}: {_words(_value(day.sums, measure), measure)}"
                x = number * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) // 2
                bars.append(Bar(x, f"{max(0.0, floor):.2f}", f"{height:.2f}", own, words))
    dates = [report.days[0].date, report.days[len(report.days) // 2].date, report.days[-1].date]
    ticks = [_words(top, measure), _words(top // 2, measure), "0"]
    return Chart(measure, len(report.days) * DAY_WIDTH, bars, ticks, dates)


def nice_top(highest: int) -> int:
    """The next 2, 4, 6 or 10 times a power of ten, so that its half is a round number too."""
    power = 1
    while True:
        for step in (2, 4, 6):
            if highest <= step * power:
                return step * power
        power *= 10
        if highest <= power:
            return power


def _value(sums: Sums, measure: str) -> int:
    return {"cost": sums.cost_microusd, "tokens": sums.tokens, "calls": sums.calls}[measure]


def _words(value: int, measure: str) -> str:
    if measure == "cost":
        return dollars(value)
    return f"{value:,} {measure.removesuffix('s') if value == 1 else measure}"
