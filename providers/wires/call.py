"""One call over a native wire: the request out, the body in, bounded in silence, time and bytes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import aiohttp
from django.conf import settings

from betterchat.core.outbound import AddressRefusedError
from providers.events import ModelEvent, ModelRequest
from providers.routing import ResolvedRoute
from providers.sessions import HTML, call_timeout, first_bytes, note_exception, note_head, session
from providers.wires.base import HttpRequest, Reader, WireReport
from providers.wires.registry import NativeWire
from providers.wires.sse import LineTooLongError, ServerSentEvents

_LOOP_SHARE_SECONDS = 0.02
_GOODBYE_SECONDS = 0.1
_AFTERWARDS_SECONDS = 5


async def stream(
    request: ModelRequest, *, route: ResolvedRoute, wire: NativeWire, report: WireReport
) -> AsyncGenerator[ModelEvent]:
    """The events as the provider tells them. Never raises for what the provider does: see `report`.

    Closing the generator, or a cancellation, breaks the connection at once.
    """
    response = await _send(wire.build_request(request, route), route=route, report=report)
    if response is None:
        return
    body = _Body(wire, wire.reader(model=route.provider_model), report)
    loop = asyncio.get_running_loop()
    slice_began = loop.time()
    try:
        async for data in _pieces(response, report=report):
            for event in body.feed(data):
                yield event
            if report.ended:
                break
            # What is buffered already would be read without ever giving the loop to others.
            if loop.time() - slice_began > _LOOP_SHARE_SECONDS:
                await asyncio.sleep(0)
                slice_began = loop.time()
        for event in body.finish():
            yield event
        await _goodbye(response, report=report)
    finally:
        response.close()  # no more than a formality where the body was read to its end


async def _pieces(response: aiohttp.ClientResponse, *, report: WireReport) -> AsyncGenerator[bytes]:
    """The body as it arrives, until it ends, breaks, or passes a bound."""
    size = 0
    read: Callable[[], Awaitable[bytes]] = response.content.readany
    try:
        while data := await read():
            size += len(data)
            if size > settings.PROVIDER_BYTES_MAX:
                report.broken = True
                return
            yield data
            if report.finish is not None:
                read = _bounded(response.content.readany)
    except (aiohttp.ClientError, OSError) as error:
        note_exception(report, error)


def _bounded(read: Callable[[], Awaitable[bytes]]) -> Callable[[], Awaitable[bytes]]:
    """For what may follow the reason of the end: counts, a last word, or nothing from a server that waits."""

    async def soon() -> bytes:
        try:
            async with asyncio.timeout(_AFTERWARDS_SECONDS):
                return await read()
        except TimeoutError:
            return b""

    return soon


async def _send(
    request: HttpRequest, *, route: ResolvedRoute, report: WireReport
) -> aiohttp.ClientResponse | None:
    """The response that is to be read; None where there is nothing to read, with the reason in `report`."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "Better-Chat",
        **request.headers,
    }
    try:
        response = await session(allow_private=route.allow_private).post(
            route.base_url + request.path,
            headers=headers,
            data=request.body,
            allow_redirects=False,
            timeout=call_timeout(),
        )
    except (aiohttp.ClientError, AddressRefusedError, OSError, ValueError) as error:
        note_exception(report, error)
        return None
    note_head(report, response)
    if response.status == 200 and response.content_type not in HTML:
        return response
    report.not_a_stream = response.status == 200
    report.error_body = (await first_bytes(response)).decode(errors="replace")
    return None


class _Body:
    """Finds out what a body is: frames, one JSON document, or nothing of the kind. Content types lie."""

    def __init__(self, wire: NativeWire, reader: Reader, report: WireReport) -> None:
        self._reader = reader
        reader.report = self._report = report
        self._framing = wire.framing()
        self._document: bytearray | None = None
        self._sniffed = False
        self._sse = wire.framing is ServerSentEvents

    def feed(self, data: bytes) -> Iterator[ModelEvent]:
        if not self._sniffed and (start := data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]):
            self._sniffed = True
            if self._sse and start in {b"{", b"[", b"<"}:
                self._document = bytearray()
        if self._document is not None:
            self._document += data
            return
        try:
            for payload, name in self._framing.feed(data):
                yield from self._reader.feed(payload, name)
                if self._report.ended:
                    return
        except LineTooLongError:
            self._report.broken = self._report.ended = True

    def finish(self) -> Iterator[ModelEvent]:
        report = self._report
        if self._document is not None:
            yield from self._whole(bytes(self._document).strip(b"\xef\xbb\xbf \t\r\n"))
        elif not report.ended:
            garbled = report.garbled
            for payload, name in self._framing.flush():
                yield from self._reader.feed(payload, name)
            report.garbled = garbled  # a frame that was cut is a cut
        yield from self._reader.finish()

    def _whole(self, document: bytes) -> Iterator[ModelEvent]:
        report = self._report
        yield from self._reader.feed_whole(document)
        if report.garbled and not report.broken:
            report.garbled = False
            for line in document.splitlines():  # frames without their `data:`
                yield from self._reader.feed(line)
            report.broken |= report.garbled
        if report.error_text is not None and not report.recognized:
            report.status = report.error_status or 400
            report.error_body = report.error_text
        report.not_a_stream = not report.recognized and not report.broken


async def _goodbye(response: aiohttp.ClientResponse, *, report: WireReport) -> None:
    """Where the server ends the body right behind its last word, the connection serves the next call."""
    if not report.ended or response.content.at_eof():
        return
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await response.content.readany()
    except (aiohttp.ClientError, OSError):
        pass
