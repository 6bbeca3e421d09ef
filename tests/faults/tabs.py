"""The people's side: tabs that come back to any web process, and a sender who repeats until answered."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from chat.client import ConnectionLost, Replica, Socket, connect, decode_frame
from chat.protocol.commands import Ping, StartTurn
from chat.protocol.events import CommandAccepted, CommandRefused
from chat.protocol.parts import NoticePart, Part, TextPart, written_text
from tests.faults.numbered import Numbered

PING_SECONDS = 2.0
ANSWER_SECONDS = 15.0
PAUSE_SECONDS_MAX = 2.0


def segments(parts: list[Part]) -> list[str]:
    """The text of an answer; where it was begun anew, that of each beginning."""
    found = [""]
    for part in parts:
        if isinstance(part, NoticePart) and part.notice == "restarted":
            found.append("")
        elif isinstance(part, TextPart):
            found[-1] += part.text
    return found


@dataclass
class Shown:
    """What one reader (a tab, or the database) has shown of one answer over time."""

    known: Numbered
    text: str = ""
    grown: list[float] = field(default_factory=list)

    def see(self, parts: list[Part]) -> str:
        """Look at what is there now; what is wrong with it, or ""."""
        text, before = written_text(parts), self.text
        if text == before:
            return ""
        self.text = text
        if not text.startswith(before):
            return f"{self.known.tag}: {len(before)} characters shown became {len(text)} others"
        self.grown.append(time.monotonic())
        if not all(self.known.text.startswith(each) for each in segments(parts)):
            return f"{self.known.tag}: shows what was never said: {text[-40:]!r}"
        return ""


class Tab:
    """One conversation in one tab. Comes back after each lost connection, to whichever web process."""

    def __init__(
        self, name: str, conversation_id: UUID, *, urls: list[str], token: str, dice: random.Random
    ) -> None:
        self.name = name
        self.replica = Replica()
        self.shown: dict[UUID, Shown] = {}
        self.wrong: list[str] = []
        self.closes: Counter[int | None] = Counter()
        self._conversation_id = conversation_id
        self._urls = list(urls)
        self._token = token
        self._dice = dice

    def expect(self, turn_id: UUID, known: Numbered) -> None:
        self.shown[turn_id] = Shown(known)

    async def run(self) -> None:
        failures = 0
        self._dice.shuffle(self._urls)
        while True:
            began = time.monotonic()
            try:
                async with (
                    connect(self._urls[0], f"/ws/c/{self._conversation_id}/", token=self._token) as socket,
                    asyncio.TaskGroup() as group,
                ):
                    group.create_task(self._read(socket))
                    group.create_task(self._ping(socket))
            except* ConnectionLost as lost:
                self._note(lost)
            failures = 0 if time.monotonic() - began > 5 else failures + 1
            self._urls.append(self._urls.pop(0))
            await asyncio.sleep(self._dice.uniform(0.05, min(PAUSE_SECONDS_MAX, 0.1 * 2**failures)))

    def _note(self, lost: ExceptionGroup[ConnectionLost]) -> None:
        for each in lost.exceptions:
            if isinstance(each, ConnectionLost):
                self.closes[each.code] += 1
                if not each.come_back:
                    self.wrong.append(f"{self.name} was sent away with {each.code}")
                return

    async def _ping(self, socket: Socket) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await socket.send(Ping())

    async def _read(self, socket: Socket) -> None:
        asked = False
        self.replica.connected()
        await socket.send(self.replica.open_command())
        async for frame in socket.frames():
            event = decode_frame(frame)
            self.replica.apply(event)
            if isinstance(event, CommandRefused):
                asked = False  # the wish for a snapshot, say while Postgres was away
                await asyncio.sleep(0.5)
            self._look()
            if self.replica.needs_resync and not asked:
                await socket.send(self.replica.open_command())
            asked = self.replica.needs_resync

    def _look(self) -> None:
        for turn_id, shown in self.shown.items():
            turn = self.replica.turns.get(turn_id)
            message = self.replica.messages.get(turn.answer_id) if turn else None
            if message is not None and (wrong := shown.see(message.parts)):
                self.wrong.append(f"{self.name}: {wrong}")


async def send(
    start: StartTurn, *, urls: list[str], token: str, dice: random.Random, seconds: float, twice: bool
) -> bool:
    """Send a message until it is acknowledged, always the same frame; whether it was, in time.

    `twice`: to both web processes at once, as a client does that gave up too early.
    """
    if twice:
        sent = [send(start, urls=[url], token=token, dice=dice, seconds=seconds, twice=False) for url in urls]
        return any(await asyncio.gather(*sent))
    urls = dice.sample(urls, len(urls))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await _try(start, url=urls[0], token=token):
                urls.append(urls.pop(0))
                await asyncio.sleep(dice.uniform(0.05, 0.5))
            return True
    return False


async def _try(start: StartTurn, *, url: str, token: str) -> bool:
    with contextlib.suppress(ConnectionLost, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS), connect(url, "/ws/me/", token=token) as socket:
            await socket.send(start)
            async for frame in socket.frames():
                match decode_frame(frame):
                    case CommandAccepted(command_id=id_) if id_ == start.command_id:
                        return True
                    case CommandRefused(command_id=id_, error=error) if id_ == start.command_id:
                        if error.code not in ("unavailable", "internal"):
                            raise AssertionError(f"refused: {error.code}")
                        return False
    return False
