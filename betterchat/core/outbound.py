"""The one door to the outside: HTTP whose every connection is checked on the address it really dials.

A check of the URL's text, or a look-up before the call, can be talked around (odd spellings, names that
resolve differently twice). Here the check sits in the socket factory: it sees the address of each
connection attempt, after all parsing and all resolving, whatever led there.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractCookieJar

CONNECT_SECONDS = 10.0
RESPONSE_BYTES_MAX = 8 * 1024 * 1024
TOTAL_SECONDS = 15.0

type _Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type _Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# What an operator may open for one endpoint: this machine and the networks behind it.
_PRIVATE = _networks(
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"
)
# Never dialled, whatever was opened: where clouds serve credentials to whoever asks.
_METADATA = _networks("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::/32")
# Global by the letter of the registry, but another address in disguise, or no single host.
_DISGUISED = _networks(
    "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20", "64:ff9b::/96", "64:ff9b:1::/48"
)
_GLOBAL_UNICAST_V6 = ipaddress.ip_network("2000::/3")


class AddressRefusedError(Exception):
    """The address that was about to be dialled is not one this server may call."""


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    content_type: str
    body: bytes


def may_dial(text: str, *, allow_private: bool) -> bool:
    """Whether a connection to the IP address `text`, as the resolver gave it, may be opened."""
    try:
        address: _Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in _METADATA):
        return False
    if any(address in network for network in _PRIVATE):
        return allow_private
    return _is_public(address) and (allow_private or not _is_own(address))


def _is_public(address: _Address) -> bool:
    if not address.is_global or address.is_multicast or any(address in network for network in _DISGUISED):
        return False
    return address.version == 4 or address in _GLOBAL_UNICAST_V6


def _is_own(address: _Address) -> bool:
    """Whether a public address belongs to this machine, where services may listen for nobody else.

    Connecting a datagram socket sends nothing; the kernel picks the source address, which for one's
    own address is that address itself.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return str(probe.getsockname()[0]) == str(address)
    except OSError:
        return False


def check_url(url: str) -> str:
    """The URL without a trailing slash; ValueError with a sentence where it can't be an endpoint's."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The address must start with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise ValueError("The address must not contain a user name or password.")
    if parts.query or parts.fragment:
        raise ValueError("The address must not contain a query or fragment.")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("The port must be a number up to 65535.") from None
    return url.strip().rstrip("/")


def open_session(*, allow_private: bool) -> aiohttp.ClientSession:
    """A client whose connections are all checked. Close it; use it in the event loop that made it.

    Sessions with different permissions must stay apart: a pooled connection is not checked again.
    Neither proxies nor .netrc of the environment are used, cookies are not kept, and callers pass
    `allow_redirects=False` (or check where a redirect leads themselves).
    """

    def checked_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        if not may_dial(str(target[0]), allow_private=allow_private):
            raise AddressRefusedError(str(target[0]))
        return socket.socket(family, kind, protocol)

    jar: AbstractCookieJar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, socket_factory=checked_socket),
        cookie_jar=jar,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
    )


async def fetch(
    url: str,
    *,
    allow_private: bool,
    headers: Mapping[str, str] | None = None,
    total_seconds: float = TOTAL_SECONDS,
    max_bytes: int = RESPONSE_BYTES_MAX,
) -> Fetched:
    """GET a small document. Redirects are answers like others, not followed.

    Raises AddressRefusedError, aiohttp.ClientError, TimeoutError, or ValueError for a body over `max_bytes`.
    """
    timeout = aiohttp.ClientTimeout(total=total_seconds, sock_connect=min(CONNECT_SECONDS, total_seconds))
    async with (
        open_session(allow_private=allow_private) as session,
        session.get(url, headers=headers, allow_redirects=False, timeout=timeout) as response,
    ):
        body = bytearray()
        async for piece in response.content.iter_chunked(65_536):
            body += piece
            if len(body) > max_bytes:
                raise ValueError("The answer is larger than expected.")
        return Fetched(response.status, response.content_type, bytes(body))


async def refuse_private(url: str, *, allow_private: bool) -> None:
    """Say early that an address will not be dialled: AddressRefusedError. A courtesy, not the guard.

    Names that don't resolve now pass; every connection is checked when it is made.
    """
    parts = urlsplit(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 443)
    except OSError:
        return
    for _, _, _, _, target in found:
        if not may_dial(str(target[0]), allow_private=allow_private):
            raise AddressRefusedError(str(target[0]))
