"""Running a turn: claim it, read the model, keep every word, store the end."""

import asyncio
import contextlib
import itertools
import logging
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.broadcast import Broadcast, publish
from chat.models import Turn, TurnState
from chat.protocol.parts import Part, PartKind
from chat.turns import lifecycle
from chat.turns.answer import Answer
from chat.turns.lifecycle import Claim, Ending, Fenced
from chat.turns.prompt import build_request
from chat.turns.recorder import Recorder
from chat.turns.recovery import kept_parts
from chat.turns.usage import UsageMeter
from providers import gateway
from providers.events import (
    Finished,
    FinishReason,
    ModelRequest,
    Purpose,
    ReasoningBreak,
    ReasoningDelta,
    TextDelta,
)

logger = logging.getLogger(__name__)

ATTEMPTS_MAX = 3
# Failures of an endpoint, where another one may do better; not of the request.
FAILS_OVER = frozenset(
    {
        ErrorCode.PROVIDER_KEY_REFUSED,
        ErrorCode.PROVIDER_PAYMENT_REQUIRED,
        ErrorCode.PROVIDER_FORBIDDEN,
        ErrorCode.PROVIDER_MODEL_NOT_FOUND,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.PROVIDER_SILENT,
        ErrorCode.PROVIDER_RATE_LIMITED,
        ErrorCode.PROVIDER_FAILED,
        ErrorCode.PROVIDER_OVERLOADED,
        ErrorCode.PROVIDER_UNREACHABLE,
        ErrorCode.PROVIDER_NOT_AN_API,
        ErrorCode.PROVIDER_STREAM_CUT,
        ErrorCode.PROVIDER_STREAM_FAILED,
        ErrorCode.ADDRESS_REFUSED,
    }
)
FINISH_RETRY_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)


class Stopped(Exception):
    """A person wants the answer to end here."""


async def run_turn(turn_id: UUID, *, recorder: Recorder) -> None:
    """One job. Returns when the turn has ended, is another worker's, or was given back."""
    try:
        claim = await in_thread(lifecycle.claim)(turn_id)
    except (Fenced, Turn.DoesNotExist):
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
        self._meters: list[UsageMeter] = []
        self._interruption: Stopped | Fenced | None = None
        self._reading: asyncio.Task[FinishReason] | None = None
        self._answer = Answer(
            turn_id=self._turn.pk, answer_id=self._turn.answer_id, attempt=self._turn.attempt, parts=parts
        )

    async def to_the_end(self) -> None:
        self._recorder.open(
            self._answer,
            stop=lambda: self._interrupt(Stopped()),
            fenced=lambda: self._interrupt(Fenced()),
        )
        try:
            ending = await self._find_ending()
            await self._store(ending)
        except asyncio.CancelledError:
            # The process is ending. What can be kept is kept before it does.
            await asyncio.shield(self._leave())
            raise
        except Fenced:
            self._recorder.drop(self._answer)
            raise

    async def _find_ending(self) -> Ending:
        if self._stop_requested:
            return Ending(TurnState.STOPPED)
        if self._answer.characters or self._turn.attempt > ATTEMPTS_MAX:
            return Ending(TurnState.FAILED, error=UserFacingError(ErrorCode.TURN_INTERRUPTED))
        self._reading = asyncio.create_task(self._read())
        try:
            reason = await self._reading
        except asyncio.CancelledError:
            if isinstance(self._interruption, Stopped):
                return Ending(TurnState.STOPPED)
            if self._interruption is not None:
                raise self._interruption from None
            self._reading.cancel()
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

    async def _read(self) -> FinishReason:
        """The model's words into the answer, from the first endpoint that has any.

        Another endpoint of the same model is asked only while there is no word yet: what would follow
        one could repeat it.
        """
        request, routes = await in_thread(self._prepare)()
        for route, following in itertools.zip_longest(routes, routes[1:]):
            try:
                return await self._read_route(request, route=route)
            except UserFacingError as error:
                if following is None or self._answer.characters or error.code not in FAILS_OVER:
                    raise
                logger.info("turn %s: %s, next endpoint", self._turn.pk, error.code)
        raise AssertionError

    async def _read_route(self, request: ModelRequest, *, route: gateway.ResolvedRoute) -> FinishReason:
        meter = UsageMeter(route=route, purpose=Purpose.ANSWER, prompt_characters=request.characters)
        self._meters.append(meter)
        try:
            return await self._read_stream(request, route=route, meter=meter)
        finally:
            meter.end()

    async def _read_stream(
        self, request: ModelRequest, *, route: gateway.ResolvedRoute, meter: UsageMeter
    ) -> FinishReason:
        reason = FinishReason.STOP
        async with contextlib.aclosing(gateway.open_stream(request, route=route)) as events:
            async for event in events:
                meter.note(event)
                match event:
                    case TextDelta(text=text):
                        self._add("text", text)
                    case ReasoningDelta(text=text):
                        self._add("reasoning", text)
                    case ReasoningBreak():
                        self._add("reasoning", "\n\n")
                    case Finished(reason=reason):
                        pass
        return reason

    def _prepare(self) -> tuple[ModelRequest, tuple[gateway.ResolvedRoute, ...]]:
        author_id = self._turn.message.author_id
        return build_request(self._turn), gateway.resolve_all(self._turn.model_id, user_id=author_id)

    def _add(self, kind: PartKind, text: str) -> None:
        self._answer.add(kind, text)
        self._recorder.wrote()
        limit = settings.ANSWER_CHARACTERS_MAX
        if self._answer.characters > limit:
            raise UserFacingError(ErrorCode.ANSWER_TOO_LONG, details={"limit": f"{limit:,}"})

    async def _store(self, ending: Ending) -> None:
        """Postgres first, then the stream's end, then the tabs: whoever hears of the end can read it."""
        self._answer.end_part()
        broadcasts = await self._finish(ending)
        await self._recorder.close(self._answer)
        await publish(broadcasts)

    async def _finish(self, ending: Ending) -> tuple[Broadcast, ...]:
        """An answer that is complete is not lost to a database that restarts meanwhile."""
        for seconds in (*FINISH_RETRY_SECONDS, None):
            try:
                return await in_thread(lifecycle.finish)(
                    self._turn.pk,
                    attempt=self._turn.attempt,
                    sequence=self._answer.sequence,
                    parts=self._answer.parts,
                    ending=ending,
                    meters=self._meters,
                )
            except (OperationalError, InterfaceError) as error:
                if seconds is None:
                    raise
                logger.warning("the end of turn %s waits: %s", self._turn.pk, type(error).__name__)
                await asyncio.sleep(seconds)
        raise AssertionError

    async def _leave(self) -> None:
        try:
            if self._answer.characters:
                error = UserFacingError(ErrorCode.TURN_INTERRUPTED)
                await self._store(Ending(TurnState.FAILED, error=error))
            else:
                self._recorder.drop(self._answer)
                await in_thread(lifecycle.give_back)(self._turn.pk, attempt=self._turn.attempt)
        except Fenced:
            self._recorder.drop(self._answer)

    def _interrupt(self, why: Stopped | Fenced) -> None:
        if self._interruption is None:
            self._interruption = why
            if self._reading is not None:
                self._reading.cancel()
