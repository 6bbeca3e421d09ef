"""The websocket: typed refusals for whatever a client sends, the same text for every tab."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis
from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from pytest_django.fixtures import Settings

from accounts import tokens
from accounts.models import PersonalAccessToken, User
from betterchat.asgi import application
from betterchat.core.db import in_thread
from chat import conversations
from chat.broadcast import room_group
from chat.client import Replica, decode_frame
from chat.models import Conversation, Message, Turn, TurnState
from chat.protocol.commands import SUBPROTOCOL
from chat.protocol.parts import plain_text
from chat.sockets import outbox
from chat.sockets.layer import EVENTS_LOST
from chat.turns.runner import run_turn
from providers.models import Provider
from tests.chat.running import a_worker, bounded, run, stored
from tests.data import DEMO, a_conversation, a_model, a_person, the_turn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_layer() -> None:
    """The layer keeps a lock for as long as anybody listens: one that a test left behind is of its loop."""
    channel_layers.backends.clear()


@pytest.fixture(autouse=True)
def fast_demo(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 2000


class Client:
    """A websocket of a program, inside the test."""

    def __init__(self, path: str, token: str, *, subprotocols: list[str] | None = None) -> None:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self.socket = WebsocketCommunicator(
            application, path, headers, [SUBPROTOCOL] if subprotocols is None else subprotocols
        )

    async def open(self) -> "Client":
        connected, _ = await self.socket.connect(timeout=10)
        assert connected
        return self

    async def receive(self) -> Any:
        return json.loads(await self.socket.receive_from(timeout=10))

    async def until(self, type_: str) -> Any:
        while True:
            event = await self.receive()
            if isinstance(event, dict) and event["type"] == type_:
                return event

    async def send(self, **command: object) -> None:
        await self.socket.send_to(text_data=json.dumps(command, default=str))

    async def close_code(self) -> int:
        while True:
            message = await self.socket.receive_output(timeout=10)
            if message["type"] == "websocket.close":
                return int(message["code"])


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Any]]:
    clients: list[Client] = []

    async def open_(person: User, conversation: Conversation | None = None) -> Client:
        token = await in_thread(tokens.issue)(person, name="test")
        path = f"/ws/c/{conversation.pk}/" if conversation else "/ws/me/"
        client = await Client(path, token).open()
        clients.append(client)
        assert (await client.receive())["type"] == "welcome"
        return client

    yield open_
    for client in clients:
        await client.socket.disconnect()


type Opened = Callable[..., Any]


def start_frame(conversation_id: object = None, **changes: object) -> dict[str, object]:
    return {
        "type": "turn.start",
        "command_id": uuid.uuid4(),
        "conversation_id": conversation_id or uuid.uuid4(),
        "turn_id": uuid.uuid4(),
        "message_id": uuid.uuid4(),
        "parent_id": None,
        "text": "long 30",
        "model_id": DEMO,
    } | changes


async def test_the_same_frame_ten_times_is_one_message_and_one_turn(opened: Opened) -> None:
    await in_thread(a_model)()
    client = await opened(await in_thread(a_person)())
    frame = start_frame()
    for _ in range(10):
        await client.send(**frame)
    for _ in range(10):
        accepted = await client.until("command.accepted")
        assert accepted["conversation_id"] == str(frame["conversation_id"])
    assert await in_thread(Turn.objects.count)() == 1
    assert await in_thread(Message.objects.count)() == 2


NESTED = "[" * 1000 + "]" * 1000
ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("text", "binary", "code"),
    [
        ("no json", None, "invalid_frame"),
        ("", None, "invalid_frame"),
        (None, b"\x00\xff", "invalid_frame"),
        (None, b"", "invalid_frame"),
        ("[]", None, "invalid_frame"),
        ("null", None, "invalid_frame"),
        ("1e999", None, "invalid_frame"),
        (NESTED, None, "invalid_frame"),
        ('{"type":"conversation.open","known_version":' + NESTED + "}", None, "invalid_frame"),
        ('{"type":"conversation.open","x":' + "[" * 200_000, None, "invalid_frame"),
        ('{"type":"ack","frames":' + "9" * 5000 + "}", None, "invalid_frame"),
        ('{"type":"ack","frames":-1}', None, "invalid_frame"),
        ('{"type":"ack","frames":1.5}', None, "invalid_frame"),
        ('{"type":"ack"}', None, "invalid_frame"),
        ('{"type":"ping","more":1}', None, "invalid_frame"),
        ('{"type":"drop.table"}', None, "unknown_command"),
        ('{"type":["ping"]}', None, "invalid_frame"),
        ("{}", None, "invalid_frame"),
        ('{"type":"\\ud800"}', None, "invalid_frame"),
        (json.dumps(start_frame(text="a\0b"), default=str), None, "invalid_frame"),
        (json.dumps(start_frame(), default=str).replace("long 30", "\\ud800"), None, "invalid_frame"),
        (json.dumps(start_frame(command_id="me"), default=str), None, "invalid_frame"),
        (json.dumps(start_frame(text=""), default=str), None, "message_empty"),
        (json.dumps(start_frame(text="x" * 40_000), default=str), None, "message_too_long"),
        (json.dumps(start_frame(model_id="m" * 201), default=str), None, "invalid_frame"),
        (json.dumps(start_frame(model_id="x:y"), default=str), None, "model_unavailable"),
    ],
)
async def test_whatever_is_sent_gets_a_typed_answer_and_the_socket_lives(
    opened: Opened,
    caplog: pytest.LogCaptureFixture,
    text: str | None,
    binary: bytes | None,
    code: str,
) -> None:
    await in_thread(a_model)()
    client = await opened(await in_thread(a_person)())
    await client.socket.send_input({"type": "websocket.receive", "text": text, "bytes": binary})
    refused = await client.until("command.refused")
    assert refused["error"]["code"] == code
    assert len(refused["error"]["sentence"]) < 400
    await client.send(type="ping")
    await client.until("pong")
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_client_that_never_makes_sense_is_closed(opened: Opened) -> None:
    client = await opened(await in_thread(a_person)())
    for _ in range(25):
        await client.socket.send_to(text_data="?")
    assert await client.close_code() == 4400


async def test_an_unknown_conversation_and_a_foreign_one_close_alike_and_create_nothing() -> None:
    conversation = await in_thread(lambda: a_conversation(owner=a_person("alice")))()
    charlie = await in_thread(a_person)("charlie")
    token = await in_thread(tokens.issue)(charlie, name="test")
    codes = []
    for id_ in (conversation.pk, uuid.uuid4()):
        client = await Client(f"/ws/c/{id_}/", token).open()
        codes.append(await client.close_code())
    assert codes == [4404, 4404]
    assert await in_thread(Conversation.objects.count)() == 1


async def test_without_a_person_a_socket_closes_with_its_own_code() -> None:
    assert await (await Client("/ws/me/", "").open()).close_code() == 4401
    assert await (await Client("/ws/me/", "bct_wrong").open()).close_code() == 4401


async def test_another_protocol_version_closes_with_its_own_code() -> None:
    token = await in_thread(lambda: tokens.issue(a_person(), name="test"))()
    for offered in ([], ["betterchat.v0"], ["graphql-ws"]):
        assert await (await Client("/ws/me/", token, subprotocols=offered).open()).close_code() == 4406


async def test_an_unknown_socket_address_closes_with_a_code() -> None:
    assert await (await Client("/ws/nowhere/", "").open()).close_code() == 4404


async def test_a_token_revoked_meanwhile_ends_the_socket_at_the_next_command(opened: Opened) -> None:
    client = await opened(await in_thread(a_person)())
    await in_thread(lambda: PersonalAccessToken.objects.all().delete())()
    await client.send(type="ping")
    assert await client.close_code() == 4401


@pytest.mark.parametrize("command", ["turn.start", "turn.retry", "turn.stop", "conversation.rename"])
async def test_a_room_takes_no_commands_for_another_conversation(opened: Opened, command: str) -> None:
    alice = await in_thread(a_person)()
    mine = await in_thread(lambda: a_conversation(owner=alice))()
    bobs = await in_thread(lambda: a_conversation(owner=a_person("bob")))()
    client = await opened(alice, mine)
    frame = start_frame(bobs.pk, type=command)
    frames: dict[str, dict[str, object]] = {
        "turn.start": frame,
        "turn.retry": {k: v for k, v in frame.items() if k not in {"parent_id", "text"}},
        "turn.stop": {k: frame[k] for k in ("type", "command_id", "conversation_id", "turn_id")},
        "conversation.rename": {
            "type": command,
            "command_id": frame["command_id"],
            "conversation_id": bobs.pk,
            "title": "Mine now",
        },
    }
    await client.send(**frames[command])
    assert (await client.until("command.refused"))["error"]["code"] == "not_found"


@pytest.mark.parametrize("command", ["turn.stop", "conversation.rename", "conversation.delete"])
async def test_a_stranger_can_move_nothing_over_the_own_socket(opened: Opened, command: str) -> None:
    bobs = await in_thread(lambda: a_conversation(owner=a_person("bob")))()
    turn = await in_thread(the_turn)(bobs)
    client = await opened(await in_thread(a_person)("charlie"))
    fields: dict[str, dict[str, object]] = {
        "turn.stop": {"turn_id": turn.pk},
        "conversation.rename": {"title": "x"},
    }
    await client.send(
        type=command, command_id=uuid.uuid4(), conversation_id=bobs.pk, **fields.get(command, {})
    )
    assert (await client.until("command.refused"))["error"]["code"] == "not_found"
    unchanged = await in_thread(Conversation.objects.get)(pk=bobs.pk)
    assert (unchanged.version, unchanged.deleted_at) == (bobs.version, None)


async def read_until_finished(client: Client, replica: Replica, turn_id: uuid.UUID) -> None:
    frames = 0
    while True:
        turn = replica.turns.get(turn_id)
        if turn and turn.state == "completed" and replica.messages[turn.answer_id].text_sha256:
            return
        frame = await client.socket.receive_from(timeout=10)
        replica.apply(decode_frame(frame))
        frames += 1
        if frames % 8 == 0:
            await client.send(type="ack", frames=frames + 1)  # and the welcome
        assert not replica.needs_resync


async def test_five_tabs_that_join_at_different_times_end_with_the_same_text(
    opened: Opened, settings: Settings
) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 400
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice, text="long 400"))()
    turn = await in_thread(the_turn)(conversation)
    replicas = [Replica() for _ in range(5)]

    async def tab(replica: Replica, delay: float) -> None:
        await asyncio.sleep(delay)
        client = await opened(alice, conversation)
        await client.send(type="conversation.open")
        await read_until_finished(client, replica, turn.pk)

    async with a_worker() as recorder, asyncio.TaskGroup() as group:
        for number, replica in enumerate(replicas):
            group.create_task(bounded(tab(replica, number * 0.3)))
        group.create_task(bounded(run_turn(turn.pk, recorder=recorder)))
    expected = plain_text((await stored(turn.pk)).answer.decoded_parts)
    assert "400" in expected
    assert {plain_text(replica.messages[turn.answer_id].parts) for replica in replicas} == {expected}


async def test_a_socket_that_takes_nothing_is_closed_and_held_no_queue(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "STALL_SECONDS", 0.3)
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice, text="long 50"))()
    client = await opened(alice, conversation)
    for _ in range(outbox.WINDOW_FRAMES + 20):
        await client.send(type="conversation.open")
    assert await client.close_code() == 4408


async def test_open_with_the_current_version_sends_no_snapshot(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice))()
    await run(await in_thread(the_turn)(conversation))
    client = await opened(alice, conversation)
    await client.send(type="conversation.open")
    version = (await client.until("conversation.snapshot"))["conversation"]["version"]
    await client.send(type="conversation.open", known_version=version)
    assert (await client.receive())["type"] == "conversation.current"


async def test_rename_reaches_the_room_and_the_sidebar_of_every_tab(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice))()
    room, person = await opened(alice, conversation), await opened(alice)
    await room.send(type="conversation.open")
    await room.until("conversation.snapshot")
    await person.send(
        type="conversation.rename",
        command_id=uuid.uuid4(),
        conversation_id=conversation.pk,
        title=" My  title ",
    )
    assert (await room.until("conversation.renamed"))["title"] == "My title"
    assert (await person.until("conversation.listed"))["title"] == "My title"


async def test_what_is_chosen_in_one_tab_is_chosen_in_the_other(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice))()
    model = await in_thread(lambda: a_model("openai:thinker", provider=Provider.OPENAI))()
    model.efforts = ["low", "high"]
    await in_thread(model.save)()
    room, other = await opened(alice, conversation), await opened(alice, conversation)
    for client in (room, other):
        await client.send(type="conversation.open")
        await client.until("conversation.snapshot")
    command = {
        "type": "conversation.configure",
        "command_id": uuid.uuid4(),
        "conversation_id": conversation.pk,
    }
    await room.send(**command, model_id=model.pk, effort="high")
    told = await other.until("conversation.configured")
    assert (told["model_id"], told["effort"]) == (model.pk, "high")
    assert (await room.until("command.accepted"))["version"] == told["version"]
    await room.send(**command, effort="max")
    assert (await room.until("command.refused"))["error"]["code"] == "effort_unavailable"
    await room.send(**command, effort="very much")
    assert (await room.until("command.refused"))["error"]["code"] == "invalid_frame"
    late = await opened(alice, conversation)
    await late.send(type="conversation.open")
    assert (await late.until("conversation.snapshot"))["conversation"]["effort"] == "high"


async def test_delete_closes_the_room_stops_the_turn_and_can_be_undone(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice))()
    room, person = await opened(alice, conversation), await opened(alice)
    await room.send(type="conversation.open")
    await room.until("conversation.snapshot")
    ids = {"command_id": uuid.uuid4(), "conversation_id": conversation.pk}
    await person.send(type="conversation.delete", **ids)
    await person.until("conversation.unlisted")
    assert await room.close_code() == 4404
    assert (await in_thread(the_turn)(conversation)).state == TurnState.STOPPED
    await person.send(type="conversation.restore", **ids)
    assert (await person.until("conversation.listed"))["id"] == str(conversation.pk)


def test_a_deleted_conversation_is_purged_when_its_time_is_over() -> None:
    alice = a_person()
    conversation = a_conversation(owner=alice)
    conversations.delete(alice, conversation.pk)
    conversation.refresh_from_db()
    assert conversation.deleted_at is not None
    assert conversations.purge_deleted(before=conversation.deleted_at) == 0
    Conversation.objects.update(deleted_at="2020-01-01T00:00:00Z")
    assert conversations.purge_deleted(before=conversation.deleted_at) == 1
    assert not Message.objects.exists()


async def test_a_room_that_redis_forgot_is_heard_again_after_the_next_ping(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice))()
    room = await opened(alice, conversation)
    await room.send(type="conversation.open")
    await room.until("conversation.snapshot")
    with redis.Redis.from_url(settings.REDIS_URL) as live:
        live.flushall()
    await room.send(type="ping")
    await room.until("pong")
    person = await opened(alice)
    await person.send(
        type="conversation.rename", command_id=uuid.uuid4(), conversation_id=conversation.pk, title="Back"
    )
    assert (await room.until("conversation.renamed"))["title"] == "Back"


async def test_a_socket_that_may_have_missed_events_is_told_the_version(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice))()
    room = await opened(alice, conversation)
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(room_group(conversation.pk), {"type": EVENTS_LOST})
    await in_thread(conversation.refresh_from_db)()
    assert (await room.until("pong"))["version"] == conversation.version


async def test_a_tab_that_is_ahead_of_the_checkpoint_goes_on_from_where_it_is(opened: Opened) -> None:
    alice = await in_thread(a_person)()
    conversation = await in_thread(lambda: a_conversation(owner=alice, text="long 30"))()
    turn = await in_thread(the_turn)(conversation)
    await in_thread(Turn.objects.filter(pk=turn.pk).update)(state=TurnState.RUNNING, attempt=1)
    room = await opened(alice, conversation)
    known = [{"turn_id": turn.pk, "position": {"attempt": 1, "sequence": 7}}]
    await room.send(type="conversation.open", known_turns=known)
    await room.until("conversation.snapshot")
    assert (await room.until("live.opened"))["position"] == {"attempt": 1, "sequence": 7}


async def test_without_redis_a_socket_is_told_to_come_back_later(settings: Settings) -> None:
    token = await in_thread(lambda: tokens.issue(a_person(), name="test"))()
    layer = settings.CHANNEL_LAYERS["default"]
    nowhere = {"hosts": [{"address": "redis://127.0.0.1:9"}]}
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": nowhere}}
    client = await Client("/ws/me/", token).open()
    assert await client.close_code() == 1013
