"""Running a turn: claim it, read the model, keep every word, store the end or hand it over."""

import asyncio
import contextlib
import logging
from uuid import UUID

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.broadcast import publish
from chat.models import TurnState
from chat.protocol.parts import Part
from chat.turns import lifecycle
from chat.turns.answer import Answer
from chat.turns.fence import Fenced, patiently
from chat.turns.lifecycle import Claim, Ending
from chat.turns.reading import Reader
from chat.turns.recorder import Recorder
from chat.turns.recovery import kept_parts
from providers.events import FinishReason

logger = logging.getLogger(__name__)

DEATHS_MAX = 3
LEAVE_SECONDS_MAX = 2.0


class Stopped(Exception):
    """A person wants the answer to end here."""


async def run_turn(turn_id: UUID, *, recorder: Recorder) -> None:
    """One job. Returns when the turn has ended, is another worker's, or was given back."""
    try:
        claim = await in_thread(lifecycle.claim)(turn_id)
    except Fenced:
        return
    await publish(claim.broadcasts)
    run = _Run(claim, parts=await kept_parts(claim), recorder=recorder)
    try:
        await run.to_the_end()
    except Fenced:
        logger.info("turn %s went on elsewhere", turn_id)


class _Run:
    def __init__(self, claim: Claim, *, parts: list[Part], recorder: Recorder) -> None:
        self._turn = claim.turn
        self._stop_requested = claim.stop_requested
        self._recorder = recorder
        self._interruption: Stopped | Fenced | None = None
        self._reading: asyncio.Task[FinishReason] | None = None
        self._answer = Answer(
            turn_id=self._turn.pk, answer_id=self._turn.answer_id, attempt=self._turn.attempt, parts=parts
        )
        self._reader = Reader(self._turn, self._answer, writer=claim.writer, wrote=recorder.wrote)

    async def to_the_end(self) -> None:
        self._recorder.open(
            self._answer,
            stop=lambda: self._interrupt(Stopped()),
            fenced=lambda: self._interrupt(Fenced()),
        )
        try:
            ending = await self._find_ending()
        except asyncio.CancelledError:
            # The process is ending. Another one goes on.
            await asyncio.shield(self._hand_over())
            raise
        except Fenced:
            self._recorder.drop(self._answer)
            raise
        await self._store(ending)

    async def _find_ending(self) -> Ending:
        if self._stop_requested:
            return Ending(TurnState.STOPPED)
        if self._turn.deaths >= DEATHS_MAX:
            return Ending(TurnState.FAILED, error=UserFacingError(ErrorCode.TURN_INTERRUPTED))
        self._reading = asyncio.create_task(self._reader.read())
        try:
            reason = await self._reading
        except asyncio.CancelledError:
            if isinstance(self._interruption, Stopped):
                return Ending(TurnState.STOPPED)
            if self._interruption is not None:
                raise self._interruption from None
            raise
        except UserFacingError as error:
            return Ending(TurnState.FAILED, error=error)
        except Fenced:
            raise
        except Exception:
            logger.exception("turn %s failed in an unforeseen way", self._turn.pk)
            return Ending(TurnState.FAILED, error=UserFacingError(ErrorCode.INTERNAL))
        # The protocol knows two reasons: complete, or cut by the limit.
        short = reason is FinishReason.LENGTH
        return Ending(TurnState.COMPLETED, finish_reason="length" if short else "stop")

    async def _store(self, ending: Ending) -> None:
        """To the end even if the process is told to leave meanwhile: it is what the next one would do."""
        storing = asyncio.create_task(self._store_now(ending))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await asyncio.wait([storing], timeout=LEAVE_SECONDS_MAX)
            raise

    async def _store_now(self, ending: Ending) -> None:
        """Postgres first, then the stream's end, then the tabs: whoever hears of the end can read it."""
        self._answer.end_part()
        try:
            broadcasts = await patiently(
                lifecycle.finish,
                self._turn.pk,
                attempt=self._turn.attempt,
                sequence=self._answer.sequence,
                parts=self._answer.parts,
                ending=ending,
                meters=self._reader.meters,
            )
        except Fenced:
            self._recorder.drop(self._answer)
            raise
        await self._recorder.close(self._answer)
        await publish(broadcasts)

    async def _hand_over(self) -> None:
        """What there is goes to the next worker, which writes on in the same stream."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading], timeout=LEAVE_SECONDS_MAX)
        self._recorder.drop(self._answer)
        self._answer.seal()
        with contextlib.suppress(Fenced):
            await in_thread(lifecycle.give_back)(
                self._turn.pk,
                attempt=self._turn.attempt,
                sequence=self._answer.sequence,
                parts=self._answer.parts,
                meters=self._reader.meters,
            )

    def _interrupt(self, why: Stopped | Fenced) -> None:
        if self._interruption is None:
            self._interruption = why
            if self._reading is not None:
                self._reading.cancel()
