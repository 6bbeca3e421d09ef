"""Endpoints, models and usage in the operator's admin. Of keys only the variable's name is ever shown."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from providers.models import Endpoint, LanguageModel, Route, Usage

if TYPE_CHECKING:
    _EndpointAdmin = admin.ModelAdmin[Endpoint]
    _LanguageModelAdmin = admin.ModelAdmin[LanguageModel]
    _UsageAdmin = admin.ModelAdmin[Usage]
    _RouteInline = admin.TabularInline[Route, LanguageModel]
else:
    _EndpointAdmin = _LanguageModelAdmin = _UsageAdmin = admin.ModelAdmin
    _RouteInline = admin.TabularInline


@admin.register(Endpoint)
class EndpointAdmin(_EndpointAdmin):
    list_display = ("name", "provider", "address", "key_env", "key_set", "enabled", "available", "made_by")
    list_filter = ("provider", "enabled", "available")
    list_editable = ("enabled",)
    search_fields = ("name", "base_url")
    readonly_fields = ("key_set", "available", "made_by", "created_at")

    @admin.display(description="address")
    def address(self, endpoint: Endpoint) -> str:
        return endpoint.url or "offline"

    @admin.display(description="key is set", boolean=True)
    def key_set(self, endpoint: Endpoint) -> bool | None:
        """As this web process sees it; the worker's environment decides."""
        return endpoint.key_is_set if endpoint.key_env else None

    @admin.display(description="made by")
    def made_by(self, endpoint: Endpoint) -> str:
        return "environment" if endpoint.from_environment else "operator"


class RouteInline(_RouteInline):
    model = Route
    extra = 0
    fields = ("endpoint", "provider_model", "priority")


@admin.register(LanguageModel)
class LanguageModelAdmin(_LanguageModelAdmin):
    list_display = ("id", "name", "enabled", "open_to_guests", "position", "served_by")
    list_editable = ("enabled", "open_to_guests", "position")
    list_filter = ("enabled", "open_to_guests", "routes__endpoint")
    search_fields = ("id", "name")
    inlines = (RouteInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LanguageModel]:
        return super().get_queryset(request).prefetch_related("routes__endpoint")

    def get_readonly_fields(self, request: HttpRequest, obj: LanguageModel | None = None) -> tuple[str, ...]:
        return ("id",) if obj else ()

    @admin.display(description="served by")
    def served_by(self, model: LanguageModel) -> str:
        return ", ".join(route.endpoint.name for route in model.routes.all()) or "nobody"


@admin.register(Usage)
class UsageAdmin(_UsageAdmin):
    list_display = (
        "created_at",
        "user",
        "language_model_id",
        "endpoint",
        "purpose",
        "input_tokens",
        "output_tokens",
        "first_token_ms",
        "duration_ms",
    )
    list_filter = ("purpose", "endpoint", "language_model_id")
    list_select_related = ("user", "endpoint")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Usage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Usage | None = None) -> bool:
        return False
