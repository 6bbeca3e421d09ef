"""Who is behind a websocket: a token, or the session of a page of this very site."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from importlib import import_module
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

from accounts import factors, tokens
from accounts.models import User
from betterchat.core.db import in_thread

logger = logging.getLogger(__name__)

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


class Identity(NamedTuple):
    """How a socket was let in. `reference`: the id of the token, or the key of the session."""

    user: User
    by: Literal["token", "session"]
    reference: int | str
    rights: tuple[bool, bool]


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int


def authenticate(app: Application) -> Application:
    """Wrap a websocket application: sets `scope["user"]` and `scope["auth"]` ("token", "session", None).

    A bearer token decides alone: a wrong one is not made good by a cookie. The cookie counts only for
    pages of this site (`scope["auth_refused"] == "origin"` otherwise): browsers send it along with the
    websocket of any page anywhere, and no CSRF token stands in the way. Where the database can't be
    asked, nobody is let in: `scope["auth_refused"] == "unavailable"`.
    """

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        token = _bearer_token(scope)
        identity = None
        refused = None
        try:
            if token is not None:
                identity = await in_thread(_by_token)(token)
            elif not _comes_from_this_site(scope):
                refused = "origin"
            elif session_key := _session_key(scope):
                identity = await in_thread(_by_session)(session_key)
        except DatabaseError as error:
            logger.warning("nobody can be let in: %s", type(error).__name__)
            refused = "unavailable"
        await app(
            {
                **scope,
                "user": identity.user if identity else AnonymousUser(),
                "auth": identity.by if identity else None,
                "auth_refused": refused,
                "identity": identity,
            },
            receive,
            send,
        )

    return authenticated


def is_still_authorised(scope: Scope) -> bool:
    """Whether the socket would be let in again: asked before each command. One or two small queries.

    False once the person is suspended, signed out, has changed the password, or the token ended.
    """
    identity: Identity | None = scope.get("identity")
    return identity is not None and is_allowed(identity)


def is_allowed(identity: Identity) -> bool:
    """Also False once an operator is none any more: the socket still holds the rights it came with."""
    if isinstance(identity.reference, int):
        now = tokens.person_of(identity.reference)
    else:
        found = _by_session(identity.reference)
        now = found.user if found else None
    if now is None or now.pk != identity.user.pk:
        return False
    return all(now_has >= had for now_has, had in zip(_rights(now), identity.rights, strict=True))


def _rights(user: User) -> tuple[bool, bool]:
    return user.is_staff, user.is_superuser


def _by_token(raw: str) -> Identity | None:
    token = tokens.find(raw)
    return Identity(token.user, "token", token.pk, _rights(token.user)) if token else None


def _by_session(session_key: str) -> Identity | None:
    request = HttpRequest()
    request.session = _session_store(session_key)
    user = auth.get_user(request)  # checks that user and password are still the session's
    if not isinstance(user, User) or not user.is_active or factors.is_missing(user):
        return None
    return Identity(user, "session", session_key, _rights(user))


def _session_store(session_key: str) -> SessionBase:
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return store


def _bearer_token(scope: Scope) -> str | None:
    """The token of `Authorization: Bearer …`; None without one (a proxy's Basic header is not ours)."""
    for value in _headers(scope, b"authorization"):
        kind, _, token = value.strip().partition(" ")
        if kind.lower() == "bearer":
            return token.strip()
    return None


def _session_key(scope: Scope) -> str | None:
    cookies = parse_cookie("; ".join(_headers(scope, b"cookie")))
    return cookies.get(settings.SESSION_COOKIE_NAME)


def _comes_from_this_site(scope: Scope) -> bool:
    origins = list(_headers(scope, b"origin"))
    if len(origins) != 1:
        return False
    origin = _parse_origin(origins[0])
    if origin is None:
        return False
    return origin == _own_origin(scope) or any(
        _matches(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS
    )


def _own_origin(scope: Scope) -> _Origin | None:
    """Where this page must have come from: the scheme and Host the browser itself used."""
    forwarded = list(_headers(scope, b"x-forwarded-host")) if settings.USE_X_FORWARDED_HOST else []
    hosts = forwarded or list(_headers(scope, b"host"))
    if len(hosts) != 1:
        return None
    domain, _port = split_domain_port(hosts[0])
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return None
    return _parse_origin(f"{_scheme(scope)}://{hosts[0]}")


def _scheme(scope: Scope) -> str:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure_value = settings.SECURE_PROXY_SSL_HEADER
        header = name.removeprefix("HTTP_").replace("_", "-").lower().encode("ascii")
        for value in _headers(scope, header):
            return "https" if value.split(",")[0].strip() == secure_value else "http"
    return _SCHEMES.get(scope.get("scheme", "ws"), "http")


def _parse_origin(text: str) -> _Origin | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    exact = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if not exact or not parts.hostname or parts.scheme not in _DEFAULT_PORTS:
        return None
    return _Origin(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme])


def _matches(origin: _Origin, trusted: str) -> bool:
    """`trusted` as in CSRF_TRUSTED_ORIGINS, where `https://*.example.org` stands for all subdomains."""
    parsed = _parse_origin(trusted.replace("://*.", "://", 1))
    if parsed is None or (origin.scheme, origin.port) != (parsed.scheme, parsed.port):
        return False
    return is_same_domain(origin.host, f".{parsed.host}" if "://*." in trusted else parsed.host)


def _headers(scope: Scope, name: bytes) -> Iterable[str]:
    return (value.decode("latin-1") for key, value in scope.get("headers", ()) if key.lower() == name)
