"""Programs: the reference client over the network, and `manage.py chat`."""

import asyncio
import contextlib
import json
import random
import uuid

import pytest

from chat.client import ConnectionLost, Replica, connect, decode_frame, follow
from chat.protocol.commands import Acknowledge, StartTurn
from chat.protocol.events import CommandAccepted
from chat.protocol.parts import written_text
from tests.journeys.product import Product

CUTS = 50
SECONDS_MAX = 60.0


def a_start(text: str, *, model: str = "demo:demo") -> StartTurn:
    return StartTurn(
        command_id=uuid.uuid4(),
        conversation_id=uuid.uuid4(),
        turn_id=uuid.uuid4(),
        message_id=uuid.uuid4(),
        parent_id=None,
        text=text,
        model_id=model,
    )


async def begin(product: Product, start: StartTurn) -> None:
    async with connect(product.url, "/ws/me/", token=product.token) as socket:
        await socket.send(start)
        async for frame in socket.frames():
            if isinstance(decode_frame(frame), CommandAccepted):
                return


async def read_to_the_end(product: Product, start: StartTurn, replica: Replica) -> str:
    frames = follow(product.url, start.conversation_id, token=product.token, replica=replica)
    async with asyncio.timeout(SECONDS_MAX), contextlib.aclosing(frames):
        async for _ in frames:
            turn = replica.turns.get(start.turn_id)
            if turn and turn.state == "completed" and replica.messages[turn.answer_id].text_sha256:
                return written_text(replica.messages[turn.answer_id].parts)
    raise AssertionError


async def cut_often(product: Product, start: StartTurn, replica: Replica, dice: random.Random) -> None:
    """Break the connection after a few frames, again and again, keeping only what was received."""
    for _ in range(CUTS):
        with contextlib.suppress(ConnectionLost):
            async with connect(product.url, f"/ws/c/{start.conversation_id}/", token=product.token) as socket:
                replica.connected()
                await socket.send(replica.open_command())
                left = dice.randint(1, 8)
                async for frame in socket.frames():
                    replica.apply(decode_frame(frame))
                    left -= 1
                    if left == 0:
                        socket.abort()
                        break


async def test_fifty_cuts_during_one_answer_leave_no_gap_and_no_duplicate(product: Product) -> None:
    start = a_start("count 900")
    await begin(product, start)
    cut, steady, late = Replica(), Replica(), Replica()
    reading = asyncio.create_task(read_to_the_end(product, start, steady))
    await cut_often(product, start, cut, random.Random(7))
    still_running = not reading.done()
    texts = {await read_to_the_end(product, start, cut), await reading}
    texts.add(await read_to_the_end(product, start, late))
    assert still_running, "the answer was over before the cuts were"
    assert texts == {product.answer_text(str(start.conversation_id))}
    assert cut.resyncs == steady.resyncs == 0


async def test_an_answer_goes_on_when_nobody_listens(product: Product) -> None:
    start = a_start("count 120")
    await begin(product, start)
    await asyncio.sleep(0.3)
    async with asyncio.timeout(SECONDS_MAX):
        while "completed" not in str(
            product.serve.query(f"SELECT state FROM chat_turn WHERE id = '{start.turn_id}'")
        ):
            await asyncio.sleep(0.1)
    text = await read_to_the_end(product, start, Replica())
    assert text.split()[-1] == "120"
    titled = f"SELECT title_source FROM chat_conversation WHERE id = '{start.conversation_id}'"
    async with asyncio.timeout(SECONDS_MAX):
        while product.serve.query(titled) != [("model",)]:
            await asyncio.sleep(0.1)
    used = product.serve.query(
        "SELECT count(*) FROM chat_generation JOIN providers_usage ON usage_id = providers_usage.id "
        f"WHERE turn_id = '{start.turn_id}'"
    )
    assert used == [(1,)]


async def test_a_frame_over_the_limit_closes_with_a_code_and_others_stay(product: Product) -> None:
    async with (
        connect(product.url, "/ws/me/", token=product.token) as other,
        connect(product.url, "/ws/me/", token=product.token) as socket,
    ):
        await socket.send_text("x" * 10_000_000)
        with pytest.raises(ConnectionLost) as closed:
            async for _ in socket.frames():
                pass
        assert closed.value.code == 1009
        await other.send(Acknowledge(0))
        await other.send(a_start("count 3"))
        async for frame in other.frames():
            if isinstance(decode_frame(frame), CommandAccepted):
                break
    assert "Traceback" not in product.serve.output


def test_the_terminal_prints_the_answer_and_exits_with_zero(product: Product) -> None:
    chat = product.manage("chat", "--model", "demo:demo", "count 12")
    assert (chat.returncode, chat.stdout.split()) == (0, [str(n) for n in range(1, 13)]), chat.stderr


def test_the_terminal_continues_a_conversation_and_prints_json(product: Product) -> None:
    first = product.manage("chat", "--json", "--model", "demo:demo", "count 3")
    events = [json.loads(line) for line in first.stdout.splitlines()]
    assert events[0]["type"] == "welcome"
    finished = next(e for e in events if isinstance(e, dict) and e["type"] == "turn.finished")
    assert finished["turn"]["state"] == "completed"
    conversation = next(
        e["conversation_id"] for e in events if isinstance(e, dict) and e["type"] == "command.accepted"
    )
    second = product.manage("chat", "--conversation", conversation, "count 4")
    assert (second.returncode, second.stdout.split()) == (0, ["1", "2", "3", "4"]), second.stderr
    count = product.serve.query(f"SELECT count(*) FROM chat_message WHERE conversation_id = '{conversation}'")
    assert count == [(4,)]


def test_the_terminal_tells_a_failed_turn_by_its_code(product: Product) -> None:
    assert "compatible:status-500" in product.manage("models").stdout
    chat = product.manage("chat", "--model", "compatible:status-500", "hello")
    assert chat.returncode == 1
    assert chat.stderr.startswith("provider_failed: ")


def test_the_terminal_tells_usage_and_connection_errors_apart_from_failures(product: Product) -> None:
    assert product.manage("chat", "--model", "no:model", "hello").returncode == 2
    assert product.manage("chat", "--token", "bct_wrong", "hello").returncode == 2
    assert product.manage("chat", "--url", "http://127.0.0.1:9", "--token", "x", "hello").returncode == 2
    assert product.manage("chat", "--conversation", str(uuid.uuid4()), "hello").returncode == 2
