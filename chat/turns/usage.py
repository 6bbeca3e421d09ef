"""What model calls spend: each is recorded before it begins and gets one immutable row when it is over."""

import itertools
import time
from uuid import UUID

from django.db import transaction

from chat.models import Generation, Turn, TurnState
from chat.turns.fence import Fenced
from providers.events import ModelEvent, ModelRequest, Purpose, ReasoningDelta, TextDelta, UsageReport
from providers.gateway import ResolvedRoute
from providers.models import Usage


class UsageMeter:
    """Times one model call and keeps the last usage it reported. What was not reported stays null."""

    def __init__(self, *, route: ResolvedRoute, purpose: Purpose) -> None:
        self._route = route
        self._purpose = purpose
        self._began = time.monotonic()
        self._first_token_ms: int | None = None
        self._duration_ms: int | None = None
        self._report: UsageReport | None = None
        self._generation_id: int | None = None

    def begin(self, turn: Turn, *, request: ModelRequest, characters: int) -> None:
        """Record the call, so that it is known even if nobody lives to tell its end. Raises Fenced.

        `characters` is how much of the answer there is before it.
        """
        prompt_characters = sum(len(message.text) for message in request.messages)
        with transaction.atomic(durable=True):
            ours = Turn.objects.select_for_update().filter(
                pk=turn.pk, attempt=turn.attempt, state=TurnState.RUNNING
            )
            if not ours.exists():
                raise Fenced
            generation = Generation.objects.create(
                turn=turn,
                attempt=turn.attempt,
                number=turn.generations.count() + 1,
                route=_told(self._route),
                prompt_characters=prompt_characters,
                began_at_characters=characters,
            )
        self._generation_id = generation.pk
        self._began = time.monotonic()

    def note(self, event: ModelEvent) -> None:
        match event:
            case TextDelta() | ReasoningDelta():
                if self._first_token_ms is None:
                    self._first_token_ms = self._elapsed_ms()
            case UsageReport():
                self._report = event

    def end(self) -> None:
        """The call is over; what comes until it is stored is not its time."""
        self._duration_ms = self._elapsed_ms()

    def store(self, *, user_id: int | None) -> None:
        """Inside the transaction that ends the turn, or hands it over."""
        usage = self._create(user_id)
        assert self._generation_id is not None, "a call that was not recorded"
        Generation.objects.filter(pk=self._generation_id).update(usage=usage)

    def store_for_title(self, turn_id: UUID) -> None:
        self._create(Turn.objects.values_list("message__author", flat=True).get(pk=turn_id))

    def _create(self, user_id: int | None) -> Usage:
        report = self._report
        return Usage.objects.create(
            user_id=user_id,
            endpoint_id=self._route.endpoint_id,
            language_model_id=self._route.model_id,
            provider_model=self._route.provider_model,
            purpose=self._purpose,
            own_key=self._route.own_key,
            input_tokens=report.input_tokens if report else None,
            output_tokens=report.output_tokens if report else None,
            reasoning_tokens=report.reasoning_tokens if report else None,
            cached_tokens=report.cached_tokens if report else None,
            cache_write_tokens=report.cache_write_tokens if report else None,
            first_token_ms=self._first_token_ms,
            duration_ms=self._elapsed_ms() if self._duration_ms is None else self._duration_ms,
        )

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)


def last_writer(turn: Turn) -> str:
    """Who wrote last what an earlier attempt left of the answer; "" where nobody is known."""
    last = turn.generations.order_by("-number").first()
    return "" if last is None else str(last.route.get("label", ""))


def settle_orphans(turn: Turn, *, characters: int) -> None:
    """Give the calls whose worker was killed a row of their own, with counts estimated from the text.

    Inside the transaction that ends the turn. `characters` is the length of the whole answer.
    """
    generations = list(turn.generations.order_by("number"))
    for generation, following in itertools.zip_longest(generations, generations[1:]):
        if generation.usage_id is None:
            end = following.began_at_characters if following else characters
            written = max(0, end - generation.began_at_characters)
            generation.usage = _estimated(generation, turn=turn, answer_characters=written)
            generation.save(update_fields=["usage"])


def _estimated(generation: Generation, *, turn: Turn, answer_characters: int) -> Usage:
    route = generation.route
    return Usage.objects.create(
        user_id=turn.message.author_id,
        endpoint_id=route["endpoint_id"],
        language_model_id=turn.model_id,
        provider_model=route["provider_model"],
        purpose=Purpose.ANSWER,
        own_key=route["own_key"],
        estimated=True,
        duration_ms=0,
    )


def _told(route: ResolvedRoute) -> dict[str, object]:
    """What is kept of a route with its call. Never the key."""
    return {
        "endpoint_id": route.endpoint_id,
        "provider_model": route.provider_model,
        "label": route.label,
        "own_key": route.own_key,
    }
