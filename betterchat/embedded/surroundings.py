"""What `serve` looks at before it starts anything slow: the port, servers of others, own addresses."""

import contextlib
import errno
import http.client
import ipaddress
import socket
import time

import psycopg
import redis

from betterchat.embedded.processes import CannotStart, last_line

_CONNECT_SECONDS = 4
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not bound
# Nothing is sent there: connecting a UDP socket only asks the routing table which address is ours.
_FAR_AWAY = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def check_port(*, host: str, port: int, patience_seconds: float) -> None:
    """Bind and release. `patience` is for the web process of a `serve` that was killed a moment ago."""
    deadline = time.monotonic() + patience_seconds
    while (refusal := _bind_error(host=host, port=port)) is not None:
        if refusal.errno == errno.EADDRINUSE and time.monotonic() < deadline:
            time.sleep(0.1)
        elif refusal.errno == errno.EADDRINUSE:
            raise CannotStart(f"port {port} on {host} is in use by another program: choose one with --port.")
        elif refusal.errno == errno.EACCES:
            raise CannotStart(f"port {port} is reserved for root: choose one above 1023 with --port.")
        else:
            raise CannotStart(f"{host} is not an address of this machine ({refusal.strerror}): see --host.")


def check_database(url: str, *, setting: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_SECONDS).close()
    except psycopg.Error as error:
        raise CannotStart(f"{setting} does not lead to a database: {last_line(str(error))}") from None


def check_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_CONNECT_SECONDS
        ) as connection:
            connection.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise CannotStart(f"REDIS_URL does not lead to Redis or Valkey: {last_line(str(error))}") from None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def local_host(host: str) -> str:
    """Where this machine itself reaches a server that listens on `host`."""
    return _ANY_HOST.get(host, host)


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def lan_addresses(host: str) -> list[str]:
    """Addresses under which others reach a server that listens on `host`, the likeliest first."""
    if is_loopback(host):
        return []
    if host not in _ANY_HOST:
        return [host]
    families = [(family, far) for family, far in _FAR_AWAY if family == socket.AF_INET or ":" in host]
    found = [address for family, far in families if (address := _own_address(family, far=far))]
    with contextlib.suppress(socket.gaierror):  # a name that nothing resolves is common in containers
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)]
    wanted = [address for address in found if ":" in host or ":" not in address]
    return [
        address
        for address in dict.fromkeys(wanted)
        if not (ip := ipaddress.ip_address(address)).is_loopback and not ip.is_link_local
    ]


def answers_http(*, host: str, port: int) -> bool:
    """Whether a web server answers there, with whatever status below 500."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _bind_error(*, host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def _own_address(family: int, *, far: str) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
