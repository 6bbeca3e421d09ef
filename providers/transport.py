"""The one way out for calls made by litellm: its HTTP client sits on our guarded session.

litellm takes a client per call (`client=`), httpx takes a transport per client. Ours checks the dialled
address (core.outbound), speaks only to the endpoint's own host, adds nothing from the environment,
follows no redirect, makes one request per call, and notes in a WireReport what really came back: litellm
reports every stream that ends early as finished and makes up token counts that were not sent. Nearly all
that it is used for answers in OpenAI's format, so the bytes are read a second time by our own reader of
that; where it recognizes nothing, litellm's word has to do.
"""

from collections.abc import AsyncIterator

import aiohttp
import httpx
from django.conf import settings

from betterchat.core.outbound import AddressRefusedError
from providers.sessions import HTML, call_timeout, first_bytes, note_exception, note_head, session
from providers.wires.base import WireReport
from providers.wires.openai_chat import OpenAIChatReader
from providers.wires.sse import LineTooLongError, ServerSentEvents

# litellm insists on a key where an endpoint has none; what it makes of it is not sent.
_KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_CLIENT_FINGERPRINTS = "x-stainless-"


class GuardedTransport(httpx.AsyncBaseTransport):
    """Serves exactly one request of one call."""

    def __init__(self, *, base_url: str, allow_private: bool, has_key: bool, report: WireReport) -> None:
        self.report = report
        self._origin = _origin(httpx.URL(base_url))
        self._allow_private = allow_private
        self._has_key = has_key
        self._frames = ServerSentEvents()
        self._reader = OpenAIChatReader()
        self._reader.report = report
        self._response: aiohttp.ClientResponse | None = None
        self.used = False

    def abort(self) -> None:
        """Break the connection now, whatever the layers above still hold."""
        if self._response is not None:
            self._response.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.used or _origin(request.url) != self._origin:
            raise httpx.UnsupportedProtocol("Only one request, to the endpoint's own host.", request=request)
        self.used = True
        response = self._response = await self._send(request)
        note_head(self.report, response)
        if response.status != 200:
            return await self._refused(response, request)
        if response.content_type in HTML or response.content_type == "application/json":
            return await self._not_a_stream(response, request)
        headers = {"content-type": response.headers.get("Content-Type", "text/event-stream")}
        return httpx.Response(200, headers=headers, stream=_Body(self._chunks(response)), request=request)

    async def _send(self, request: httpx.Request) -> aiohttp.ClientResponse:
        try:
            return await session(allow_private=self._allow_private).request(
                request.method,
                str(request.url),
                headers=self._headers(request),
                data=await request.aread(),
                allow_redirects=False,
                timeout=call_timeout(),
            )
        except (aiohttp.ClientError, AddressRefusedError, OSError) as error:
            note_exception(self.report, error)
            raise httpx.UnsupportedProtocol("not answered", request=request) from error

    def _headers(self, request: httpx.Request) -> dict[str, str]:
        dropped = {"host", "content-length", "accept-encoding", "connection"}
        if not self._has_key:
            dropped |= set(_KEY_HEADERS)
        kept = {
            name: value
            for name, value in request.headers.items()
            if value and name not in dropped and not name.startswith(_CLIENT_FINGERPRINTS)
        }
        return {**kept, "accept-encoding": "identity", "user-agent": "Better-Chat"}

    async def _refused(self, response: aiohttp.ClientResponse, request: httpx.Request) -> httpx.Response:
        """Keep the body for matching only; litellm gets the bare status, so that it can't print a key."""
        self.report.error_body = (await first_bytes(response)).decode(errors="replace")
        status = response.status if response.status >= 400 else 502
        return httpx.Response(status, json={"error": {"message": "refused"}}, request=request)

    async def _not_a_stream(self, response: aiohttp.ClientResponse, request: httpx.Request) -> httpx.Response:
        body = await first_bytes(response)
        self.report.not_a_stream = True
        if b'"error"' in body:
            self.report.status, self.report.error_body = 400, body.decode(errors="replace")
        return httpx.Response(502, json={"error": {"message": "not a stream"}}, request=request)

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for data in response.content.iter_any():
                size += len(data)
                if size > settings.PROVIDER_BYTES_MAX:
                    raise LineTooLongError
                for payload, name in self._frames.feed(data):
                    self._note(payload, name)
                yield data
        except (aiohttp.ClientError, OSError, LineTooLongError) as error:
            note_exception(self.report, error)
            raise httpx.ReadError("broken") from error
        finally:
            for payload, name in self._frames.flush():
                self._note(payload, name)
            for _ in self._reader.finish():
                pass
            response.close()

    def _note(self, payload: bytes, name: str) -> None:
        for _ in self._reader.feed(payload, name):
            pass


class _Body(httpx.AsyncByteStream):
    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
