"""An ASGI application small enough to test the web process alone.

Paths: `/static/…` goes to Django, `/slow` answers after a second, `/length` with the number of body bytes,
everything else at once with the client's address. Websockets echo text; `send N` answers with a frame of
N bytes, `close N` closes with code N.
"""

import asyncio

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.core.asgi import get_asgi_application

_django = get_asgi_application()


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] == "http" and scope["path"].startswith("/static/"):
        await _django(scope, receive, send)  # type: ignore[arg-type]  # two ways to type ASGI
    elif scope["type"] == "http":
        await _answer(scope["path"], client=scope["client"], receive=receive, send=send)
    elif scope["type"] == "websocket":
        await _echo(receive, send)


async def _answer(
    path: str, *, client: tuple[str, int] | None, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    length = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        length += len(message["body"])
        if not message["more_body"]:
            break
    if path == "/slow":
        await asyncio.sleep(1)
    body = str(length) if path == "/length" else client[0] if client else ""
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": False})
    await send({"type": "http.response.body", "body": body.encode(), "more_body": False})


async def _echo(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        elif message["type"] == "websocket.receive":
            text = message.get("text") or ""
            word, _, number = text.partition(" ")
            if word == "close":
                await send({"type": "websocket.close", "code": int(number), "reason": None})
            else:
                reply = "x" * int(number) if word == "send" else text
                await send({"type": "websocket.send", "text": reply, "bytes": None})
        else:
            return
