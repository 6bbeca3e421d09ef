"""The three helpers of the load benchmark, each in a process of its own: a cheap provider whose tokens carry
the time, the readers at the other end, and the floor: a relay that keeps nothing.

Times are those of CLOCK_MONOTONIC, which all processes of a machine share.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import cast

import aiohttp
import msgspec
import uvloop
from aiohttp import web

from chat.protocol.commands import SUBPROTOCOL, Acknowledge, OpenConversation, StartTurn
from chat.protocol.events import CommandAccepted
from tests.bench.measures import Delays

TOKENS_PER_SECOND = 30
SLOTS = 30  # a second's tokens are spread over as many moments as fit between two of one stream
MODEL = "compatible:tokens"
_TOKEN = re.compile(r" (\d+\.\d)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n"
)


def _sse(delta: dict[str, str], *, finish: str | None = None) -> bytes:
    """https://platform.openai.com/docs/api-reference/chat-streaming/streaming, as one HTTP chunk"""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "m"}
    data = b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


_END = _sse({}, finish="stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class _Provider(asyncio.Protocol):
    """Reads no more of a request than it must. Streams of one slot get the very same bytes."""

    slots: list[set[asyncio.Transport]] = [set() for _ in range(SLOTS)]
    started = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if not separator or len(body) < int(length[1] if length else 0):
            return
        self._received = b""
        if head.startswith(b"GET"):
            models = json.dumps({"object": "list", "data": [{"id": "tokens", "object": "model"}]}).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            self.transport.write(b"Content-Length: %d\r\n\r\n%s" % (len(models), models))
        elif b"Write a title" in body:
            self.transport.write(_HEAD + _sse({"content": "Load"}) + _END)
        else:
            self.transport.write(_HEAD)
            self.slots[_Provider.started % SLOTS].add(self.transport)
            _Provider.started += 1

    def connection_lost(self, exc: Exception | None) -> None:
        for slot in self.slots:
            slot.discard(self.transport)


def provider(control: Connection) -> None:
    """Tells its port; then every message received ends all streams that run."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Provider, "127.0.0.1", 0, backlog=1024)
        control.send(server.sockets[0].getsockname()[1])
        loop.add_reader(control.fileno(), _end_all, control)
        began, tick = loop.time(), 0
        while True:
            tick += 1
            await asyncio.sleep(max(0.0, began + tick / (TOKENS_PER_SECOND * SLOTS) - loop.time()))
            data = _sse({"content": f" {time.monotonic() * 1000:.1f}"})
            for transport in _Provider.slots[tick % SLOTS]:
                transport.write(data)

    uvloop.run(serve())


def _end_all(control: Connection) -> None:
    control.recv()
    for slot in _Provider.slots:
        for transport in slot:
            transport.write(_END)
            transport.close()
        slot.clear()


def relay(control: Connection, upstream: str) -> None:
    """What can't be saved: read the provider, decode its JSON, write the words to a websocket."""

    sessions: list[aiohttp.ClientSession] = []

    async def answer(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False)
        await websocket.prepare(request)
        number, rest, decode = 0, b"", msgspec.json.Decoder().decode
        async with sessions[0].post(f"{upstream}/chat/completions", json={"messages": []}) as stream:
            while data := await stream.content.readany():
                *frames, rest = (rest + data).split(b"\n\n")
                for frame in frames:
                    if frame != b"data: [DONE]" and (
                        text := decode(frame[6:])["choices"][0]["delta"].get("content")
                    ):
                        number += 1
                        await websocket.send_str(msgspec.json.encode([1, number, number, 0, text]).decode())
        await websocket.close()
        return websocket

    async def serve() -> None:
        sessions.append(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
            )
        )
        app = web.Application()
        app.router.add_get("/ws", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        control.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    uvloop.run(serve())


class _Readers:
    """Tabs without a page: each reads one answer and measures how late its tokens are."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token
        self._tasks: list[asyncio.Task[None]] = []
        self.delays = Delays()
        self.failures: list[str] = []

    async def add(self, count: int, *, per_second: float) -> None:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        self._session = aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0))
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
            self._tasks.append(asyncio.create_task(self._read()))

    async def _read(self) -> None:
        try:
            if self._token is None:
                async with self._session.ws_connect(f"{self._url}/ws", max_msg_size=0) as websocket:
                    await self._listen(websocket)
                return
            conversation_id = await self._start_turn()
            path = f"{self._url}/ws/c/{conversation_id}/"
            async with self._session.ws_connect(path, protocols=[SUBPROTOCOL], max_msg_size=0) as websocket:
                await websocket.send_str(msgspec.json.encode(OpenConversation()).decode())
                await self._listen(websocket)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.failures.append(repr(error)[:200])

    async def _start_turn(self) -> uuid.UUID:
        start = StartTurn(
            command_id=uuid.uuid4(),
            conversation_id=uuid.uuid4(),
            turn_id=uuid.uuid4(),
            message_id=uuid.uuid4(),
            parent_id=None,
            text="stream",
            model_id=MODEL,
        )
        path = f"{self._url}/ws/me/"
        async with self._session.ws_connect(path, protocols=[SUBPROTOCOL], max_msg_size=0) as websocket:
            await websocket.send_str(msgspec.json.encode(start).decode())
            async for message in websocket:
                if '"command.accepted"' in str(message.data):
                    msgspec.json.decode(message.data, type=CommandAccepted)
                    return start.conversation_id
                if '"command.refused"' in str(message.data):
                    raise OSError(str(message.data))
        raise OSError("closed before the message was accepted")

    async def _listen(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        frames = 0
        async for message in websocket:
            frames += 1
            frame = str(message.data)
            if frame.startswith("["):
                self.delays.note(_TOKEN.findall(frame), frame_characters=len(frame))
            if self._token is not None and frames % 16 == 0:
                await websocket.send_str(msgspec.json.encode(Acknowledge(frames)).decode())
            if '"turn.finished"' in frame:
                return

    async def finish(self) -> None:
        await asyncio.wait(self._tasks, timeout=60)
        for task in self._tasks:
            task.cancel()
        await self._session.close()


def readers(control: Connection, url: str, token: str | None) -> None:
    """Commands: ("add", count, per second), "begin", "end" (answered by the delays), "finish"."""

    async def obey() -> None:
        mine = _Readers(url, token)
        commands: dict[str, Callable[[], None]] = {"begin": mine.delays.begin, "end": mine.delays.end}
        while True:
            name, *arguments = await asyncio.to_thread(control.recv)
            if name == "add":
                await mine.add(arguments[0], per_second=arguments[1])
            elif name == "finish":
                await mine.finish()
                control.send(mine.failures)
                return
            else:
                commands[name]()
            control.send(mine.delays.found() if name == "end" else None)

    uvloop.run(obey())
