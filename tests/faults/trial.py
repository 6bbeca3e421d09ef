"""One trial: conversations are written to, something goes wrong meanwhile, and everything is looked at."""

import asyncio
import contextlib
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from chat.protocol.commands import StartTurn
from chat.protocol.parts import decode_parts
from tests.faults import judge
from tests.faults.cluster import Cluster
from tests.faults.numbered import MODEL, Numbered, Upstream
from tests.faults.pages import PageReader
from tests.faults.strikes import FAULTS, Strike
from tests.faults.tabs import Shown, Tab, send

# From the end of the fault; one worker more finds a dead one's turns within about 15 s.
END_SECONDS_MAX = 60.0
SEND_SECONDS_MAX = 60.0
_LOOK_SECONDS = 0.25


@dataclass
class Sent:
    """One message of a person and what is known of its way."""

    start: StartTurn
    known: Numbered
    accepted: bool = False


@dataclass
class Talk:
    """A conversation of this trial, with its tabs."""

    id: UUID
    sent: list[Sent]
    tabs: list[Tab] = field(default_factory=list)


@dataclass
class Outcome:
    seed: int
    fault: str
    ends: Counter[str]
    seconds_to_go_on: float | None
    violations: list[str]
    notes: list[str]
    seconds: float

    @property
    def line(self) -> str:
        pause = "-" if self.seconds_to_go_on is None else f"{self.seconds_to_go_on:.1f} s"
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        text = f"{self.seed:>8}  {self.fault:<44} {ends:<40} goes on after {pause:<7} ({self.seconds:.0f} s)"
        notes = f"  [{'; '.join(self.notes)}]" if self.notes else ""
        return text + notes + "".join(f"\n          VIOLATION {each}" for each in self.violations)


class Trial:
    def __init__(
        self,
        cluster: Cluster,
        upstream: Upstream,
        pages: PageReader,
        *,
        seed: int,
        fault: str,
        turns: int = 3,
    ) -> None:
        self._cluster = cluster
        self._upstream = upstream
        self._pages = pages
        self._seed = seed
        self._fault = fault
        self._dice = random.Random(f"{seed}{fault}")
        self._talks = [self._talk() for _ in range(turns)]
        self._stored: dict[UUID, Shown] = {}
        self._struck: list[float] = []
        self._violations: list[str] = []

    async def run(self) -> Outcome:
        began = time.monotonic()
        for kind in ("web", "worker"):
            self._cluster.new_tracebacks(kind=kind)
        self._upstream.wrong.clear()
        self._pages.begin()
        strike = Strike(self._cluster, self._upstream, self._dice, self._strike)
        watching = [
            asyncio.create_task(self._watch_database()),
            asyncio.create_task(self._pages.run()),
            asyncio.create_task(strike.supervise()),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for talk in self._talks:
                    group.create_task(self._converse(talk, watching))
                group.create_task(_as_task(strike, self._fault))
            ended = await self._wait_for_the_end()
        finally:
            for task in watching:
                task.cancel()
            for result in await asyncio.gather(*watching, return_exceptions=True):
                if isinstance(result, Exception):
                    self._violations.append(f"the harness failed: {result!r}")
            self._upstream.go_on()
        await asyncio.to_thread(self._cluster.heal)
        rows = await asyncio.to_thread(judge.read, self._cluster, [talk.id for talk in self._talks])
        ends = judge.ends(self._talks, rows)
        self._violations += judge.violations(self._talks, rows, ended=ended, fault=self._fault)
        self._violations += self._upstream.wrong + self._pages.wrong
        for kind in ("web", "worker"):
            tracebacks = self._cluster.new_tracebacks(kind=kind)
            self._violations += [f"traceback in {each}" for each in dict.fromkeys(tracebacks)]
        closes = sum((tab.closes for talk in self._talks for tab in talk.tabs), Counter[int | None]())
        notes = [*strike.notes, *(f"closed {code}: {count}" for code, count in closes.items())]
        notes += self._pages.notes
        seconds = time.monotonic() - began
        return Outcome(
            self._seed,
            self._fault,
            ends,
            self._pause(),
            list(dict.fromkeys(self._violations)),
            notes,
            seconds,
        )

    def _strike(self) -> None:
        self._struck.append(time.monotonic())

    def _talk(self) -> Talk:
        conversation_id = UUID(int=self._dice.getrandbits(128), version=4)
        talk = Talk(conversation_id, [self._message(conversation_id)])
        if self._dice.random() < 0.5:
            talk.sent.append(self._message(conversation_id))
        return talk

    def _message(self, conversation_id: UUID) -> Sent:
        known = Numbered(f"{self._dice.randrange(16**5):05x}", self._dice.randint(60, 150))
        start = StartTurn(
            command_id=uuid.uuid4(),
            conversation_id=conversation_id,
            turn_id=uuid.uuid4(),
            message_id=uuid.uuid4(),
            parent_id=None,
            text=known.question,
            model_id=MODEL,
        )
        return Sent(start, known)

    async def _converse(self, talk: Talk, watching: list[asyncio.Task[None]]) -> None:
        await asyncio.sleep(self._dice.uniform(0, 1))
        for sent in talk.sent:
            sent.accepted = await send(
                sent.start,
                urls=self._cluster.urls,
                token=self._cluster.token,
                dice=self._dice,
                seconds=SEND_SECONDS_MAX,
                twice=self._dice.random() < 0.3,
            )
            if not talk.tabs:
                talk.tabs = list(self._tabs(talk))
                watching += [asyncio.create_task(tab.run()) for tab in talk.tabs]
            await asyncio.sleep(self._dice.uniform(0, 2))

    def _tabs(self, talk: Talk) -> Iterator[Tab]:
        for number in range(self._dice.randint(2, 3)):
            tab = Tab(
                f"tab {number}", talk.id, urls=self._cluster.urls, token=self._cluster.token, dice=self._dice
            )
            for sent in talk.sent:
                tab.expect(sent.start.turn_id, sent.known)
            yield tab

    async def _watch_database(self) -> None:
        """What is stored of each answer only ever grows, and is what was said."""
        known = {sent.start.turn_id: sent.known for talk in self._talks for sent in talk.sent}
        while True:
            for turn_id, parts in await asyncio.to_thread(self._answers, list(known)):
                shown = self._stored.setdefault(turn_id, Shown(known[turn_id]))
                if wrong := shown.see(decode_parts(parts)):
                    self._violations.append(f"database: {wrong}")
            await asyncio.sleep(_LOOK_SECONDS)

    def _answers(self, turn_ids: list[UUID]) -> list[tuple[UUID, object]]:
        with contextlib.suppress(psycopg.Error), self._cluster.database() as database:
            return database.execute(
                "SELECT t.id, m.parts FROM chat_turn t JOIN chat_message m ON m.id = t.answer_id"
                " WHERE t.id = ANY(%s)",
                [turn_ids],
            ).fetchall()
        return []

    async def _wait_for_the_end(self) -> bool:
        """Whether every turn has ended and every tab agrees with the database, in time."""
        deadline = time.monotonic() + END_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                rows = await asyncio.to_thread(judge.read, self._cluster, [talk.id for talk in self._talks])
            except psycopg.Error:
                rows = judge.Rows()
            if judge.is_settled(self._talks, rows):
                return True
            await asyncio.sleep(0.2)
        return False

    def _pause(self) -> float | None:
        """The longest that any answer that was being written at a strike or after it stood still in a tab."""
        began = min(self._struck, default=None)
        if began is None:
            return None
        pauses = [
            after - before
            for talk in self._talks
            for tab in talk.tabs
            for shown in tab.shown.values()
            for before, after in itertools.pairwise(shown.grown)
            if after > began
        ]
        return max(pauses, default=None)


async def _as_task(strike: Strike, fault: str) -> None:
    await FAULTS[fault](strike)
