"""Daphne as we need it: under uvloop, drained on SIGTERM, with limits that end in a close code.

Importing this module installs Twisted's reactor on a uvloop loop, once and for the whole process; it
must come before anything that imports `twisted.internet.reactor`. Only `manage.py web` imports it.
"""

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop
from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from twisted.internet import asyncioreactor

_loop = uvloop.new_event_loop()
asyncio.set_event_loop(_loop)
asyncioreactor.install(_loop)

from autobahn.twisted.websocket import ConnectionDeny  # noqa: E402
from daphne.endpoints import build_endpoint_description_strings  # noqa: E402
from daphne.http_protocol import HTTPFactory, WebRequest  # noqa: E402
from daphne.server import Server  # noqa: E402
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol  # noqa: E402
from twisted.internet import reactor  # noqa: E402
from twisted.internet.defer import Deferred  # noqa: E402
from twisted.internet.endpoints import serverFromString  # noqa: E402
from twisted.logger import globalLogBeginner  # noqa: E402

from chat.protocol.parsing import FRAME_BYTES_MAX  # noqa: E402

BODY_BYTES_MAX = 16 * 1024 * 1024
_SERVICE_RESTART = 1012
_DRAIN_SECONDS = 5.0
_CANCEL_SECONDS = 2.0
_CLOSE_HANDSHAKE_SECONDS = 2.0


class _Request(WebRequest):  # type: ignore[misc]  # Daphne has no type information
    """Refuses a body while it arrives, not after all of it was stored in a temporary file."""

    error_template = "<!doctype html><title>%(title)s</title><h1>%(title)s</h1><p>%(body)s</p>"
    _received = 0

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > BODY_BYTES_MAX:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > BODY_BYTES_MAX:
            self._refuse()
        elif not self.content.closed:
            super().handleContentChunk(data)

    def _refuse(self) -> None:
        self.channel.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        self.channel.loseConnection()


class _HTTPFactory(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: object) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = _Request
        return protocol


class _WebSocket(WebSocketProtocol):  # type: ignore[misc]
    def onMessageFrameBegin(self, length: int) -> None:
        """Bound whole messages. Autobahn's own limit for them would bound what *we* send, too."""
        super().onMessageFrameBegin(length)
        if not self.failedByMe and self.message_data_total_length > FRAME_BYTES_MAX:
            self._max_message_size_exceeded(
                self.message_data_total_length,
                FRAME_BYTES_MAX,
                f"a message has at most {FRAME_BYTES_MAX} bytes",
            )

    def serverClose(self, code: int | None = None) -> None:
        """Allow every code: Autobahn takes only 1000 and 3000-4999 from applications."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def restart(self) -> None:
        """Tell the peer that this process goes; its client connects again at once."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=_SERVICE_RESTART, reasonUtf8=b"restarting")
        elif self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            self.handshake_deferred.errback(ConnectionDeny(code=503, reason="restarting"))
            del self.handshake_deferred


class _WebSocketFactory(WebSocketFactory):  # type: ignore[misc]
    protocol = _WebSocket


class WebServer(Server):  # type: ignore[misc]
    """One web process. `run` returns after SIGTERM or SIGINT, when everybody was seen off."""

    def __init__(self, application: ASGI3Application, *, host: str, port: int, threads: int) -> None:
        super().__init__(
            application=application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            http_timeout=120,
            request_buffer_size=64 * 1024,
            websocket_timeout=-1,
            websocket_connect_timeout=10,
            # Less than the interval: a second ping before the first one's time is up would leave a
            # timer behind that ends a live connection.
            ping_timeout=15,
            ping_interval=20,
            server_name="",
            verbosity=0,
        )
        # The loop's default executor is where `core.db.in_thread` runs queries; by itself it has as many
        # threads as the machine has cores and four more.
        _loop.set_default_executor(ThreadPoolExecutor(max_workers=threads, thread_name_prefix="database"))
        self.connections: dict[Any, dict[str, Any]] = {}
        self.ports: list[Any] = []
        self.listen_failure = ""
        self._draining_until = 0.0

    def run(self) -> None:
        self.http_factory = _HTTPFactory(self)
        self.ws_factory = _WebSocketFactory(self, server=self.server_name)
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,  # who may connect is decided by the application
            openHandshakeTimeout=self.websocket_handshake_timeout,
            failByDrop=False,  # a broken rule ends in a close code, not in a cut connection
            closeHandshakeTimeout=_CLOSE_HANDSHAKE_SECONDS,
        )
        # Twisted's own log repeats what peers sent.
        globalLogBeginner.beginLoggingTo([lambda _: None], redirectStandardIO=False, discardBuffer=True)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        for endpoint in self.endpoints:
            listening = serverFromString(reactor, endpoint).listen(self.http_factory)
            listening.addCallbacks(self.ports.append, self.listen_error)
        if self.abort_start:
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            _loop.add_signal_handler(number, self.drain)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        reactor.run(installSignalHandlers=False)

    def listen_error(self, failure: Any) -> None:
        self.listen_failure = failure.getErrorMessage()
        self.stop()

    def drain(self) -> None:
        """Listen no more, send every socket away with a code, let requests finish. Twice: stop now."""
        if self._draining_until:
            self.stop()
            return
        self._draining_until = time.monotonic() + _DRAIN_SECONDS
        for port in self.ports:
            port.stopListening()
        for connection in list(self.connections):
            if isinstance(connection, _WebSocket):
                connection.restart()
        self._stop_when_drained()

    def kill_all_applications(self) -> Any:
        """Cancel what still runs and wait a moment for it. (Daphne's own fails on idle connections.)"""
        running = self._running()
        for application in running:
            application.cancel()
        if not running:
            return None
        return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait(running, timeout=_CANCEL_SECONDS)))

    def _stop_when_drained(self) -> None:
        if self._running() and time.monotonic() < self._draining_until:
            reactor.callLater(0.05, self._stop_when_drained)
        else:
            self.stop()

    def _running(self) -> list[asyncio.Task[None]]:
        applications = [details.get("application_instance") for details in self.connections.values()]
        return [application for application in applications if application and not application.done()]


def behind_proxy(application: ASGI3Application) -> ASGI3Application:
    """Take the client's address and scheme from the proxy in front of us.

    The last entry of X-Forwarded-For is what that proxy saw; those before it are what the client says.
    """

    async def forwarded(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] in {"http", "websocket"}:
            headers = dict(scope["headers"])
            address = headers.get(b"x-forwarded-for", b"").decode("latin-1").rpartition(",")[2].strip()
            if address:
                scope["client"] = (address, 0)
            if headers.get(b"x-forwarded-proto", b"").strip().lower() == b"https":
                scope["scheme"] = "https" if scope["type"] == "http" else "wss"
        await application(scope, receive, send)

    return forwarded
