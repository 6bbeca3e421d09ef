"""The page on which people see what they used. Guests too: what they use is somebody's."""

from datetime import date
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from providers import usage_report
from providers.usage_chart import chart_of


@require_safe
@login_required
@never_cache
def usage(request: HttpRequest) -> HttpResponse:
    """`?days=7`, `30` or `90`, or `?month=2026-11`. 404 for another span."""
    try:
        span = usage_report.span_of(days=request.GET.get("days", ""), month=request.GET.get("month", ""))
    except ValueError:
        raise Http404 from None
    found = usage_report.report(cast("User", request.user), span)
    context = {
        "report": found,
        "chart": chart_of(found) if found.total.calls else None,
        "days_used": [day for day in reversed(found.days) if day.sums.calls],
        "spans": usage_report.DAYS,
        **_months(span),
    }
    return render(request, "providers/usage.html", context)


def _months(span: usage_report.Span) -> dict[str, date | None]:
    """The month shown (or the current one) and those beside it."""
    month = span.last.replace(day=1)
    following = usage_report.month_after(month)
    return {
        "month": month,
        "month_before": usage_report.month_before(month) if month.year > 2000 else None,
        "month_after": following if following <= usage_report.today() else None,
    }
