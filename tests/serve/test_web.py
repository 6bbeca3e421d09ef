"""`manage.py web` alone, with an application of a few lines (`tests.serve.toy`)."""

import asyncio
import http.client
import signal
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import aiohttp
import pytest

from betterchat.datafolder import prepare
from betterchat.embedded.surroundings import answers_http
from chat.protocol.parsing import FRAME_BYTES_MAX
from tests.conftest import DataFolders
from tests.processes import ManageProcess, eventually, free_port


class Web(ManageProcess):
    def __init__(self, data_folders: DataFolders, **environment: str) -> None:
        data_dir = data_folders()
        prepare(data_dir)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            data_dir,
            "web",
            f"--port={self.port}",
            environment={"DJANGO_SETTINGS_MODULE": "tests.serve.toy_settings", **environment},
        )

    def start(self) -> "Web":
        self.launch()
        eventually(
            lambda: answers_http(host="127.0.0.1", port=self.port) or self.ended(),
            seconds=20,
            why="web answers",
        )
        assert not self.ended(), self.output
        return self

    def talk[T](self, conversation: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[T]]) -> T:
        async def run() -> T:
            async with aiohttp.ClientSession() as session, session.ws_connect(self.url, max_msg_size=0) as ws:
                return await asyncio.wait_for(conversation(ws), 15)

        return asyncio.run(run())


@pytest.fixture(scope="module")
def web(data_folders: DataFolders) -> Iterator[Web]:
    process = Web(data_folders)
    yield process.start()
    process.close()


async def _close_code(ws: aiohttp.ClientWebSocketResponse) -> int | None:
    while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    return ws.close_code


def test_sigterm_closes_sockets_with_service_restart_and_exits_zero(data_folders: DataFolders) -> None:
    web = Web(data_folders).start()

    async def conversation(ws: aiohttp.ClientWebSocketResponse) -> int | None:
        await ws.send_str("hello")
        assert await ws.receive_str() == "hello"
        web.send(signal.SIGTERM)
        return await _close_code(ws)

    assert web.talk(conversation) == 1012
    assert web.exit_code(seconds=5) == 0
    assert "Traceback" not in web.output


def test_sigterm_lets_a_running_request_finish(data_folders: DataFolders) -> None:
    web = Web(data_folders).start()
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    connection.request("GET", "/slow")
    # The request above is in before this one is answered: the server reads connections in order.
    assert answers_http(host="127.0.0.1", port=web.port)
    web.send(signal.SIGTERM)
    assert connection.getresponse().status == 200
    connection.close()
    assert web.exit_code(seconds=5) == 0


def test_a_socket_that_never_answers_the_close_does_not_hold_up_the_exit(data_folders: DataFolders) -> None:
    web = Web(data_folders).start()

    async def conversation(ws: aiohttp.ClientWebSocketResponse) -> None:
        await ws.send_str("hello")
        assert await ws.receive_str() == "hello"
        web.send(signal.SIGTERM)
        await asyncio.to_thread(web.exit_code, seconds=9)

    web.talk(conversation)


@pytest.mark.parametrize("size", [FRAME_BYTES_MAX + 1, 10_000_000])
def test_an_oversized_frame_closes_with_message_too_big(web: Web, size: int) -> None:
    async def conversation(ws: aiohttp.ClientWebSocketResponse) -> int | None:
        with suppress(ConnectionError):  # it may be cut off while it is still sending
            await ws.send_str("x" * size)
        return await _close_code(ws)

    assert web.talk(conversation) == 1009
    assert "Traceback" not in web.output


def test_an_oversized_message_in_small_frames_closes_with_message_too_big(web: Web) -> None:
    async def conversation(ws: aiohttp.ClientWebSocketResponse) -> int | None:
        transport = ws._writer.transport
        for opcode in (1, 0, 0, 0, 0):  # text, then continuations; never the last one
            piece = b"x" * (FRAME_BYTES_MAX // 4)
            transport.write(struct.pack("!BBQI", opcode, 0xFF, len(piece), 0) + piece)
        return await _close_code(ws)

    assert web.talk(conversation) == 1009


def test_a_frame_of_the_greatest_size_passes_and_the_answer_may_be_larger(web: Web) -> None:
    async def conversation(ws: aiohttp.ClientWebSocketResponse) -> tuple[int, int]:
        await ws.send_str("x" * FRAME_BYTES_MAX)
        echoed = len(await ws.receive_str())
        await ws.send_str("send 3000000")
        return echoed, len(await ws.receive_str())

    assert web.talk(conversation) == (FRAME_BYTES_MAX, 3_000_000)


def test_the_application_may_close_with_any_code(web: Web) -> None:
    async def conversation(ws: aiohttp.ClientWebSocketResponse) -> int | None:
        await ws.send_str("close 1008")
        return await _close_code(ws)

    assert web.talk(conversation) == 1008


def test_a_body_within_the_limit_arrives_and_a_greater_one_is_refused(web: Web) -> None:
    def post(body: bytes | Iterator[bytes]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
        with suppress(ConnectionError):  # it may be cut off while it is still sending
            connection.request("POST", "/length", body=body)
        try:
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    assert post(b"x" * 5_000_000) == (200, b"5000000")
    assert post(b"x" * 17_000_000)[0] == 413
    assert post(b"x" * 1_000_000 for _ in range(17))[0] == 413


def test_the_answer_names_no_server_software(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().getheader("Server") is None
    connection.close()


def test_forwarded_addresses_count_only_behind_a_trusted_proxy(web: Web, data_folders: DataFolders) -> None:
    def client_seen_by(port: int) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/", headers={"X-Forwarded-For": "198.51.100.66, 203.0.113.7"})
        try:
            return connection.getresponse().read()
        finally:
            connection.close()

    assert client_seen_by(web.port) == b"127.0.0.1"
    trusting = Web(data_folders, BETTERCHAT_TRUST_PROXY="yes").start()
    assert client_seen_by(trusting.port) == b"203.0.113.7"
    trusting.close()


def test_web_without_a_secret_says_so_in_one_sentence(data_folders: DataFolders) -> None:
    web = Web(data_folders)
    (web.data_dir / "secret_key").unlink()
    web.launch()
    assert web.exit_code(seconds=20) == 1
    assert web.output.startswith("error: there is no SECRET_KEY")
    assert web.output.count("\n") == 1


def test_web_without_a_front_end_says_so_in_one_sentence(data_folders: DataFolders) -> None:
    web = Web(data_folders, DJANGO_SETTINGS_MODULE="tests.serve.unbuilt")
    web.launch()
    assert web.exit_code(seconds=20) == 1
    assert web.output.startswith("error: the front end is not built")
    assert web.output.count("\n") == 1


def test_a_built_file_is_cached_for_good_and_a_head_or_a_second_request_carries_no_body(web: Web) -> None:
    def ask(method: str, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    path = "/static/app-K3WZ2Q7A.js"
    status, headers, body = ask("GET", path)
    assert (status, body) == (200, b'console.info("toy");\n')
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Type"].startswith("text/javascript")
    assert ask("HEAD", path)[::2] == (200, b"")
    assert ask("GET", path, **{"If-None-Match": headers["ETag"]})[::2] == (304, b"")
    assert ask("GET", path, Range="bytes=0-6")[::2] == (206, b"console")
    assert "immutable" not in ask("GET", "/static/manifest.json")[1]["Cache-Control"]
    assert "Warning" not in web.output
