"""A provider whose answers are known beforehand: numbered words, in which a loss, a repeat or a change of
order shows. It goes on where an answer was cut: from a last message of the assistant, or when asked to."""

import asyncio
import itertools
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.wires import Finish, OpenAIChat, Say

_ASKED = re.compile(r"write (?P<tag>[a-z0-9]+) (?P<words>\d+)")
PIECES_PER_SECOND = 50
MODEL = "compatible:numbered"


@dataclass(frozen=True)
class Numbered:
    """An answer of so many words; `tag` tells it from all others."""

    tag: str
    words: int

    @property
    def question(self) -> str:
        return f"write {self.tag} {self.words}"

    @property
    def text(self) -> str:
        return " ".join(f"{self.tag}.{number:04d}" for number in range(1, self.words + 1))

    def pieces(self, *, after: int) -> Iterator[str]:
        """What follows the first `after` characters, cut anywhere, as tokens are."""
        dice, text = random.Random(f"{self.tag}{after}"), self.text
        while after < len(text):
            end = after + dice.randint(1, 9)
            yield text[after:end]
            after = end


@dataclass
class Upstream:
    """Serves in the running loop. `wrong` collects requests to go on from a text that was never said."""

    url: str = ""
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    _open: set[asyncio.Transport] = field(default_factory=set)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> int:
        """Break every answer that is being sent; returns how many."""
        for transport in self._open:
            transport.abort()
        return len(self._open)

    def stall(self) -> None:
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Upstream"]:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        self.go_on()
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        data = [{"id": "numbered", "object": "model", "created": 1, "owned_by": "tests"}]
        return web.json_response({"object": "list", "data": data})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests += 1
        wire = OpenAIChat(body)
        response = web.StreamResponse(headers={"Content-Type": wire.content_type})
        await response.prepare(request)
        transport = request.transport
        assert transport is not None
        self._open.add(transport)
        try:
            for data in wire.begin():
                await response.write(data)
            loop = asyncio.get_running_loop()
            began = loop.time()
            for number, piece in enumerate(self._pieces(body["messages"]), start=1):
                await self._flowing.wait()
                await asyncio.sleep(max(0.0, began + number / PIECES_PER_SECOND - loop.time()))
                for data in wire.step(Say(piece)):
                    await response.write(data)
            for data in itertools.chain(wire.step(Finish()), wire.end()):
                await response.write(data)
            await response.write_eof()
        except ConnectionError:
            pass  # cut, by us or by the product
        finally:
            self._open.discard(transport)
        return response

    def _pieces(self, messages: list[dict[str, Any]]) -> Iterator[str]:
        asked, said = None, ""
        for message in messages:
            text = str(message["content"])
            if message["role"] == "user" and (found := _ASKED.fullmatch(text.strip())):
                asked, said = Numbered(found["tag"], int(found["words"])), ""
            elif message["role"] == "assistant":
                said += text
        if asked is None:
            return iter(["Numbers"])  # a title
        if not asked.text.startswith(said):
            self.wrong.append(f"{asked.tag}: asked to go on after {said[-40:]!r}")
            return iter(["?"])
        return asked.pieces(after=len(said))
