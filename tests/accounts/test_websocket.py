import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import tokens
from accounts.models import User
from accounts.websocket import authenticate, is_still_authorised

# Real commits: the middleware asks from a thread with a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


async def _nothing(*_: object) -> Any:
    return {}


def _connect(headers: dict[str, str], *, scheme: str = "ws") -> dict[str, Any]:
    """Run the middleware and return the scope that the application behind it was given."""
    seen: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        seen.append(scope)

    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "websocket", "scheme": scheme, "path": "/ws/", "headers": encoded}
    asyncio.run(authenticate(application)(scope, _nothing, _nothing))
    return seen[0]


@pytest.fixture
def cookie(alice: User, settings: Settings) -> str:
    settings.ALLOWED_HOSTS = ["chat.example.org", "localhost", "[::1]", "192.168.1.5"]
    settings.CSRF_TRUSTED_ORIGINS = []
    browser = Client()
    browser.force_login(alice)
    name = settings.SESSION_COOKIE_NAME
    return f"theme=dark; {name}={browser.cookies[name].value}"


HOST, ORIGIN = "chat.example.org", "http://chat.example.org"


def test_a_page_of_this_site_is_the_person_of_its_session(cookie: str, alice: User) -> None:
    scope = _connect({"Host": HOST, "Origin": ORIGIN, "Cookie": cookie})
    assert (scope["user"], scope["auth"]) == (alice, "session")
    assert is_still_authorised(scope)


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "welcome"),
    [
        ("ws", "chat.example.org", "http://chat.example.org", True),
        ("ws", "chat.example.org", "http://chat.example.org:80", True),
        ("ws", "chat.example.org:80", "http://chat.example.org", True),
        ("ws", "Chat.Example.Org", "http://chat.example.org", True),
        ("wss", "chat.example.org", "https://chat.example.org", True),
        ("wss", "chat.example.org:443", "https://chat.example.org", True),
        ("ws", "192.168.1.5:8000", "http://192.168.1.5:8000", True),
        ("ws", "[::1]:8000", "http://[::1]:8000", True),
        ("wss", "chat.example.org", "http://chat.example.org", False),
        ("ws", "chat.example.org", "https://chat.example.org", False),
        ("ws", "localhost:8000", "http://localhost:8001", False),
        ("ws", "localhost:8000", "http://localhost", False),
        ("ws", "chat.example.org", "http://evil.example", False),
        ("ws", "chat.example.org", "http://chat.example.org.evil.example", False),
        ("ws", "chat.example.org", "http://evil.chat.example.org", False),
        ("ws", "chat.example.org", "http://chat.example.org/path", False),
        ("ws", "chat.example.org", "http://user@chat.example.org", False),
        ("ws", "chat.example.org", "http://chat.example.org:99999", False),
        ("ws", "chat.example.org", "null", False),
        ("ws", "chat.example.org", "", False),
        ("ws", "chat.example.org", "chat.example.org", False),
        ("ws", "chat.example.org", "file://", False),
        ("ws", "evil.example", "http://evil.example", False),
    ],
)
def test_the_cookie_counts_for_pages_of_this_site_only(
    cookie: str, scheme: str, host: str, origin: str, welcome: bool
) -> None:
    scope = _connect({"Host": host, "Origin": origin, "Cookie": cookie}, scheme=scheme)
    assert scope["auth"] == ("session" if welcome else None)
    assert scope["auth_refused"] == (None if welcome else "origin")
    assert isinstance(scope["user"], User if welcome else AnonymousUser)


def test_without_an_origin_the_cookie_counts_for_nothing(cookie: str) -> None:
    scope = _connect({"Host": HOST, "Cookie": cookie})
    assert (scope["auth"], scope["auth_refused"]) == (None, "origin")


def test_a_trusted_origin_is_welcome(cookie: str, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example.org", "https://*.example.com"]
    for origin, by in {
        "https://app.example.org": "session",
        "http://app.example.org": None,
        "https://a.example.com": "session",
        "https://example.com.evil.example": None,
    }.items():
        assert _connect({"Host": HOST, "Origin": origin, "Cookie": cookie})["auth"] == by, origin


def test_behind_a_trusted_proxy_its_scheme_counts(cookie: str, settings: Settings) -> None:
    headers = {
        "Host": HOST,
        "Origin": "https://chat.example.org",
        "Cookie": cookie,
        "X-Forwarded-Proto": "https",
    }
    settings.SECURE_PROXY_SSL_HEADER = None
    assert _connect(headers)["auth"] is None
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert _connect(headers)["auth"] == "session"
    assert _connect({**headers, "X-Forwarded-Proto": "http"})["auth"] is None


def test_a_token_needs_no_origin(alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    scope = _connect({"Host": HOST, "Authorization": f"bearer {raw}"})
    assert (scope["user"], scope["auth"]) == (alice, "token")
    assert is_still_authorised(scope)


@pytest.mark.parametrize("raw", ["", "bct_" + "x" * 43, "nonsense", "x" * 1_000_000])
def test_a_wrong_token_is_not_made_good_by_a_cookie(cookie: str, raw: str) -> None:
    headers = {"Host": HOST, "Origin": ORIGIN, "Cookie": cookie, "Authorization": f"Bearer {raw}"}
    scope = _connect(headers)
    assert (scope["auth"], isinstance(scope["user"], AnonymousUser)) == (None, True)


def test_a_proxys_basic_header_is_not_a_token(cookie: str) -> None:
    headers = {"Host": HOST, "Origin": ORIGIN, "Cookie": cookie, "Authorization": "Basic abc"}
    assert _connect(headers)["auth"] == "session"


@pytest.mark.parametrize("cookies", ["", "betterchat_session=", "betterchat_session=x", "=;;=", "\xff=\xfe"])
def test_a_made_up_cookie_is_nobody(cookie: str, cookies: str) -> None:
    del cookie
    scope = _connect({"Host": HOST, "Origin": ORIGIN, "Cookie": cookies})
    assert (scope["auth"], scope["auth_refused"]) == (None, None)
    assert not is_still_authorised(scope)


def test_sign_out_password_change_and_suspension_end_a_session(alice: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = [HOST, "testserver"]
    name = settings.SESSION_COOKIE_NAME

    def connected() -> tuple[Client, dict[str, Any]]:
        browser = Client()
        browser.force_login(alice)
        cookies = f"{name}={browser.cookies[name].value}"
        scope = _connect({"Host": HOST, "Origin": ORIGIN, "Cookie": cookies})
        assert is_still_authorised(scope)
        return browser, scope

    browser, scope = connected()
    browser.post(reverse("account_logout"))
    assert not is_still_authorised(scope)
    _, scope = connected()
    alice.set_password("another horse battery")
    alice.save()
    assert not is_still_authorised(scope)
    _, scope = connected()
    User.objects.update(is_active=False)
    assert not is_still_authorised(scope)


def test_a_revoked_token_ends_its_sockets(alice: User) -> None:
    raw = tokens.issue(alice, name="script")
    scope = _connect({"Host": HOST, "Authorization": f"Bearer {raw}"})
    tokens.revoke(alice)
    assert not is_still_authorised(scope)
