"""CPU per streamed chunk: the native wire, litellm and a bare reader, on the same stream of the same fake.

`python -m tests.bench.wires`. Twice: with every chunk arriving by itself, as tokens do, and in bursts, where
the cost of the network is shared by many chunks and only that of reading is left. The fake runs in a
process of its own; measured is the CPU time of this one.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from multiprocessing.queues import SimpleQueue

import aiohttp
import django
import msgspec
from aiohttp import web

from tests.installation import Installation

_WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the ", "lazy ", "dog. ")


def _chunk(number: int, *, finish: str | None = None) -> bytes:
    """https://platform.openai.com/docs/api-reference/chat-streaming/streaming"""
    delta = {} if finish else {"content": _WORDS[number % len(_WORDS)]}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "m"}
    return f"data: {json.dumps({**head, 'system_fingerprint': 'fp_1', 'choices': [choice]})}\n\n".encode()


def _serve(count: int, ports: "SimpleQueue[int]") -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        pause = 0.001 if request.match_info["pace"] == "single" else 0
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(count):
            await response.write(_chunk(number))
            await asyncio.sleep(pause)
        await response.write(_chunk(0, finish="stop") + b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/{pace}/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.put(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())


async def _bare(url: str) -> int:
    """What cannot be saved: aiohttp, lines, JSON, the text of each chunk."""
    words, rest, decode = 0, b"", msgspec.json.Decoder().decode
    async with aiohttp.ClientSession() as session, session.post(f"{url}/chat/completions", json={}) as answer:
        while data := await answer.content.readany():
            *frames, rest = (rest + data).split(b"\n\n")
            for frame in frames:
                if frame != b"data: [DONE]":
                    words += bool(decode(frame[6:])["choices"][0]["delta"].get("content"))
    return words


def _through(provider: str, *, name: str) -> Callable[[str], Awaitable[int]]:
    from providers.events import ModelRequest, PromptMessage, Purpose, Role, TextDelta  # noqa: PLC0415
    from providers.gateway import open_stream  # noqa: PLC0415
    from providers.models import Provider  # noqa: PLC0415
    from tests.providers.conftest import a_route  # noqa: PLC0415

    request = ModelRequest("bench:m", (PromptMessage(Role.USER, "Hi"),), Purpose.ANSWER)

    async def read(url: str) -> int:
        words = 0
        route = a_route(url, name, provider=Provider(provider))
        async with aclosing(open_stream(request, route=route)) as events:
            async for event in events:
                words += isinstance(event, TextDelta)
        return words

    return read


async def _measured(read: Callable[[str], Awaitable[int]], url: str, *, count: int, runs: int) -> float:
    """Microseconds of CPU per chunk, the median of the runs; one run before warms up."""
    taken = []
    for run in range(runs + 1):
        before = time.process_time()
        words = await read(url)
        spent = time.process_time() - before
        assert words == count, f"{words} of {count} chunks arrived"
        if run:
            taken.append(spent / count * 1e6)
    return statistics.median(taken)


async def _compare(origin: str, *, count: int, runs: int) -> None:
    readers = {
        "bare reader": _bare,
        "native wire": _through("openai_compatible", name="m"),
        "litellm": _through("litellm", name="deepseek/m"),
    }
    for pace in ("single", "bursts"):
        url = f"{origin}/{pace}/v1"
        found = {name: await _measured(read, url, count=count, runs=runs) for name, read in readers.items()}
        print(f"{pace}: " + ", ".join(f"{name} {micros:.1f} µs" for name, micros in found.items()))
        native, bare, litellm = found["native wire"], found["bare reader"], found["litellm"]
        print(f"  native / bare {native / bare:.2f} (goal: at most 2)")
        print(f"  litellm / native {litellm / native:.1f} (goal: at least 5)")
    await _through_close()


async def _through_close() -> None:
    from providers.gateway import close_sessions  # noqa: PLC0415

    await close_sessions()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=1500)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ports: SimpleQueue[int] = spawn.SimpleQueue()
    fake = spawn.Process(target=_serve, args=(options.chunks, ports), daemon=True)
    fake.start()
    installation = Installation()
    installation.enter()
    try:
        django.setup()
        asyncio.run(_compare(f"http://127.0.0.1:{ports.get()}", count=options.chunks, runs=options.runs))
    finally:
        fake.terminate()
        installation.remove()


if __name__ == "__main__":
    main()
