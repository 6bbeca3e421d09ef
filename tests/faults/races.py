"""Two tabs at two web processes that send at the same moment, after the same answer, many times over.

`python -m tests.faults.races --races 1000`. Both messages are kept, in one order; one turn runs at a time.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path
from uuid import UUID

import psycopg

from chat.client import Socket, connect, decode_frame
from chat.protocol.commands import StartTurn
from chat.protocol.events import CommandAccepted, CommandRefused
from tests.faults.cluster import Cluster

MODEL = "demo:demo"
RACE_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.1


class Conversation:
    """Raced for by two senders, again and again."""

    def __init__(self, cluster: Cluster, leaves: "Leaves", dice: random.Random) -> None:
        self.id = UUID(int=dice.getrandbits(128), version=4)
        self.accepted: list[UUID] = []
        self.wrong: list[str] = []
        self._cluster = cluster
        self._leaves = leaves
        self._dice = dice

    async def race(self, times: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            sockets = [
                await stack.enter_async_context(connect(url, "/ws/me/", token=self._cluster.token))
                for url in self._cluster.urls
            ]
            leaf: UUID | None = None
            for _ in range(times):
                starts = [self._start(parent=leaf) for _ in sockets]
                async with asyncio.timeout(RACE_SECONDS_MAX):
                    await asyncio.gather(*map(self._send, sockets, starts))
                    leaf = await self._last_answer()

    def _start(self, *, parent: UUID | None) -> StartTurn:
        return StartTurn(
            command_id=uuid.uuid4(),
            conversation_id=self.id,
            turn_id=uuid.uuid4(),
            message_id=uuid.uuid4(),
            parent_id=parent,
            text=f"count {self._dice.randint(1, 5)}",
            model_id=MODEL,
        )

    async def _send(self, socket: Socket, start: StartTurn) -> None:
        """Until it is accepted. Of two first messages that make it, one may have to come again."""
        await socket.send(start)
        conflicts = 0
        async for frame in socket.frames():
            match decode_frame(frame):
                case CommandAccepted(command_id=id_) if id_ == start.command_id:
                    self.accepted.append(start.message_id)
                    return
                case CommandRefused(command_id=id_, error=error) if id_ == start.command_id:
                    conflicts += 1
                    if error.code != "conflict" or start.parent_id is not None or conflicts > 1:
                        self.wrong.append(f"refused: {error.code}")
                        return
                    await socket.send(start)

    async def _last_answer(self) -> UUID:
        """The leaf, once everything sent so far is answered."""
        while True:
            leaf, turns = await self._leaves.look(self.id)
            if turns == len(self.accepted):
                return leaf
            await asyncio.sleep(0)


class Leaves:
    """The leaf of each conversation, and how many of its turns have ended: one query for all who ask."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._round = asyncio.Condition()
        self._found: dict[UUID, tuple[UUID, int]] = {}

    async def look(self, conversation_id: UUID) -> tuple[UUID, int]:
        async with self._round:
            await self._round.wait()
        return self._found.get(conversation_id, (conversation_id, -1))

    async def run(self) -> None:
        with self._cluster.database() as database:
            while True:
                self._found = await asyncio.to_thread(self._read, database)
                async with self._round:
                    self._round.notify_all()
                await asyncio.sleep(LOOK_SECONDS)

    def _read(self, database: psycopg.Connection) -> dict[UUID, tuple[UUID, int]]:
        rows = database.execute(
            "SELECT c.id, c.active_leaf_id, count(t.finished_at)"
            " FROM chat_conversation c JOIN chat_turn t ON t.conversation_id = c.id GROUP BY c.id"
        )
        return {id_: (leaf, ended) for id_, leaf, ended in rows.fetchall()}


def judged(cluster: Cluster, conversation: Conversation) -> list[str]:
    """Every accepted message once, all in one line, no two turns at once."""
    with cluster.database() as database:
        messages = database.execute(
            "SELECT id, parent_id, role FROM chat_message WHERE conversation_id = %s", [conversation.id]
        ).fetchall()
        overlapping = database.execute(
            "SELECT count(*) FROM chat_turn a JOIN chat_turn b ON a.conversation_id = b.conversation_id"
            " AND a.id < b.id AND a.started_at < b.finished_at AND b.started_at < a.finished_at"
            " WHERE a.conversation_id = %s",
            [conversation.id],
        ).fetchone()
        bad_ends = database.execute(
            "SELECT state, error_code FROM chat_turn WHERE conversation_id = %s AND state <> 'completed'",
            [conversation.id],
        ).fetchall()
    found = list(conversation.wrong)
    stored = sorted(str(id_) for id_, _, role in messages if role == "user")
    if stored != sorted(map(str, conversation.accepted)):
        found.append(f"{len(conversation.accepted)} were accepted, {len(stored)} are stored")
    parents = [parent for _, parent, _ in messages]
    if len(set(parents)) != len(parents):
        found.append("one message was answered twice: the branch forked")
    if len(messages) != 2 * len(stored):
        found.append(f"{len(stored)} messages have {len(messages) - len(stored)} answers")
    if overlapping and overlapping[0]:
        found.append(f"{overlapping[0]} pairs of turns ran at the same time")
    return found + [f"a turn ended {state} {code}" for state, code in bad_ends]


async def run_races(root: Path, *, races: int, conversations: int, seed: int) -> list[str]:
    """`races` in all; what went wrong."""
    cluster = Cluster(root, upstream_url="http://127.0.0.1:9/v1", environment={"QUEUED_TURNS_MAX": "50"})
    dice = random.Random(seed)
    try:
        await asyncio.to_thread(cluster.start)
        leaves = Leaves(cluster)
        looking = asyncio.create_task(leaves.run())
        raced = [Conversation(cluster, leaves, dice) for _ in range(conversations)]
        began = time.monotonic()
        results = await asyncio.gather(
            *(each.race(races // conversations) for each in raced), return_exceptions=True
        )
        seconds = time.monotonic() - began
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        wrong = [
            f"{each.id}: {found}"
            for each in raced
            for found in await asyncio.to_thread(judged, cluster, each)
        ]
        wrong += [f"a race broke off: {result!r}" for result in results if isinstance(result, BaseException)]
        wrong += [f"traceback in {each}" for kind in ("web", "worker") for each in _tracebacks(cluster, kind)]
        accepted = sum(len(each.accepted) for each in raced)
        print(f"{accepted} messages of {races} races in {seconds:.0f} s; {len(wrong)} violations", flush=True)
    finally:
        await asyncio.to_thread(cluster.close)
    return wrong


def _tracebacks(cluster: Cluster, kind: str) -> list[str]:
    return list(dict.fromkeys(cluster.new_tracebacks(kind=kind)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=1000)
    parser.add_argument("--conversations", type=int, default=40, help="raced for at the same time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="betterchat-races-", ignore_cleanup_errors=True) as folder:
        wrong = asyncio.run(
            run_races(
                Path(folder), races=options.races, conversations=options.conversations, seed=options.seed
            )
        )
    print("\n".join(wrong), f"load average {os.getloadavg()[0]:.1f}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
