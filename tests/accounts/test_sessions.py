"""Where a person is signed in, and every way in which that ends."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.models import UserSession
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import devices, sessions, tokens
from accounts.models import PersonalAccessToken, User
from accounts.watch import Watch
from betterchat.asgi import application
from betterchat.core.db import in_thread
from chat.protocol.commands import SUBPROTOCOL
from tests.accounts.conftest import PASSWORD, who_is

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"


def a_browser(person: User, *, user_agent: str = FIREFOX) -> Client:
    """Signed in, with a page open."""
    browser = Client(headers={"user-agent": user_agent})
    browser.force_login(person)
    browser.get(reverse("accounts:home"))
    return browser


def listed(browser: Client) -> list[sessions.SignedIn]:
    page: list[sessions.SignedIn] = browser.get(reverse("accounts:sessions")).context["sessions"]
    return page


def test_the_page_names_device_and_place_and_which_one_this_is(alice: User) -> None:
    here = a_browser(alice)
    a_browser(alice, user_agent=EDGE)
    first, second = listed(here)
    assert (first.is_this, second.is_this) == (True, False)
    assert (first.device, second.device) == ("Firefox on Linux", "Edge on Windows")
    assert second.place == "The server's own machine"


def test_the_page_shows_no_session_key_and_nobody_elses_sessions(alice: User, bob: User) -> None:
    a_browser(bob, user_agent="Bobs/1.0")
    here, there = a_browser(alice), a_browser(alice)
    page = here.get(reverse("accounts:sessions")).content.decode()
    assert there.session.session_key
    assert there.session.session_key not in page
    assert "Bobs" not in page


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (IPHONE, "Safari on iPhone"),
        ("curl/8.1 (x)", "curl/8.1"),
        ("", devices.UNKNOWN),
        ("x" * 5000, "x" * 60),
        ("<script>", "<script>"),
    ],
)
def test_devices_are_named_as_they_name_themselves(user_agent: str, name: str) -> None:
    assert devices.name(user_agent) == name


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.168.1.7", "The local network, 192.168.1.7"),
        ("8.8.8.8", "The internet, 8.8.8.8"),
        ("::1", "The server's own machine"),
        ("0.0.0.0", "Address unknown"),
        ("nonsense", "Address unknown"),
    ],
)
def test_places_claim_no_more_than_the_address_says(address: str, place: str) -> None:
    assert devices.place(address) == place


def test_one_session_is_ended_and_the_others_stay(alice: User) -> None:
    here, there, third = a_browser(alice), a_browser(alice), a_browser(alice)
    row = UserSession.objects.get(session_key=there.session.session_key)
    here.post(reverse("accounts:end_session", args=[row.pk]))
    assert [who_is(browser) for browser in (here, there, third)] == [alice, None, alice]


def test_somebody_elses_session_is_not_there(alice: User, bob: User) -> None:
    here, bobs = a_browser(alice), a_browser(bob)
    row = UserSession.objects.get(user=bob)
    assert here.post(reverse("accounts:end_session", args=[row.pk])).status_code == 404
    assert here.post(reverse("accounts:end_session", args=[0])).status_code == 404
    assert who_is(bobs) == bob


def is_signed_in(browser: Client) -> bool:
    return browser.get(reverse("accounts:home")).status_code == 200


def test_all_others_end_also_one_that_no_list_knows(alice: User) -> None:
    here, listed_, unlisted = a_browser(alice), a_browser(alice), a_browser(alice)
    UserSession.objects.filter(session_key=unlisted.session.session_key).delete()
    here.post(reverse("accounts:end_other_sessions"))
    assert [is_signed_in(browser) for browser in (here, listed_, unlisted)] == [True, False, False]


def test_a_password_change_ends_the_others_only(alice: User) -> None:
    here, there = a_browser(alice), a_browser(alice)
    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": "another battery", "password2": "another battery"},
    )
    assert [is_signed_in(browser) for browser in (here, there)] == [True, False]


def test_a_changed_second_factor_ends_the_others_only(alice: User) -> None:
    here, there = a_browser(alice), a_browser(alice)
    request = HttpRequest()
    request.session, request.user = here.session, alice
    authenticator_added.send(
        sender=Authenticator, request=request, user=alice, authenticator=Authenticator(user=alice)
    )
    assert [is_signed_in(browser) for browser in (here, there)] == [True, False]


def test_being_here_is_noted_once_a_minute_not_on_every_request(alice: User) -> None:
    browser = a_browser(alice)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get(reverse("accounts:home"))
    assert not [query for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    browser.get(reverse("accounts:home"))
    assert UserSession.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)


# --- Websockets -----------------------------------------------------------------------------------------
async def _socket(person: User, settings: Settings) -> tuple[Client, WebsocketCommunicator]:
    settings.ALLOWED_HOSTS = ["testserver"]
    browser = await in_thread(a_browser)(person)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver"), (b"cookie", cookie.encode())]
    return browser, await _opened(headers)


async def _opened(headers: list[tuple[bytes, bytes]]) -> WebsocketCommunicator:
    socket = WebsocketCommunicator(application, "/ws/me/", headers, [SUBPROTOCOL])
    connected, _ = await socket.connect(timeout=10)
    assert connected
    assert "welcome" in await socket.receive_from(timeout=10)
    return socket


async def _close_code(socket: WebsocketCommunicator) -> int:
    while True:
        message: Any = await socket.receive_output(timeout=10)
        if message["type"] == "websocket.close":
            return int(message["code"])


def _sign_out(browser: Client, person: User) -> None:
    browser.post(reverse("account_logout"))


def _revoke(browser: Client, person: User) -> None:
    row = UserSession.objects.get(session_key=browser.session.session_key)
    a_browser(person).post(reverse("accounts:end_session", args=[row.pk]))


def _end_others(browser: Client, person: User) -> None:
    a_browser(person).post(reverse("accounts:end_other_sessions"))


def _change_password(browser: Client, person: User) -> None:
    person.set_password("another battery")
    person.save()


def _admin_action(action: str) -> Callable[[Client, User], None]:
    def act(browser: Client, person: User) -> None:
        desk = Client()
        desk.force_login(User.objects.create_superuser("op@example.org", PASSWORD))
        answer = desk.post(
            reverse("admin:accounts_user_changelist"), {"action": action, "_selected_action": [person.pk]}
        )
        assert answer.status_code == 302

    return act


def _demote(browser: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=False)


def _delete(browser: Client, person: User) -> None:
    person.delete()


def _expire(browser: Client, person: User) -> None:
    Session.objects.update(expire_date=timezone.now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "end",
    [
        _sign_out,
        _revoke,
        _end_others,
        _change_password,
        _admin_action("suspend"),
        _admin_action("sign_out"),
        _demote,
        _delete,
        _expire,
    ],
)
async def test_what_ends_a_session_closes_its_sockets(
    end: Callable[[Client, User], None], alice: User, settings: Settings
) -> None:
    await in_thread(User.objects.update)(is_staff=True)
    browser, socket = await _socket(alice, settings)
    await in_thread(end)(browser, alice)
    assert await _close_code(socket) == 4401
    await socket.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_the_sockets_of_a_revoked_token_close_and_those_of_others_stay(alice: User, bob: User) -> None:
    raw = [await in_thread(tokens.issue)(person, name="script") for person in (alice, bob)]
    alices, bobs = [await _opened([(b"authorization", f"Bearer {token}".encode())]) for token in raw]
    await in_thread(tokens.revoke)(alice)
    assert await _close_code(alices) == 4401
    await bobs.send_to(text_data='{"type":"ping"}')
    assert "pong" in await bobs.receive_from(timeout=10)
    for socket in (alices, bobs):
        await socket.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_a_process_without_sockets_asks_nothing(alice: User) -> None:
    raw = await in_thread(tokens.issue)(alice, name="script")
    socket = await _opened([(b"authorization", f"Bearer {raw}".encode())])
    watch = Watch.current()
    looking = watch._looking
    assert looking is not None
    await socket.disconnect()
    await asyncio.wait([looking], timeout=10)
    assert looking.done()
    assert await in_thread(PersonalAccessToken.objects.count)() == 1


@pytest.mark.django_db(transaction=True)
async def test_the_page_that_ends_the_others_keeps_its_own_sockets(alice: User, settings: Settings) -> None:
    browser, socket = await _socket(alice, settings)
    await in_thread(browser.post)(reverse("accounts:end_other_sessions"))
    _, later = await _socket(await in_thread(User.objects.get)(pk=alice.pk), settings)
    await in_thread(sessions.end_one)(
        alice,
        session_id=await in_thread(
            lambda: UserSession.objects.exclude(session_key=browser.session.session_key).get().pk
        )(),
    )
    assert await _close_code(later) == 4401, "a whole look has passed"
    await socket.send_to(text_data='{"type":"ping"}')
    assert "pong" in await socket.receive_from(timeout=10)
    for each in (socket, later):
        await each.disconnect()
