"""Connections to providers: one guarded session per event loop and permission, kept open between calls."""

import asyncio
import email.utils
import time
from weakref import WeakKeyDictionary

import aiohttp
from django.conf import settings

from betterchat.core.outbound import CONNECT_SECONDS, AddressRefusedError, open_session
from providers.wires.base import ERROR_BODY_BYTES_MAX, WireReport

RETRY_AFTER_SECONDS_MAX = 24 * 3600
HTML = {"text/html", "application/xhtml+xml"}

type _Sessions = dict[bool, aiohttp.ClientSession]

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sessions] = WeakKeyDictionary()


def session(*, allow_private: bool) -> aiohttp.ClientSession:
    mine = _sessions.setdefault(asyncio.get_running_loop(), {})
    found = mine.get(allow_private)
    if found is None or found.closed:
        found = mine[allow_private] = open_session(allow_private=allow_private)
    return found


async def close_sessions() -> None:
    """Close the running loop's connections; for the end of a worker."""
    for each in _sessions.pop(asyncio.get_running_loop(), {}).values():
        await each.close()


def call_timeout() -> aiohttp.ClientTimeout:
    """Any byte ends a silence, so that heartbeats keep a call alive; nothing extends the total."""
    return aiohttp.ClientTimeout(
        total=settings.PROVIDER_TOTAL_SECONDS,
        sock_connect=CONNECT_SECONDS,
        sock_read=settings.PROVIDER_SILENCE_SECONDS,
    )


def note_exception(report: WireReport, error: Exception) -> None:
    """What an exception of aiohttp means for the call."""
    match error:
        case AddressRefusedError():
            report.address_refused = True
        case aiohttp.InvalidURL() | aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            report.unreachable = True
        case aiohttp.SocketTimeoutError():
            report.silent = True
        case TimeoutError():
            report.timed_out = True
        case _:
            report.broken = True


def note_head(report: WireReport, response: aiohttp.ClientResponse) -> None:
    report.status = response.status
    report.retry_after_seconds = _retry_after(response.headers.get("Retry-After", ""))


async def first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of an answer that is an error, for matching. Closes the connection."""
    body = bytearray()
    try:
        async for piece in response.content.iter_chunked(16_384):
            body += piece
            if len(body) >= ERROR_BODY_BYTES_MAX:
                break
    except (aiohttp.ClientError, OSError):
        pass  # what came is enough to tell what failed
    finally:
        response.close()
    return bytes(body)


def _retry_after(value: str) -> int | None:
    """Seconds from either form of the header, within bounds."""
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]), RETRY_AFTER_SECONDS_MAX)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0, min(round(moment.timestamp() - time.time()), RETRY_AFTER_SECONDS_MAX))
