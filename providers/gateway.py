"""The one door to every model: `resolve`, then `open_stream`.

Whoever serves a model, the caller sees the same: clean deltas, perhaps a UsageReport, and then either
Finished or one UserFacingError.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

from django.conf import settings

from betterchat.core.errors import ErrorCode
from providers import demo, litellm_gateway
from providers.errors import code_of_failure, failure
from providers.events import Finished, FinishReason, ModelEvent, ModelRequest, ReasoningDelta, TextDelta
from providers.litellm_gateway import CallFailedError, warm_up
from providers.models import Endpoint, Provider
from providers.routing import ResolvedRoute, resolve
from providers.text import TextCleaner, ThinkSplitter
from providers.transport import GuardedTransport, close_sessions

__all__ = ["ResolvedRoute", "close_sessions", "needs_warm_up", "open_stream", "resolve", "warm_up"]


def needs_warm_up() -> bool:
    """Whether any usable endpoint is served through litellm."""
    return Endpoint.objects.usable().exclude(provider=Provider.DEMO).exists()


async def open_stream(request: ModelRequest, *, route: ResolvedRoute) -> AsyncGenerator[ModelEvent]:
    """One model call. Ends with Finished, or raises UserFacingError; text that came before is valid.

    Close it (`aclosing`) when leaving early: that, and a cancellation, breaks the connection upstream.
    """
    if route.provider is Provider.DEMO:
        events = demo.stream(request)
    else:
        await warm_up()  # so that the import is not counted as the provider's silence
        events = _through_litellm(request, route=route)
    async with aclosing(events):
        async for event in events:
            yield event


class _Silence:
    """Bounds the time in which nothing arrives. Any byte counts, so that heartbeats keep a call alive."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._bound: asyncio.Timeout | None = None

    def touch(self) -> None:
        if self._bound is not None and not self._bound.expired():
            self._bound.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def next_of[T](self, events: AsyncIterator[T]) -> T | None:
        """The next event, None at the end; TimeoutError after silence."""
        async with asyncio.timeout(self._seconds) as bound:
            self._bound = bound
            try:
                return await anext(events, None)
            finally:
                self._bound = None


class _Cleaned:
    """Deltas with clean text, inline thoughts split off, nothing empty."""

    def __init__(self) -> None:
        self.anything = False
        self._text = TextCleaner()
        self._reasoning = TextCleaner()
        self._splitter = ThinkSplitter()

    def feed(self, delta: TextDelta | ReasoningDelta) -> Iterator[TextDelta | ReasoningDelta]:
        if isinstance(delta, ReasoningDelta):
            yield from self._kept(ReasoningDelta(self._reasoning.feed(delta.text)))
            return
        for part in self._splitter.feed(self._text.feed(delta.text)):
            yield from self._kept(part)

    def flush(self) -> Iterator[TextDelta | ReasoningDelta]:
        yield from self._kept(ReasoningDelta(self._reasoning.flush()))
        for part in self._splitter.feed(self._text.flush()):
            yield from self._kept(part)
        for part in self._splitter.flush():
            yield from self._kept(part)

    def _kept(self, delta: TextDelta | ReasoningDelta) -> Iterator[TextDelta | ReasoningDelta]:
        if delta.text:
            self.anything = True
            yield delta


async def _through_litellm(request: ModelRequest, *, route: ResolvedRoute) -> AsyncGenerator[ModelEvent]:
    seconds = settings.PROVIDER_SILENCE_SECONDS
    silence = _Silence(seconds)
    transport = GuardedTransport(
        base_url=route.base_url,
        wire=litellm_gateway.WIRES[route.provider],
        allow_private=route.allow_private,
        has_key=bool(route.key),
        alive=silence.touch,
    )
    report, provider = transport.report, route.provider_label
    cleaned = _Cleaned()
    failed: ErrorCode | None = None
    async with aclosing(litellm_gateway.stream(request, route=route, transport=transport)) as deltas:
        try:
            while (delta := await silence.next_of(deltas)) is not None:
                for event in cleaned.feed(delta):
                    yield event
        except TimeoutError:
            failed = ErrorCode.PROVIDER_SILENT
        except CallFailedError:
            failed = code_of_failure(report)
    for event in cleaned.flush():
        yield event
    if report.usage_known:
        yield report.usage
    failed = failed or _unfinished(transport, cleaned)
    if failed:
        raise failure(failed, provider=provider, report=report, seconds=seconds)
    yield Finished(report.finish or FinishReason.STOP)


def _unfinished(transport: GuardedTransport, cleaned: _Cleaned) -> ErrorCode | None:
    """Why a stream that seems to have ended well did not; the wire knows."""
    report = transport.report
    if report.error_text is not None or report.finish in {None, FinishReason.CONTENT_FILTER}:
        return code_of_failure(report)
    if not cleaned.anything:
        return ErrorCode.CONTENT_FILTERED if report.refused else ErrorCode.ANSWER_EMPTY
    return None
