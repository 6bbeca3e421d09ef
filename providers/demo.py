"""Demo: an offline, scripted model. It is no AI and says so; it shows what an answer can look like."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator

from django.conf import settings

from providers.demo_texts import HELP, LONG, SHOWPIECES, THOUGHTS, TOUR
from providers.events import (
    Finished,
    FinishReason,
    ModelEvent,
    ModelRequest,
    Purpose,
    ReasoningDelta,
    Role,
    TextDelta,
)

COUNT_MAX = 100_000
TITLE_WORDS_MAX = 6
TITLE_CHARACTERS_MAX = 60
_COUNT = re.compile(r"\b(?:count|long)\s+(\d{1,6})\b", re.IGNORECASE)
_HELP = re.compile(r"\bhelp\b|what can you do", re.IGNORECASE)
_LONG = re.compile(r"\b(long|essay|story)\b", re.IGNORECASE)
_QUOTED = re.compile(r"^Person: (.+)$", re.MULTILINE)
_PIECES = re.compile(r"\S+\s*|\s+")


async def stream(request: ModelRequest) -> AsyncGenerator[ModelEvent]:
    """Answers from a script chosen by words of the last message. Reports no usage: it counts no tokens.

    Goes on behind an answer that the request ends with.
    """
    said = _said(request)
    if request.purpose is Purpose.TITLE:
        yield TextDelta(title_of(said))
    else:
        thoughts, text = _script(said)
        if begun := _begun(request):
            thoughts, text = "", text.removeprefix(begun).lstrip()
        async for piece in _paced(thoughts):
            yield ReasoningDelta(piece)
        async for piece in _paced(text):
            yield TextDelta(piece)
    yield Finished(FinishReason.STOP)


def title_of(text: str) -> str:
    """The first words, as a title."""
    words = re.sub(r"[`*_#>\[\]]", " ", text).split()
    title = " ".join(words[:TITLE_WORDS_MAX])[:TITLE_CHARACTERS_MAX].strip(" .,:;!?")
    return title[:1].upper() + title[1:] if title else "A conversation with Demo"


def _said(request: ModelRequest) -> str:
    """The last message of the person. In a request for a title it is quoted behind the instruction."""
    texts = [message.text for message in request.messages if message.role is Role.USER]
    last = texts[-1] if texts else ""
    quoted = _QUOTED.search(last) if request.purpose is Purpose.TITLE else None
    return quoted[1] if quoted else last


def _begun(request: ModelRequest) -> str:
    last = request.messages[-1]
    return last.text if last.role is Role.ASSISTANT else ""


def _script(said: str) -> tuple[str, str]:
    """Reasoning and answer. `count 500` gives the numbers 1 to 500 and nothing else."""
    if count := _COUNT.search(said):
        return "", " ".join(str(number) for number in range(1, min(int(count[1]), COUNT_MAX) + 1))
    if _HELP.search(said):
        return "", HELP
    for pattern, piece in SHOWPIECES:
        if pattern.search(said):
            return (THOUGHTS if piece.thinks else ""), piece.text
    return ("", LONG) if _LONG.search(said) else (THOUGHTS, TOUR)


async def _paced(text: str) -> AsyncIterator[str]:
    """Word by word at the speed of the setting, measured from the start so that delays don't add up."""
    loop = asyncio.get_running_loop()
    began, spacing = loop.time(), 1 / max(settings.DEMO_TOKENS_PER_SECOND, 1)
    for number, piece in enumerate(_PIECES.findall(text), start=1):
        await asyncio.sleep(max(0.0, began + number * spacing - loop.time()))
        yield piece
