"""Reading a model into an answer: from the endpoint that is well, and on from where another one was cut."""

import contextlib
import itertools
from collections.abc import Callable

from django.conf import settings

from betterchat.core.errors import ErrorCode, UserFacingError
from chat.models import Turn
from chat.protocol.parts import NoticeName, NoticePart, PartKind, plain_text
from chat.turns.answer import Answer
from chat.turns.fence import patiently
from chat.turns.prompt import build_request, continued
from chat.turns.seam import Joined, Prefilled, Seam
from chat.turns.usage import UsageMeter
from providers import gateway
from providers.events import (
    Finished,
    FinishReason,
    ModelEvent,
    ModelRequest,
    ReasoningBreak,
    ReasoningDelta,
    TextDelta,
)
from providers.models import Continuation


class Reader:
    """The model calls of one attempt at a turn. `wrote` is called after each change of the answer.

    `writer` names who wrote what the answer holds already ("" where nobody is known).
    """

    def __init__(self, turn: Turn, answer: Answer, *, writer: str, wrote: Callable[[], None]) -> None:
        self.meters: list[UsageMeter] = []
        self._turn = turn
        self._answer = answer
        self._writer = writer
        self._wrote = wrote

    async def read(self) -> FinishReason:
        """Until the model has finished. Raises the UserFacingError of the last endpoint asked, Fenced."""
        request, routes = await patiently(self._prepare)
        for route, following in itertools.zip_longest(routes, routes[1:]):
            try:
                return await self._read_route(request, route=route)
            except UserFacingError as error:
                await gateway.note_failure(route, error.code)
                if following is None or error.code not in gateway.FAILS_OVER:
                    raise
        raise AssertionError

    def _prepare(self) -> tuple[ModelRequest, tuple[gateway.ResolvedRoute, ...]]:
        author_id = self._turn.message.author_id
        return build_request(self._turn), gateway.resolve_all(self._turn.model_id, user_id=author_id)

    async def _read_route(self, request: ModelRequest, *, route: gateway.ResolvedRoute) -> FinishReason:
        text = plain_text(self._answer.parts)
        if not text:
            joint = None if not self._answer.characters else Continuation.RESTART
            return await self._call(request, route=route, passage=self._passage(route, joint))
        try:
            return await self._continue(request, route=route, text=text, how=route.continuation)
        except UserFacingError as error:
            refused = error.code is ErrorCode.PROVIDER_BAD_REQUEST
            if not refused or route.continuation is not Continuation.PREFILL:
                raise
            # Some models take a beginning only without thinking, newer ones not at all.
            return await self._continue(request, route=route, text=text, how=Continuation.ASK)

    async def _continue(
        self, request: ModelRequest, *, route: gateway.ResolvedRoute, text: str, how: Continuation
    ) -> FinishReason:
        passage = self._passage(route, how, before=text)
        request = continued(request, text=text, continuation=how)
        try:
            return await self._call(request, route=route, passage=passage)
        except UserFacingError as error:
            if error.code is ErrorCode.ANSWER_EMPTY and how is not Continuation.RESTART:
                return FinishReason.STOP  # asked to go on, the model has nothing to add
            raise

    def _passage(
        self, route: gateway.ResolvedRoute, how: Continuation | None, *, before: str = ""
    ) -> "_Passage":
        joint: Seam | Prefilled | None = None
        if how is Continuation.ASK:
            joint = Seam(before)
        elif how is Continuation.PREFILL:
            joint = Prefilled(before)
        return _Passage(self._answer, how=how, joint=joint, before=self._writer, after=route.label)

    async def _call(
        self, request: ModelRequest, *, route: gateway.ResolvedRoute, passage: "_Passage"
    ) -> FinishReason:
        meter = UsageMeter(route=route, request=request)
        await patiently(meter.begin, self._turn, characters=self._answer.characters)
        self.meters.append(meter)
        self._answer.heard()
        reason = FinishReason.STOP
        began_at = self._answer.characters
        try:
            async with contextlib.aclosing(gateway.open_stream(request, route=route)) as events:
                async for event in events:
                    meter.note(event)
                    self._answer.heard()
                    if isinstance(event, Finished):
                        reason = event.reason
                    else:
                        passage.write(event)
                        self._check_length()
                        self._wrote()
        finally:
            meter.end()
            passage.end()
            self._wrote()
            if self._answer.characters > began_at:
                self._writer = route.label
        await gateway.note_success(route)
        return reason

    def _check_length(self) -> None:
        limit = settings.ANSWER_CHARACTERS_MAX
        if self._answer.characters > limit:
            raise UserFacingError(ErrorCode.ANSWER_TOO_LONG, details={"limit": f"{limit:,}"})


class _Passage:
    """What one call adds to an answer: behind a notice, joined to what was there."""

    def __init__(
        self,
        answer: Answer,
        *,
        how: Continuation | None,
        joint: Seam | Prefilled | None,
        before: str,
        after: str,
    ) -> None:
        self._answer = answer
        self._joint = joint
        self._notice_due = how is not None
        self._restarted = how is Continuation.RESTART
        self._before = before
        self._after = after

    def write(self, event: ModelEvent) -> None:
        match event:
            case TextDelta(text=text):
                self._text(self._joint.feed(text) if self._joint else Joined(text))
            case ReasoningDelta(text=text):
                self._add("reasoning", text)
            case ReasoningBreak():
                self._add("reasoning", "\n\n")
            case _:
                pass

    def end(self) -> None:
        if self._joint is not None:
            self._text(self._joint.flush())

    def _text(self, joined: Joined) -> None:
        if joined.restarted:
            # The model did not go on. Where it thought first, another notice stands before its thoughts.
            self._restarted = self._notice_due = True
        if joined.text:
            self._add("text", joined.text)

    def _add(self, kind: PartKind, text: str) -> None:
        if self._notice_due:
            self._notice_due = False
            name: NoticeName = "restarted" if self._restarted else "continued"
            sentence = _sentence(before=self._before, after=self._after, restarted=self._restarted)
            self._answer.note(NoticePart(name, sentence))
        self._answer.add(kind, text)


def _sentence(*, before: str, after: str, restarted: bool) -> str:
    does = "Answered anew by" if restarted else "Continued by"
    stopped = "Interrupted here" if before in {"", after} else f"{before} stopped here"
    return f"{stopped}. {does} {after}."
