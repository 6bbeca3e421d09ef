"""The sidebar: a person's conversations, newest first, grouped by day, a page at a time."""

import base64
import binascii
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.models import Conversation
from chat.queries import running_among

PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    title: str
    is_running: bool


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    conversations: list[Line]


@dataclass(frozen=True, slots=True)
class Sidebar:
    """`next_cursor` is given back to read on; empty at the end."""

    groups: list[Group]
    next_cursor: str


def sidebar(user: User, *, cursor: str = "") -> Sidebar:
    """One page. Raises BAD_REQUEST for a cursor this function did not make."""
    conversations = Conversation.objects.readable_by(user).order_by("-last_activity_at", "-id")
    if cursor:
        moment, id_ = _read_cursor(cursor)
        conversations = conversations.filter(
            Q(last_activity_at__lt=moment) | Q(last_activity_at=moment, id__lt=id_)
        )
    rows = list(conversations.only("id", "title", "last_activity_at")[: PAGE + 1])
    page = rows[:PAGE]
    running = running_among(row.pk for row in page)
    today = timezone.localdate()
    groups: list[Group] = []
    for row in page:
        label = _day_label(timezone.localdate(row.last_activity_at), today)
        if not groups or groups[-1].label != label:
            groups.append(Group(label, []))
        groups[-1].conversations.append(Line(row.pk, row.title, row.pk in running))
    return Sidebar(groups, _make_cursor(page[-1]) if len(rows) > PAGE else "")


def _day_label(day: date, today: date) -> str:
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Last 7 days"
    if day > today - timedelta(days=30):
        return "Last 30 days"
    return f"{day:%B %Y}"


def _make_cursor(row: Conversation) -> str:
    return base64.urlsafe_b64encode(f"{row.last_activity_at.isoformat()}|{row.pk}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        moment, _, id_ = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        parsed = datetime.fromisoformat(moment)
        if parsed.tzinfo is None:
            raise ValueError(moment)
        return parsed, UUID(id_)
    except (binascii.Error, ValueError):
        raise UserFacingError(
            ErrorCode.BAD_REQUEST, details={"reason": "unknown place in the list"}
        ) from None
