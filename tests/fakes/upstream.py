"""A fake provider over real HTTP: the wires of OpenAI (both), Anthropic, Gemini and Ollama on one port.

In a test: `with FakeUpstream() as upstream: …upstream.url…`.
By hand: `python -m tests.fakes.upstream --port 9999`.
The model's name chooses what happens (tests/fakes/behaviours.py). GET /__calls tells what was asked.
"""

import argparse
import asyncio
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.behaviours import MODELS, Packed, Refusal, plan_for
from tests.fakes.cases import CASES
from tests.fakes.continuing import continued_plan
from tests.fakes.responses import OpenAIResponses
from tests.fakes.wires import AnthropicMessages, Drop, Gemini, Hang, Ollama, OpenAIChat, Pause, Raw, Wire

HANG_SECONDS = 3600


@dataclass
class Call:
    """One request as it arrived. `disconnected` is set when the client left before the answer's end."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    completed: bool = False
    disconnected: bool = False


@dataclass
class FakeUpstream:
    """Runs in a thread of its own, so that tests may block. Attributes are safe to read at any time."""

    host: str = "127.0.0.1"
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: list(MODELS))
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def wait_for_disconnect(self, *, seconds: float) -> float:
        """Seconds until the last call's client was gone; AssertionError where it stayed."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            if self.calls and self.calls[-1].disconnected:
                return time.monotonic() - begin
            threading.Event().wait(0.01)
        raise AssertionError("The client is still connected.")

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self.serve(),), daemon=True
        )
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("The fake upstream did not start.")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def serve(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._openai)
        app.router.add_post("/v1/responses", self._responses)
        app.router.add_post("/v1/messages", self._anthropic)
        app.router.add_post("/v1beta/models/{call:.+}", self._gemini)
        app.router.add_post("/api/chat", self._ollama)
        app.router.add_get("/v1/models", self._openai_models)
        app.router.add_get("/api/tags", self._ollama_models)
        app.router.add_get("/__calls", self._told)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port)
        await site.start()
        assert runner.addresses
        self.port = runner.addresses[0][1]
        self._ready.set()
        try:
            await self._stop.wait()
        finally:
            await runner.cleanup()

    async def _told(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(call) for call in self.calls])

    async def _openai_models(self, request: web.Request) -> web.Response:
        """https://platform.openai.com/docs/api-reference/models/list"""
        self.calls.append(Call(request.path, dict(request.headers), {}))
        data = [{"id": m, "object": "model", "created": 1, "owned_by": "fake"} for m in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _ollama_models(self, request: web.Request) -> web.Response:
        """https://github.com/ollama/ollama/blob/main/docs/api.md#list-local-models"""
        self.calls.append(Call(request.path, dict(request.headers), {}))
        return web.json_response({"models": [{"name": m, "model": m, "size": 1} for m in self.models]})

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self._answer(request, body, OpenAIChat(body))

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self._answer(request, body, OpenAIResponses(body))

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self._answer(request, body, AnthropicMessages(body))

    async def _gemini(self, request: web.Request) -> web.StreamResponse:
        body = {**await request.json(), "model": request.match_info["call"].partition(":")[0]}
        return await self._answer(request, body, Gemini(body))

    async def _ollama(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self._answer(request, body, Ollama(body))

    async def _answer(self, request: web.Request, body: dict[str, Any], wire: Wire) -> web.StreamResponse:
        call = Call(request.path, dict(request.headers), body)
        self.calls.append(call)
        try:
            response = await self._stream(request, wire, body)
        except (asyncio.CancelledError, ConnectionError):
            call.disconnected = True
            raise
        call.completed = True
        return response

    async def _stream(self, request: web.Request, wire: Wire, body: dict[str, Any]) -> web.StreamResponse:
        model = str(body["model"])
        if (case := CASES.get(model)) is not None:
            return web.Response(body=case.body, content_type=case.content_type)
        plan = continued_plan(model, body) or plan_for(model)
        if isinstance(plan, Refusal):
            if not plan.status:
                await asyncio.sleep(HANG_SECONDS)
            return web.Response(
                status=plan.status, text=plan.body, content_type=plan.content_type, headers=plan.headers
            )
        if isinstance(plan, Packed):
            headers = {"Content-Type": wire.content_type, "Content-Encoding": "gzip"}
            return web.Response(body=plan.bytes(), headers=headers)
        response = web.StreamResponse(headers={"Content-Type": wire.content_type})
        await response.prepare(request)
        for data in wire.begin():
            await response.write(data)
        for step in plan:
            match step:
                case Raw(data):
                    await response.write(data)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Hang():
                    await asyncio.sleep(HANG_SECONDS)
                case Drop():
                    assert request.transport is not None
                    request.transport.close()
                    return response
                case _:
                    for data in wire.step(step):
                        await response.write(data)
        if model != "no-done":
            for data in wire.end():
                await response.write(data)
        await response.write_eof()
        return response


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9999)
    options = parser.parse_args()
    with FakeUpstream(host=options.host, port=options.port) as upstream:
        print(f"fake upstream: {upstream.openai_url} (OpenAI), {upstream.url} (others)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    main()
