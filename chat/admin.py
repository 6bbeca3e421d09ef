"""What an operator sees of the chat: that turns happen and how they end, never what is said in them."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from chat.models import Conversation, Turn

if TYPE_CHECKING:
    _ConversationBase = admin.ModelAdmin[Conversation]
    _TurnBase = admin.ModelAdmin[Turn]
else:  # generic in the stubs only
    _ConversationBase = _TurnBase = admin.ModelAdmin


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(_ReadOnly, _ConversationBase):
    """Without the title: it is made of the person's words."""

    fields = ("id", "owner", "model_id", "version", "created_at", "last_activity_at", "deleted_at")
    list_display = ("id", "owner", "model_id", "created_at", "last_activity_at", "deleted_at")
    list_filter = ("model_id", "created_at")
    search_fields = ("=id", "owner__email")
    ordering = ("-last_activity_at",)
    list_select_related = ("owner",)
    show_full_result_count = False


@admin.register(Turn)
class TurnAdmin(_ReadOnly, _TurnBase):
    fields = (
        "id",
        "conversation",
        "model_id",
        "state",
        "attempt",
        "finish_reason",
        "error_code",
        "created_at",
        "started_at",
        "finished_at",
        "stop_requested_at",
    )
    list_display = ("id", "person", "model_id", "state", "error_code", "attempt", "created_at", "finished_at")
    list_filter = ("state", "error_code", "model_id", "created_at")
    search_fields = ("=id", "=conversation__id", "conversation__owner__email")
    ordering = ("-created_at",)
    list_select_related = ("conversation__owner",)
    show_full_result_count = False

    @admin.display(description="person")
    def person(self, turn: Turn) -> str:
        return str(turn.conversation.owner)
