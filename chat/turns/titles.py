"""Titles: the first words at once, then a model's, never over one given by hand."""

import asyncio
import contextlib
import logging
import re
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import F

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.broadcast import Broadcast, ToPerson, ToRoom, publish
from chat.models import Conversation, Generation, Message, TitleSource, Turn
from chat.models.conversation import TITLE_CHARACTERS_MAX
from chat.protocol.events import ConversationRenamed, TitleSourceName
from chat.protocol.parts import plain_text
from chat.queries import listed, running_among
from chat.turns.usage import UsageMeter
from providers import gateway
from providers.events import ModelRequest, PromptMessage, Purpose, Role, TextDelta

logger = logging.getLogger(__name__)

PLACEHOLDER_CHARACTERS = 60
_TITLE_SECONDS_MAX = 60
# Room for models that think before they write: their thoughts count too.
_TITLE_OUTPUT_TOKENS = 2_000
_EXCERPT_CHARACTERS = 2_000
_INSTRUCTION = (
    "Write a title of 2 to 6 words for the conversation below, in the language the person writes. "
    "Answer with the title only: no quotation marks, no full stop."
)


def placeholder_title(text: str) -> str:
    """The first 60 characters on one line, with an ellipsis where there is more."""
    line = " ".join(text.split())
    if len(line) <= PLACEHOLDER_CHARACTERS:
        return line
    return line[: PLACEHOLDER_CHARACTERS - 1].rstrip() + "…"


def clean_title(raw: str) -> str:
    """A model's words as a title: first line, no quotes or Markdown around it; may be empty."""
    first = next((line for line in raw.splitlines() if line.strip()), "")
    title = re.sub(r"^(?:title\s*:)\s*", "", first.strip(" \t#*_`\"'“”«»"), flags=re.IGNORECASE)
    return title.strip(" \t#*_`\"'“”«».")[:TITLE_CHARACTERS_MAX].rstrip()


async def make_title(turn_id: UUID) -> None:
    """Ask the turn's own model for a title. Any failure leaves the placeholder, which is a title too."""
    request = await in_thread(_title_request)(turn_id)
    if request is None:
        return
    try:
        route = await in_thread(_route)(turn_id, request.model_id)
        async with asyncio.timeout(_TITLE_SECONDS_MAX):
            words = await _collect(request, route=route, turn_id=turn_id)
    except (UserFacingError, TimeoutError) as error:
        logger.info("no title for turn %s: %s", turn_id, error)
        return
    if title := clean_title(words):
        await publish(await in_thread(_store_title)(turn_id, title))


async def _collect(request: ModelRequest, *, route: gateway.ResolvedRoute, turn_id: UUID) -> str:
    meter = UsageMeter(route=route, request=request)
    words: list[str] = []
    try:
        async with contextlib.aclosing(gateway.open_stream(request, route=route)) as events:
            async for event in events:
                meter.note(event)
                if isinstance(event, TextDelta):
                    words.append(event.text)
    finally:
        await asyncio.shield(in_thread(meter.store_for_title)(turn_id))
    return "".join(words)


def _title_request(turn_id: UUID) -> ModelRequest | None:
    turn = Turn.objects.select_related("conversation", "message", "answer").get(pk=turn_id)
    if turn.conversation.title_source != TitleSource.PLACEHOLDER:
        return None
    talk = f"Person: {_excerpt(turn.message)}\n\nAnswer: {_excerpt(turn.answer)}"
    return ModelRequest(
        model_id=turn.model_id,
        messages=(PromptMessage(Role.USER, f"{_INSTRUCTION}\n\n{talk}"),),
        purpose=Purpose.TITLE,
        max_output_tokens=_TITLE_OUTPUT_TOKENS,
    )


def _route(turn_id: UUID, model_id: str) -> gateway.ResolvedRoute:
    """To the endpoint that answered, after a failure of a better one too: nobody else hears of the talk."""
    author_id = Turn.objects.values_list("message__author", flat=True).get(pk=turn_id)
    calls = Generation.objects.filter(turn=turn_id, usage__isnull=False).order_by("-number")
    answered = calls.values_list("usage__endpoint", flat=True).first()
    for route in gateway.resolve_all(model_id, user_id=author_id):
        if route.endpoint_id == answered:
            return route
    raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": model_id})


def _excerpt(message: Message) -> str:
    return plain_text(message.decoded_parts)[:_EXCERPT_CHARACTERS]


def _store_title(turn_id: UUID, title: str) -> tuple[Broadcast, ...]:
    with transaction.atomic(durable=True):
        # The row is locked and looked at again: a title given by hand meanwhile stays.
        mine = Conversation.objects.filter(
            pk=Turn.objects.values("conversation").get(pk=turn_id)["conversation"]
        )
        claimed = mine.filter(title_source=TitleSource.PLACEHOLDER).update(
            title=title, title_source=TitleSource.MODEL, version=F("version") + 1
        )
        if not claimed:
            return ()
        conversation = mine.get()
        return renamed_broadcasts(conversation)


def renamed_broadcasts(conversation: Conversation) -> tuple[Broadcast, ...]:
    running = bool(running_among([conversation.pk]))
    return (
        ToRoom(
            conversation.pk,
            ConversationRenamed(
                version=conversation.version,
                title=conversation.title,
                title_source=cast(TitleSourceName, conversation.title_source),
            ),
        ),
        ToPerson(conversation.owner_id, listed(conversation, is_running=running)),
    )
