"""What model calls spend: each is recorded before it begins and gets one immutable row when it is over."""

import itertools
import time
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone

from chat.models import Generation, Turn, TurnState
from chat.turns.fence import Fenced
from providers import pricing
from providers.events import (
    Finished,
    ModelEvent,
    ModelRequest,
    Purpose,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from providers.gateway import ResolvedRoute
from providers.models import Endpoint, Usage


class _CalledRoute(msgspec.Struct):
    """What is kept of a route with its call, to reckon what it cost where nobody lives to tell. No key."""

    endpoint_id: int
    provider_model: str
    label: str
    own_key: bool
    prices: pricing.Prices


class UsageMeter:
    """Times one model call and keeps the last usage it reported.

    What a call that ended as it should did not report stays null. One that did not is charged for all the
    same: what it did not come to report is estimated.
    """

    def __init__(self, *, route: ResolvedRoute, request: ModelRequest) -> None:
        self._route = route
        self._purpose = request.purpose
        self._prompt_characters = request.characters
        self._answer_characters = 0
        self._is_complete = False
        self._began = time.monotonic()
        self._first_token_ms: int | None = None
        self._duration_ms: int | None = None
        self._report: UsageReport | None = None
        self._number: int | None = None
        self._generation_id: int | None = None

    def begin(self, turn: Turn, *, characters: int) -> None:
        """Record the call, so that it is known even if nobody lives to tell its end. Raises Fenced.

        `characters` is how much of the answer there is before it. To be repeated where nobody heard whether
        it was stored: the number stays.
        """
        with transaction.atomic(durable=True):
            ours = Turn.objects.select_for_update().filter(
                pk=turn.pk, attempt=turn.attempt, state=TurnState.RUNNING
            )
            if not ours.exists():
                raise Fenced
            if self._number is None:
                self._number = turn.generations.count() + 1
            generation, _ = Generation.objects.get_or_create(
                turn=turn,
                attempt=turn.attempt,
                number=self._number,
                defaults={
                    "route": _told(self._route),
                    "prompt_characters": self._prompt_characters,
                    "began_at_characters": characters,
                },
            )
        self._generation_id = generation.pk
        self._began = time.monotonic()

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

    def store(self, *, user_id: int | None) -> None:
        """Inside the transaction that ends the turn, or hands it over."""
        assert self._generation_id is not None, "a call that was not recorded"
        usage = self._create(user_id)
        Generation.objects.filter(pk=self._generation_id).update(usage=usage)

    def store_for_title(self, turn_id: UUID) -> None:
        self._create(Turn.objects.values_list("message__author", flat=True).get(pk=turn_id))

    def _create(self, user_id: int | None) -> Usage:
        return Usage.objects.create(
            user_id=user_id,
            endpoint_id=_endpoint_id(self._route.endpoint_id),
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


def last_writer(turn: Turn) -> str:
    """Who wrote last what an earlier attempt left of the answer; "" where nobody is known."""
    last = turn.generations.order_by("-number").first()
    return "" if last is None or not last.route else _called(last).label


def settle_orphans(turn: Turn, *, characters: int) -> None:
    """Give the calls whose worker was killed a row of their own, with counts estimated from the text.

    Inside the transaction that ends the turn. `characters` is the length of the whole answer.
    """
    generations = list(turn.generations.order_by("number"))
    for generation, following in itertools.zip_longest(generations, generations[1:]):
        if generation.usage_id is None:
            end = following.began_at_characters if following else characters
            gone = following.started_at if following else timezone.now()
            written = max(0, end - generation.began_at_characters)
            generation.usage = _estimated(generation, turn=turn, written=written, gone=gone)
            generation.save(update_fields=["usage"])


def _estimated(generation: Generation, *, turn: Turn, written: int, gone: datetime) -> Usage:
    route = _called(generation)
    report = None
    if route.prices != pricing.FREE:
        report = pricing.estimate(generation.prompt_characters, written)
    return Usage.objects.create(
        user_id=turn.message.author_id,
        endpoint_id=_endpoint_id(route.endpoint_id),
        language_model_id=turn.model_id,
        provider_model=route.provider_model,
        purpose=Purpose.ANSWER,
        own_key=route.own_key,
        **pricing.usage_columns(route.prices, report),
        duration_ms=round((gone - generation.started_at).total_seconds() * 1000),
    )


def _endpoint_id(endpoint_id: int) -> int | None:
    """A person may delete a server of theirs while it answers."""
    return Endpoint.objects.filter(pk=endpoint_id).values_list("pk", flat=True).first()


def _told(route: ResolvedRoute) -> object:
    return msgspec.to_builtins(
        _CalledRoute(
            endpoint_id=route.endpoint_id,
            provider_model=route.provider_model,
            label=route.label,
            own_key=route.own_key,
            prices=route.prices,
        )
    )


def _called(generation: Generation) -> _CalledRoute:
    return msgspec.convert(generation.route, _CalledRoute)
