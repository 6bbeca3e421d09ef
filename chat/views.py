"""Pages: each view calls one query and renders it."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat import queries
from chat.protocol.events import (
    ConversationSnapshot,
    ErrorInfo,
    MessageInfo,
    TurnInfo,
)
from chat.protocol.parts import ReasoningPart, plain_text
from chat.sidebar import sidebar as read_sidebar
from chat.starters import STARTERS
from providers.catalogue import read_catalogue
from providers.picker import Picker, picker


@dataclass(frozen=True, slots=True)
class ReadableMessage:
    """A message for the page that is read without JavaScript."""

    id: UUID
    role: str
    label: str
    text: str
    reasoning: str
    created_at: datetime
    state: str
    error: ErrorInfo | None


@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "chat/landing.html", {"guests_allowed": settings.GUESTS_ALLOWED})
    user = _person(request)
    return render(request, "chat/conversation.html", _page_context(user, _picker(user)))


@require_GET
@never_cache
@login_required
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """`?before=<message id>` shows what lies above that message to those who read without JavaScript."""
    user = _person(request)
    snapshot = _or_404(user, conversation_id)
    readable = snapshot
    if before := request.GET.get("before"):
        readable = _or_404(user, conversation_id, before=before)
    models = _picker(user, standing_id=snapshot.conversation.model_id)
    context = _page_context(user, models) | {
        "conversation": snapshot.conversation,
        "snapshot": msgspec.json.encode(snapshot).decode(),
        "readable_messages": _readable(readable, user, models),
        "readable_has_earlier": readable.has_earlier,
    }
    return render(request, "chat/conversation.html", context)


@require_GET
@never_cache
@login_required
def branch(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Earlier messages as JSON. 400 for a `before` that is no id, 404 for one that is not there."""
    try:
        before = UUID(request.GET.get("before", ""))
    except ValueError:
        error = UserFacingError(ErrorCode.BAD_REQUEST, details={"reason": "`before` is not a message id"})
        return _json(ErrorInfo.of(error), status=error.http_status)
    try:
        snapshot = queries.snapshot(_person(request), conversation_id, before_message_id=before)
    except UserFacingError as error:
        return _json(ErrorInfo.of(error), status=error.http_status)
    return _json(snapshot)


@require_GET
@never_cache
@login_required
def sidebar(request: HttpRequest) -> HttpResponse:
    try:
        page = read_sidebar(_person(request), cursor=request.GET.get("before", "")[:200])
    except UserFacingError as error:
        return _json(ErrorInfo.of(error), status=error.http_status)
    return render(request, "chat/_sidebar.html", {"sidebar": page})


@require_GET
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def _picker(user: User, *, standing_id: str = "") -> Picker:
    catalogue = read_catalogue(user, standing_id=standing_id)
    return picker(catalogue, standing_id=standing_id, may_prefer=not user.is_guest)


def _page_context(user: User, models: Picker) -> dict[str, object]:
    return {
        "conversation": None,
        "snapshot": "",
        "readable_messages": [],
        "person": user,
        "model_name": models.standing_name,
        "picker": msgspec.json.encode(models).decode(),
        "message_characters_max": settings.MESSAGE_CHARACTERS_MAX,
        "sidebar": read_sidebar(user),
        "starters": STARTERS,
    }


def _readable(snapshot: ConversationSnapshot, user: User, models: Picker) -> list[ReadableMessage]:
    turns = {turn.answer_id: turn for turn in snapshot.turns}
    names = {model.id: model.name for model in models.models}
    return [
        _readable_message(
            message, turn=turns.get(message.id), label=_label(message, names=names, reader=user)
        )
        for message in snapshot.messages
    ]


def _label(message: MessageInfo, *, names: dict[str, str], reader: User) -> str:
    if message.model_id:
        return names.get(message.model_id, message.model_id)
    return "You" if message.author and message.author.id == reader.pk else "Somebody"


def _readable_message(message: MessageInfo, *, turn: TurnInfo | None, label: str) -> ReadableMessage:
    return ReadableMessage(
        id=message.id,
        role=message.role,
        label=label,
        text=plain_text(message.parts),
        reasoning="".join(part.text for part in message.parts if isinstance(part, ReasoningPart)),
        created_at=message.created_at,
        state=turn.state if turn else "",
        error=turn.error if turn else None,
    )


def _or_404(user: User, conversation_id: UUID, *, before: str = "") -> ConversationSnapshot:
    try:
        return queries.snapshot(user, conversation_id, before_message_id=UUID(before) if before else None)
    except (UserFacingError, ValueError):
        raise Http404 from None


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _json(body: object, *, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), content_type="application/json", status=status)
