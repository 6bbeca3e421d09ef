"""What a model call spent: collected from its events, stored as one immutable row."""

import time
from uuid import UUID

from chat.models import Generation, Turn
from providers import pricing
from providers.events import (
    Finished,
    ModelEvent,
    Purpose,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from providers.gateway import ResolvedRoute
from providers.models import Usage


class UsageMeter:
    """Times one model call and keeps the last usage it reported.

    What a call that ended as it should did not report stays null. One that did not is charged for all the
    same: what it did not come to report is estimated.
    """

    def __init__(self, *, route: ResolvedRoute, purpose: Purpose, prompt_characters: int) -> None:
        self._route = route
        self._purpose = purpose
        self._prompt_characters = prompt_characters
        self._answer_characters = 0
        self._is_complete = False
        self._began = time.monotonic()
        self._first_token_ms: int | None = None
        self._duration_ms: int | None = None
        self._report: UsageReport | None = None

    def note(self, event: ModelEvent) -> None:
        match event:
            case TextDelta(text=text) | ReasoningDelta(text=text):
                self._answer_characters += len(text)
                if self._first_token_ms is None:
                    self._first_token_ms = self._elapsed_ms()
            case ToolCallDelta(arguments=text):
                self._answer_characters += len(text)
            case Finished():
                self._is_complete = True
            case UsageReport():
                self._report = event

    def end(self) -> None:
        """The call is over; what comes until it is stored is not its time."""
        self._duration_ms = self._elapsed_ms()

    def store(self, turn: Turn, *, user_id: int | None) -> None:
        """Inside the transaction that finishes the turn."""
        number = turn.generations.count() + 1
        usage = self._create(user_id)
        Generation.objects.create(turn=turn, attempt=turn.attempt, number=number, usage=usage)

    def store_for_title(self, turn_id: UUID) -> None:
        self._create(Turn.objects.values_list("message__author", flat=True).get(pk=turn_id))

    def _create(self, user_id: int | None) -> Usage:
        return Usage.objects.create(
            user_id=user_id,
            endpoint_id=self._route.endpoint_id,
            language_model_id=self._route.model_id,
            provider_model=self._route.provider_model,
            purpose=self._purpose,
            own_key=self._route.own_key,
            **pricing.usage_columns(self._route.prices, self._counted()),
            first_token_ms=self._first_token_ms,
            duration_ms=self._elapsed_ms() if self._duration_ms is None else self._duration_ms,
        )

    def _counted(self) -> UsageReport | None:
        if self._is_complete or self._route.prices == pricing.FREE:
            return self._report
        return pricing.estimate(self._prompt_characters, self._answer_characters, reported=self._report)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)
