"""The one way out for calls made by litellm: its HTTP client sits on our guarded session.

litellm takes a client per call (`client=`), httpx takes a transport per client. Ours checks the dialled
address (core.outbound), speaks only to the endpoint's own host, adds nothing from the environment,
follows no redirect, makes one request per call, and notes in a WireReport what really came back.
"""

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator, Callable
from weakref import WeakKeyDictionary

import aiohttp
import httpx

from betterchat.core.outbound import AddressRefusedError, open_session
from providers.wire import LineTooLongError, Watcher
from providers.wire_frames import ERROR_BODY_BYTES_MAX, Wire, WireReport

STREAM_BYTES_MAX = 256 * 1024 * 1024
RETRY_AFTER_SECONDS_MAX = 24 * 3600
# litellm insists on a key where an endpoint has none; what it makes of it is not sent.
_KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_CLIENT_FINGERPRINTS = "x-stainless-"
_HTML = {"text/html", "application/xhtml+xml"}

type _Sessions = dict[bool, aiohttp.ClientSession]

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sessions] = WeakKeyDictionary()


def _session(*, allow_private: bool) -> aiohttp.ClientSession:
    """One session per event loop and permission, so that connections are kept open between calls."""
    mine = _sessions.setdefault(asyncio.get_running_loop(), {})
    session = mine.get(allow_private)
    if session is None or session.closed:
        session = mine[allow_private] = open_session(allow_private=allow_private)
    return session


async def close_sessions() -> None:
    """Close the running loop's connections; for the end of a worker."""
    for session in _sessions.pop(asyncio.get_running_loop(), {}).values():
        await session.close()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Serves exactly one request of one call. `alive` is called whenever bytes arrive."""

    def __init__(
        self, *, base_url: str, wire: Wire, allow_private: bool, has_key: bool, alive: Callable[[], None]
    ) -> None:
        self.report = WireReport()
        self._origin = _origin(httpx.URL(base_url))
        self._allow_private = allow_private
        self._has_key = has_key
        self._alive = alive
        self._watcher = Watcher(wire, self.report)
        self._response: aiohttp.ClientResponse | None = None
        self._used = False

    def abort(self) -> None:
        """Break the connection now, whatever the layers above still hold."""
        if self._response is not None:
            self._response.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._used or _origin(request.url) != self._origin:
            raise httpx.UnsupportedProtocol("Only one request, to the endpoint's own host.", request=request)
        self._used = True
        response = self._response = await self._send(request)
        self._alive()
        self.report.status = response.status
        self.report.retry_after_seconds = _retry_after(response.headers.get("Retry-After", ""))
        if response.status != 200:
            return await self._refused(response, request)
        if response.content_type in _HTML or response.content_type == "application/json":
            return await self._not_a_stream(response, request)
        headers = {"content-type": response.headers.get("Content-Type", "text/event-stream")}
        return httpx.Response(200, headers=headers, stream=_Body(self._chunks(response)), request=request)

    async def _send(self, request: httpx.Request) -> aiohttp.ClientResponse:
        try:
            return await _session(allow_private=self._allow_private).request(
                request.method,
                str(request.url),
                headers=self._headers(request),
                data=await request.aread(),
                allow_redirects=False,
            )
        except AddressRefusedError as error:
            self.report.address_refused = True
            raise httpx.UnsupportedProtocol("address refused", request=request) from error
        except (aiohttp.InvalidURL, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self.report.unreachable = True
            raise httpx.ReadError("unreachable", request=request) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.report.broken = True
            raise httpx.ReadError("broken", request=request) from error

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
        self.report.error_body = (await self._first_bytes(response)).decode(errors="replace")
        status = response.status if response.status >= 400 else 502
        return httpx.Response(status, json={"error": {"message": "refused"}}, request=request)

    async def _not_a_stream(self, response: aiohttp.ClientResponse, request: httpx.Request) -> httpx.Response:
        body = await self._first_bytes(response)
        self.report.not_a_stream = True
        if b'"error"' in body:
            self.report.status, self.report.error_body = 400, body.decode(errors="replace")
        return httpx.Response(502, json={"error": {"message": "not a stream"}}, request=request)

    async def _first_bytes(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        try:
            async for piece in response.content.iter_chunked(16_384):
                self._alive()
                body += piece
                if len(body) >= ERROR_BODY_BYTES_MAX:
                    break
        except (aiohttp.ClientError, OSError):
            pass  # what came is enough to tell what failed
        finally:
            response.close()
        return bytes(body)

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for data in response.content.iter_any():
                self._alive()
                size += len(data)
                if size > STREAM_BYTES_MAX:
                    raise LineTooLongError
                self._watcher.feed(data)
                yield data
        except (aiohttp.ClientError, OSError, LineTooLongError) as error:
            self.report.broken = True
            raise httpx.ReadError("broken") from error
        finally:
            self._watcher.end()
            response.release() if response.content.at_eof() else response.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _retry_after(value: str) -> int | None:
    """Seconds from either form of the header, within bounds."""
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]), RETRY_AFTER_SECONDS_MAX)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0, min(round(moment.timestamp() - time.time()), RETRY_AFTER_SECONDS_MAX))
