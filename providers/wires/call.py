"""One call over a native wire: the request out, the body in, bounded in silence, time and bytes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import aiohttp
from django.conf import settings

from betterchat.core.outbound import AddressRefusedError
from providers.events import Heartbeat, ModelEvent, ModelRequest
from providers.routing import ResolvedRoute
from providers.sessions import HTML, call_timeout, first_bytes, note_exception, note_head, session
from providers.wires.base import HttpRequest, WireReport
from providers.wires.body import Body
from providers.wires.pace import Pace
from providers.wires.registry import NativeWire

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
    body = Body(wire, wire.reader(model=route.provider_model), report)
    loop = asyncio.get_running_loop()
    slice_began = loop.time()
    try:
        with Pace.current():
            async for data in _pieces(response, report=report):
                quiet = True
                for event in body.feed(data):
                    yield event
                    quiet = False
                if quiet:
                    yield Heartbeat()
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
    size, limit = 0, settings.PROVIDER_BYTES_MAX
    read: Callable[[], Awaitable[bytes]] = response.content.readany
    pace = Pace.current()
    try:
        while data := await read():
            size += len(data)
            if size > limit:
                report.broken = True
                return
            yield data
            if report.finish is None:
                await pace.rest(response)
            else:
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


async def _goodbye(response: aiohttp.ClientResponse, *, report: WireReport) -> None:
    """Where the server ends the body right behind its last word, the connection serves the next call."""
    if not report.ended or response.content.at_eof():
        return
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await response.content.readany()
    except (aiohttp.ClientError, OSError):
        pass
