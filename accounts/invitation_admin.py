"""Invitations, for operators."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest

from accounts import invitations
from accounts.models import Invitation, User

if TYPE_CHECKING:
    _InvitationAdmin = admin.ModelAdmin[Invitation]
else:
    _InvitationAdmin = admin.ModelAdmin


@admin.register(Invitation)
class InvitationAdmin(_InvitationAdmin):
    """The link is shown once, after saving. Deleting an invitation ends it."""

    list_display = ("__str__", "created_by", "created_at", "expires_at", "used_by", "used_at")
    list_filter = ("created_at", "expires_at", "used_at")
    list_select_related = ("created_by", "used_by")
    search_fields = ("note",)
    fields = ("note", "expires_at", "created_by", "created_at", "used_by", "used_at")
    readonly_fields = ("created_by", "created_at", "used_by", "used_at")

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        if change:
            return super().save_model(request, obj, form, change)
        obj.created_by = request.user if isinstance(request.user, User) else None
        path = invitations.issue(obj)
        super().save_model(request, obj, form, change)
        link = request.build_absolute_uri(path)
        messages.success(request, f"Copy the link now, it can't be shown again: {link}")
