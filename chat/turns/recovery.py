"""After a worker died: what it showed is found again, and its turns are given to another."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now
from procrastinate import App
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from procrastinate.exceptions import ProcrastinateException
from redis.exceptions import RedisError

from betterchat.core.db import in_thread
from chat.models import Turn, TurnState
from chat.models.turn import RUNNABLE
from chat.protocol.commands import Position
from chat.protocol.parts import NoticePart, Part, ReasoningPart, TextPart
from chat.stream import Added, Appended, Began, Closed, Ended, Entry, Replaced, Silent, read_after
from chat.turns.jobs import RUN_TURN, defer_run
from chat.turns.lifecycle import Claim

logger = logging.getLogger(__name__)

RESCUE_SECONDS = 2.0
STALLED_AFTER_SECONDS = 8
STREAM_SECONDS_MAX = 5.0
UNHEARD_SECONDS = 20
SLOW_SECONDS = 2.0


async def kept_parts(claim: Claim) -> list[Part]:
    """What people have seen of the answer: the last checkpoint and what the stream has beyond it."""
    parts = claim.kept
    if claim.turn.attempt == 1:
        return parts
    try:
        entries = await _entries_after(claim.turn.pk, claim.turn.answer.position)
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning("the stream of turn %s can't be read: %s", claim.turn.pk, type(error).__name__)
        return parts
    for entry in entries:
        parts = apply_entry(parts, entry)
    return parts


def apply_entry(parts: list[Part], entry: Entry) -> list[Part]:
    """The parts after one more entry; `parts` may be changed in place."""
    match entry:
        case Replaced(parts=replaced):
            return list(replaced)
        case Began(kind="text"):
            parts.append(TextPart(text=""))
        case Began(kind="reasoning"):
            parts.append(ReasoningPart(text=""))
        case Appended(part=index, text=text):
            if not isinstance(written := parts[index], NoticePart):
                written.text += text
        case Ended(part=index, duration_ms=duration_ms):
            if isinstance(part := parts[index], ReasoningPart):
                part.duration_ms = duration_ms
        case Added(content=content):
            parts.append(content)
        case Silent() | Closed():
            pass
        case _:
            raise AssertionError(entry)
    return parts


async def _entries_after(turn_id: UUID, position: Position) -> list[Entry]:
    async with asyncio.timeout(STREAM_SECONDS_MAX):
        rows = await read_after(turn_id, position)
    entries: list[Entry] = []
    expected = position
    for found, entry in rows:
        follows = found == Position(expected.attempt, expected.sequence + 1)
        if not follows and not isinstance(entry, Replaced):
            break  # a hole: what lies behind it can't be placed
        entries.append(entry)
        expected = found
    return entries


def requeue_orphans() -> int:
    """Give turns without a job a new one.

    Theirs failed, say while Postgres was away; or it was fetched and the worker never heard of it, because
    the connection broke: then it counts as being done, by a worker that lives, and the turn never begins.
    """
    candidates = _without_job()
    if not candidates:
        return 0
    with transaction.atomic(durable=True):
        job = ProcrastinateJob.objects.annotate(turn_id=KeyTextTransform("turn_id", "args")).filter(
            task_name=RUN_TURN,
            status__in=("todo", "doing"),
            turn_id=Cast(OuterRef("pk"), TextField()),
        )
        fetched_lately = ProcrastinateEvent.objects.filter(
            job=OuterRef("pk"), type="started", at__gte=Now() - timedelta(seconds=UNHEARD_SECONDS)
        )
        heard = job.filter(Q(status="todo") | Exists(fetched_lately))
        without = Q(~Exists(job)) | Q(~Exists(heard), state=TurnState.STARTING)
        found = Turn.objects.filter(without, pk__in=candidates, state__in=RUNNABLE)
        orphans = found.select_for_update(skip_locked=True)
        for turn in orphans:
            defer_run(turn.pk)
        return len(orphans)


def _without_job() -> set[UUID]:
    """Turns that may have lost theirs. Looked at every two seconds by every worker, so without a join."""
    turns = dict(Turn.objects.filter(state__in=RUNNABLE).values_list("pk", "state"))
    if not turns:
        return set()
    jobs = ProcrastinateJob.objects.filter(task_name=RUN_TURN, status__in=("todo", "doing"))
    has_job: set[UUID] = set()
    for args, status in jobs.values_list("args", "status"):
        turn_id = UUID(args["turn_id"])
        if status == "todo" or turns.get(turn_id) == TurnState.RUNNING:
            has_job.add(turn_id)
    return turns.keys() - has_job


async def rescue_forever(app: App) -> None:
    """Give the turns of dead workers to living ones. Several workers doing so do no harm.

    Where the database was away or frozen, nobody's heartbeat is new: everybody gets time for one first.
    """
    loop = asyncio.get_running_loop()
    pause = RESCUE_SECONDS
    while True:
        await asyncio.sleep(pause)
        pause, began = RESCUE_SECONDS, loop.time()
        try:
            stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
            if loop.time() - began > SLOW_SECONDS:
                pause = STALLED_AFTER_SECONDS
                continue
            for job in stalled:
                logger.info("job %s (%s) is given to another worker", job.id, job.task_name)
                await app.job_manager.retry_job(job)
            await in_thread(requeue_orphans)()
        except (ProcrastinateException, DatabaseError, OSError) as error:
            logger.warning("stalled jobs can't be looked up: %s", type(error).__name__)
            pause = STALLED_AFTER_SECONDS
