"""The recorder of a worker process: all running answers to Redis in one pipeline per tick, and to Postgres
in one transaction about every second.

An idle process writes at once; under load ticks grow with the number of answers, up to 40 ms. Redis may
fail: the answer goes on in memory and in checkpoints, and is told anew when Redis is back.
"""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from django.db import Error as DatabaseError
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from betterchat.core.db import in_thread
from chat.protocol.parts import encode_parts
from chat.stream import FIELD, Replaced, connect, encode_entry, entry_id, stream_key
from chat.turns.answer import Answer
from chat.turns.lifecycle import Checkpoint, save_checkpoints, standing

logger = logging.getLogger(__name__)

TICK_SECONDS_PER_ANSWER = 0.002
TICK_SECONDS_MAX = 0.04
CHECKPOINT_SECONDS = 1.0
RETRY_SECONDS = 0.5
STREAM_SECONDS_RUNNING = 24 * 3600
STREAM_SECONDS_ENDED = 600
_OLD_ID = "equal or smaller"  # of Redis' refusal of an id that is not above the last one


class Recorder:
    """One per worker process and event loop. `run` until cancelled."""

    def __init__(self) -> None:
        self._answers: dict[UUID, Answer] = {}
        self._stoppers: dict[UUID, Callable[[], None]] = {}
        self._fencers: dict[UUID, Callable[[], None]] = {}
        self._dirty = asyncio.Event()
        self._flushed = asyncio.Condition()
        self._redis: Redis = connect()

    def open(self, answer: Answer, *, stop: Callable[[], None], fenced: Callable[[], None]) -> None:
        """Begin to record. `stop` is called when a person wants the end, `fenced` when the turn is
        no longer this worker's."""
        self._answers[answer.turn_id] = answer
        self._stoppers[answer.turn_id] = stop
        self._fencers[answer.turn_id] = fenced
        self._dirty.set()

    def wrote(self) -> None:
        """Some answer has new entries."""
        self._dirty.set()

    def stop(self, turn_id: UUID) -> None:
        if stopper := self._stoppers.get(turn_id):
            stopper()

    async def close(self, answer: Answer, *, seconds_max: float = 2.0) -> None:
        """Write what is left of an answer, the mark of its end included, and forget it. Best effort:
        Postgres has the text, and a stream without its end expires."""
        answer.close()
        self._dirty.set()
        try:
            async with asyncio.timeout(seconds_max), self._flushed:
                await self._flushed.wait_for(lambda: not answer.has_entries)
        except TimeoutError:
            logger.warning("the stream of turn %s could not be closed", answer.turn_id)
        finally:
            self.drop(answer)

    def drop(self, answer: Answer) -> None:
        self._answers.pop(answer.turn_id, None)
        self._stoppers.pop(answer.turn_id, None)
        self._fencers.pop(answer.turn_id, None)

    def drop_all(self) -> None:
        """Write nothing more of anything."""
        for answer in list(self._answers.values()):
            self.drop(answer)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_forever())
            group.create_task(self._checkpoint_forever())

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _write_forever(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            written = await self._flush()
            async with self._flushed:
                self._flushed.notify_all()
            if not written:
                self._dirty.set()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            # One answer alone is never held back by more than this; the next tick gathers what came.
            await asyncio.sleep(min(TICK_SECONDS_MAX, TICK_SECONDS_PER_ANSWER * len(self._answers)))

    async def _flush(self) -> bool:
        """Write all numbered entries. False where some must be tried again."""
        pipeline = self._redis.pipeline(transaction=False)
        planned: list[tuple[Answer, int, int]] = []
        for answer in self._answers.values():
            if not answer.has_entries:
                continue
            entries = answer.seal()
            before = len(pipeline)
            for position, entry in entries:
                # Only a Replaced entry may create the stream: if Redis lost it, the others must not
                # begin a new one in the middle (XADD answers nil, and the answer is told anew).
                pipeline.xadd(
                    stream_key(answer.turn_id),
                    {FIELD: encode_entry(entry)},
                    id=entry_id(position),
                    nomkstream=not isinstance(entry, Replaced),
                )
            if isinstance(entries[0][1], Replaced) or not answer.is_open:
                seconds = STREAM_SECONDS_RUNNING if answer.is_open else STREAM_SECONDS_ENDED
                pipeline.expire(stream_key(answer.turn_id), seconds)
            planned.append((answer, len(entries), len(pipeline) - before))
        if not planned:
            return True
        try:
            results: list[object] = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            logger.warning("live text can't be written: %s", type(error).__name__)
            for answer, _, _ in planned:
                answer.replace()
            return False
        return self._settle(planned, results)

    def _settle(self, planned: list[tuple[Answer, int, int]], results: list[object]) -> bool:
        complete = True
        for answer, entries, commands in planned:
            mine, results = results[:commands], results[commands:]
            failures = [result for result in mine if result is None or isinstance(result, Exception)]
            if not failures:
                answer.written(entries)
            elif any(isinstance(result, ResponseError) and _OLD_ID in str(result) for result in failures):
                self._fence(answer)
            else:
                answer.replace()
                complete = False
        return complete

    def _fence(self, answer: Answer) -> None:
        if fencer := self._fencers.get(answer.turn_id):
            fencer()
        self.drop(answer)

    async def _checkpoint_forever(self) -> None:
        stored: dict[UUID, int] = {}
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            answers = dict(self._answers)
            stored = {turn_id: sequence for turn_id, sequence in stored.items() if turn_id in answers}
            points: list[Checkpoint] = []
            for turn_id, answer in answers.items():
                answer.tell_silence()
                answer.seal()
                if stored.get(turn_id) != answer.sequence:
                    points.append(_checkpoint(answer))
            if not answers:
                continue
            self._dirty.set()
            try:
                if points:
                    await in_thread(save_checkpoints)(points)
                stopped, fenced = await in_thread(standing)(
                    {turn_id: answer.attempt for turn_id, answer in answers.items()}
                )
            except DatabaseError as error:
                logger.warning("checkpoints can't be stored: %s", type(error).__name__)
                continue
            stored |= {point.turn_id: point.sequence for point in points}
            for turn_id in stopped:
                self.stop(turn_id)
            for turn_id in fenced & self._answers.keys():
                self._fence(self._answers[turn_id])


def _checkpoint(answer: Answer) -> Checkpoint:
    return Checkpoint(
        turn_id=answer.turn_id,
        answer_id=answer.answer_id,
        attempt=answer.attempt,
        sequence=answer.sequence,
        parts=encode_parts(answer.parts),
    )
