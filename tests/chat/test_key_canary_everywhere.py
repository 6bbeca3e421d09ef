"""Twenty planted keys: no page, frame, log line, command or column tells one. Walked, not listed by hand."""

import base64
import io
import json
import logging
import re
import types
from collections import Counter
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command, get_commands
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import clear_url_caches, get_resolver, path
from django.urls.resolvers import URLResolver
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts import tokens
from accounts.models import Invitation, IssuerSecret, PersonalAccessToken, User
from betterchat import urls as product_urls
from betterchat.core.db import in_thread
from chat.models import Conversation, Turn
from chat.turns.runner import run_turn
from chat.turns.titles import make_title
from providers import keys
from providers.models import (
    AllowedHost,
    CatalogueChange,
    ChangeKind,
    Credential,
    Endpoint,
    OwnModel,
    Provider,
    Usage,
)
from providers.models.endpoint import OWN_URLS
from tests.canary import PLANTED, Watch
from tests.chat.running import a_worker
from tests.chat.test_sockets import Client as Socket
from tests.data import a_guest, a_model, a_person, send, the_turn
from tests.fakes.upstream import FakeUpstream

ENVIRONMENT = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "XAI_API_KEY", "OPENROUTER_API_KEY")
# What stands for each parameter of a route. A route with a new one must be given its value here.
ARGUMENT = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>|\(\?P<(?P<group>\w+)>(?P<choices>[^()]*)\)")


@pytest.fixture
def upstream(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{fake.port}"]
        monkeypatch.setattr("providers.checking.CHECKS_MAX", 10_000)
        for kind in keys.hosted_providers():
            monkeypatch.setitem(OWN_URLS, kind, fake.openai_url)
        for number, name in enumerate(ENVIRONMENT):
            monkeypatch.setenv(name, PLANTED[number])
        yield fake


def plant(upstream: FakeUpstream) -> User:
    """Five keys of the environment, five entered by the operator, five of providers, five of servers."""
    alice = a_person()
    for number, name in enumerate(ENVIRONMENT):
        key_env = {"key_env": name, "provider": Provider.OPENAI, "base_url": upstream.openai_url}
        Endpoint.objects.create(name=f"env{number}", allow_private=True, **key_env)
    for number in range(5, 10):
        a_model(f"house:m{number}", provider=Provider.OPENAI_COMPATIBLE, base_url=upstream.openai_url)
        with transaction.atomic():
            keys.store_key(Endpoint.objects.get(name=f"house-m{number}"), PLANTED[number])
    for number, kind in enumerate(keys.hosted_providers()[:5], start=10):
        keys.add_provider(alice, kind, key=PLANTED[number], force=True)
    for number in range(15, 20):
        server = keys.add_server(
            alice,
            slug=f"s{number}",
            display_name="S",
            base_url=upstream.openai_url,
            key=PLANTED[number],
            force=True,
        )
        keys.add_models(server, ["hello", "echo-key", "echo-key-midway"])
    CatalogueChange.objects.create(
        endpoint=Endpoint.objects.get(name="env0"),
        kind=ChangeKind.ADDED,
        language_model_id="house:new",
        provider_model="new",
        after={"name": "new", "prices": []},
    )
    kept = {row.open().reveal() for row in Credential.objects.select_related("endpoint")}
    assert kept | set(PLANTED[:5]) == set(PLANTED)
    return alice


# --- Pages ------------------------------------------------------------------------------------------


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, before + str(pattern.pattern))
        else:
            yield before + str(pattern.pattern)


def paths(values: dict[str, list[str]]) -> Iterator[str]:
    for route in routes():
        plain = route.replace("^", "").replace("$", "").replace(r"\Z", "")
        yield from (f"/{path_}" for path_ in filled(plain, values))


def filled(route: str, values: dict[str, list[str]]) -> Iterator[str]:
    """A route with every value of its parameters; an admin's page with the first row of its model."""
    match = ARGUMENT.search(route)
    if match is None:
        yield route
        return
    name = match["name"] or match["group"]
    choices = match["choices"].split("|") if name == "app_label" else values.get(name)
    if name == "object_id" and not route.startswith("admin/r/"):
        app_label, model_name = route.split("/")[1:3]
        row = apps.get_model(app_label, model_name)._default_manager.order_by("pk").first()
        assert row is not None, f"{route}: plant a row of {model_name}, so that its pages are walked"
        choices = [str(row.pk)]
    assert choices, f"{route} takes {name}: say here what to give it"
    for choice in choices:
        yield from filled(route[: match.start()] + choice + route[match.end() :], values)


def walk(
    watch: Watch, people: dict[str, User | None], values: dict[str, list[str]]
) -> "Counter[tuple[str, int]]":
    """GET, and POST with a key in every field for one. Counts answers by who asked and their status."""
    form = {"key": PLANTED[3], "new_key": PLANTED[4], "password": PLANTED[6], "post": "yes", "name": "x"}
    form |= {"base_url": "http://10.0.0.1/", "provider": "nonsense", "provider_model": "a b"}
    answers: Counter[tuple[str, int]] = Counter()
    clients = {who: Client(raise_request_exception=False) for who in people}
    for who, person in people.items():
        if person is not None:
            clients[who].force_login(person)
    for where in sorted(set(paths(values))):
        for who, client in clients.items():
            cookies = client.cookies.copy()
            for data in (None, {}, form) if who == "alice" else (None, form):
                savepoint = transaction.savepoint_create()
                response = client.get(where) if data is None else client.post(where, data)
                transaction.savepoint_rollback(savepoint)
                client.cookies.clear()
                client.cookies.update(cookies)
                said = b"".join(response) if response.streaming else response.content
                label = f"{'GET' if data is None else 'POST'} {where} as {who}: {response.status_code}"
                watch.look(label, said.decode(errors="replace"))
                watch.look(label, repr([*response.headers.items(), response.cookies]))
                answers[who, response.status_code] += 1
    return answers


def cast_of(alice: User) -> tuple[dict[str, User | None], dict[str, list[str]]]:
    staff = User.objects.create_superuser("root@example.org", "correct horse battery")
    people = {"nobody": None, "guest": a_guest(), "alice": alice, "bob": a_person("bob"), "staff": staff}
    AllowedHost.objects.create(host="ollama.lan")
    apps.get_model("auth", "Group").objects.create(name="Group")
    done = send(alice, model="byok:s15:hello")
    turn = the_turn(Conversation.objects.get(pk=done.conversation_id))
    Usage.objects.create(user=alice, language_model_id="x:y", purpose="answer", duration_ms=1)
    tokens.issue(alice, name="token")
    token = PersonalAccessToken.objects.get(user=alice)
    assert ProcrastinateJob.objects.exists()
    Invitation.objects.create(note="For Bob", token_hash="0" * 64)
    issuer = apps.get_model("socialaccount", "SocialApp").objects.create(
        provider="openid_connect", provider_id="house", name="House", client_id="better-chat"
    )
    secret = IssuerSecret(app_id=issuer.pk)
    secret.put(PLANTED[0])
    secret.save()
    apps.get_model("account", "EmailAddress").objects.get_or_create(user=alice, email=alice.email)
    model = OwnModel.objects.filter(endpoint__name="s15").first()
    assert model is not None
    values = {
        "conversation_id": [str(turn.conversation_id)],
        "slug": ["openai", "s15", "nowhere"],
        "kind": ["openai", "nonsense"],
        "model_pk": [str(model.pk), "0"],
        "token_id": [str(token.pk)],
        "session_id": ["0"],
        "pk": ["0"],
        "provider_id": ["house", "nowhere"],
        "token": ["wrong"],
        "key": ["wrong"],
        "url": ["nowhere"],
        "content_type_id": ["1"],
        "id": ["1"],
        "object_id": ["1"],
    }
    return people, values


@pytest.mark.django_db
def test_no_page_of_any_route_tells_a_key(upstream: FakeUpstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    people, values = cast_of(plant(upstream))
    watch = Watch()
    answers = walk(watch, people, values)
    assert answers["staff", 200] > 60  # signed in all along, the admin's pages among them
    assert answers["alice", 200] > 30
    assert answers.total() > 1_000
    watch.look("the log", caplog.text)
    watch.look("log arguments", repr([record.__dict__ for record in caplog.records]))
    for session in Session.objects.all():
        watch.look("a session", repr(session.get_decoded()))
    assert watch.hits == []


@pytest.mark.django_db
def test_the_walk_finds_a_route_that_leaks(upstream: FakeUpstream, settings: Settings) -> None:
    """So that the test above can fail: for one more route, and for one that it can't call."""

    def leak(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"<p>{Credential.objects.select_related('endpoint')[0].open().reveal()[:9]}")

    def more(route: str) -> None:
        module = types.ModuleType("leaking")
        module.urlpatterns = [path(route, leak)]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = module
        clear_url_caches()

    alice = plant(upstream)
    watch = Watch()
    more("leak/")
    walk(watch, {"alice": alice}, {})
    assert watch.hits
    more("leak/<int:new_thing>/")
    with pytest.raises(AssertionError, match="say here what to give it"):
        walk(Watch(), {"alice": alice}, {})
    assert product_urls.urlpatterns


# --- Frames, logs, database ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["hello", "echo-key", "echo-key-midway"])
async def test_no_frame_log_or_column_tells_a_key(
    upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Through turns that succeed, and turns whose provider quotes the key it was given."""
    caplog.set_level(logging.DEBUG)
    watch = Watch()
    alice = await in_thread(plant)(upstream)
    raw = await in_thread(tokens.issue)(alice, name="test")
    person = await Socket("/ws/me/", raw).open()
    models = [f"byok:s{number}:{name}" for number in range(15, 20)]
    async with a_worker() as recorder:
        for model in models:
            turn = await in_thread(begun)(alice, model)
            room = await Socket(f"/ws/c/{turn.conversation_id}/", raw).open()
            await room.send(type="conversation.open", known_version=None)
            await run_turn(turn.pk, recorder=recorder)
            await make_title(turn.pk)
            frames = await all_frames(room, watch)
            assert "conversation.snapshot" in frames
            assert "turn.finished" in frames
    assert "conversation.listed" in await all_frames(person, watch)
    came = {call.headers.get("Authorization", "").removeprefix("Bearer ") for call in upstream.calls}
    assert set(PLANTED[15:]) <= came
    watch.look("the log", caplog.text)
    watch.look("log arguments", repr([record.__dict__ for record in caplog.records]))
    await in_thread(look_at_every_column)(watch)
    assert watch.looked_at > 50
    assert watch.hits == []


def begun(person: User, model: str) -> Turn:
    done = send(person, model=model)
    return the_turn(Conversation.objects.get(pk=done.conversation_id))


async def all_frames(socket: Socket, watch: Watch) -> str:
    frames = ""
    while not await socket.socket.receive_nothing(timeout=0.3):
        frames += json.dumps(await socket.socket.receive_output(timeout=5), default=repr)
    await socket.socket.disconnect()
    watch.look("frames", frames)
    return frames


def look_at_every_column(watch: Watch) -> None:
    """Every table there is, so that a new one is read too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        assert {model._meta.db_table for model in apps.get_models()} <= set(tables)
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                watch.look(f"the table {table}", row)
                for piece in re.findall(r"[A-Za-z0-9_\-]{16,}", row):
                    decoded = base64.urlsafe_b64decode(piece[: len(piece) // 4 * 4])
                    watch.look(f"what {table} encodes", decoded.decode("latin-1"))


# --- Commands ----------------------------------------------------------------------------------------

# How each of our commands is called; None for those that only start processes or talk to a server.
COMMANDS: dict[str, list[list[str]] | None] = {
    "add_endpoint": [["--help"]],
    "chat": None,
    "export_protocol": None,
    "models": [[]],
    "operator_link": [[]],
    "prepare": None,
    "rotate_keys": [[], ["--status"]],
    "serve": None,
    "sync_environment": [[]],
    "sync_models": [[]],
    "token": [["alice@example.org"]],
    "web": None,
    "worker": None,
}
OURS = {"betterchat", "accounts", "chat", "providers", "mcp_integration"}


@pytest.mark.django_db
def test_no_command_tells_a_key(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    plant(upstream)
    ours = {name for name, app in get_commands().items() if app in OURS}
    assert ours == set(COMMANDS), "say how the new command is called"
    watch = Watch()
    called = [(name, arguments) for name, calls in COMMANDS.items() for arguments in calls or ()]
    for name, arguments in [*called, ("dumpdata", []), ("check", []), ("showmigrations", [])]:
        output = io.StringIO()
        try:
            call_command(name, *arguments, stdout=output, stderr=output)
        except (CommandError, SystemExit) as error:
            output.write(str(error))
        watch.look(name, output.getvalue())
    printed = capsys.readouterr()
    watch.look("what was printed", printed.out + printed.err)
    assert watch.looked_at > len(called)
    assert watch.hits == []
