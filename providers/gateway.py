"""The one door to every model: `resolve`, then `open_stream`.

Whoever serves a model, the caller sees the same: clean events, perhaps a UsageReport, and then either
Finished or one UserFacingError.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.conf import settings

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode
from providers import breaker, demo, litellm_gateway
from providers.breaker import FAILS_OVER
from providers.errors import code_of_failure, failure
from providers.events import Finished, FinishReason, ModelEvent, ModelRequest
from providers.litellm_gateway import warm_up
from providers.models import Endpoint, Provider, Wire
from providers.models.endpoint import OWN_WIRES
from providers.routing import ResolvedRoute, resolve, resolve_all
from providers.sessions import close_sessions
from providers.text import Cleaned
from providers.wires import call
from providers.wires.base import WireReport
from providers.wires.registry import NATIVE_WIRES

__all__ = [
    "FAILS_OVER",
    "ResolvedRoute",
    "close_sessions",
    "needs_warm_up",
    "note_failure",
    "note_success",
    "open_stream",
    "resolve",
    "resolve_all",
    "warm_up",
]


def needs_warm_up() -> bool:
    """Whether any usable endpoint is served through litellm."""
    through_litellm = [provider for provider, wire in OWN_WIRES.items() if wire is Wire.LITELLM]
    usable = Endpoint.objects.usable()
    usual = usable.filter(wire="", provider__in=through_litellm)
    return usual.exists() or usable.filter(wire=Wire.LITELLM).exists()


async def note_failure(route: ResolvedRoute, code: ErrorCode) -> None:
    """Let the breaker of the route's endpoint know."""
    await in_thread(breaker.note_failure)(route.endpoint_id, code)


async def note_success(route: ResolvedRoute) -> None:
    await in_thread(breaker.note_success)(route.endpoint_id)


def open_stream(request: ModelRequest, *, route: ResolvedRoute) -> AsyncGenerator[ModelEvent]:
    """One model call. Ends with Finished, or raises UserFacingError; what came before is valid.

    Close it (`aclosing`) when leaving early: that, and a cancellation, breaks the connection upstream.
    """
    if route.provider is Provider.DEMO:
        return demo.stream(request)
    return _over_the_network(request, route=route)


async def _over_the_network(request: ModelRequest, *, route: ResolvedRoute) -> AsyncGenerator[ModelEvent]:
    report = WireReport()
    wire = NATIVE_WIRES.get(route.spoken_wire)
    cleaned = Cleaned(inline_thoughts=wire is None or wire.inline_thoughts)
    events: AsyncGenerator[ModelEvent]
    if wire is None:
        await warm_up()  # so that the import is not counted as the provider's silence
        events = litellm_gateway.stream(request, route=route, report=report)
    else:
        events = call.stream(request, route=route, wire=wire, report=report)
    async with aclosing(events):
        async for event in events:
            for clean in cleaned.feed(event):
                yield clean
    for clean in cleaned.flush():
        yield clean
    if report.usage_known:
        yield report.usage
    code = code_of_failure(report, began=cleaned.anything) or _code_of_nothing(report, cleaned)
    if code or report.finish is None:
        code = code or ErrorCode.PROVIDER_STREAM_CUT
        seconds = settings.PROVIDER_SILENCE_SECONDS
        raise failure(code, provider=route.provider_label, report=report, seconds=seconds)
    yield Finished(report.finish, report.finish_raw)


def _code_of_nothing(report: WireReport, cleaned: Cleaned) -> ErrorCode | None:
    """An end as it should be, behind nothing that anybody could read or run."""
    if cleaned.anything or report.finish is FinishReason.PAUSED:
        return None
    return ErrorCode.CONTENT_FILTERED if report.refused else ErrorCode.ANSWER_EMPTY
