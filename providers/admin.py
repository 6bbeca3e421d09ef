"""Endpoints and models in the operator's admin. Prices and usage: `providers.ledger_admin`.

Of keys only the variable's name and the last four characters are ever shown. People's own endpoints are
not here: they are theirs.
"""

from typing import TYPE_CHECKING, cast

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from betterchat.core import secrets
from providers import keys, sync_admin  # noqa: F401 - registers the page of catalogue changes
from providers.forms import KeyField
from providers.ledger_admin import PlatformEndpoints, price_in_words
from providers.model_admin import CatalogueFields
from providers.models import AllowedHost, Credential, Endpoint, LanguageModel, Route

if TYPE_CHECKING:
    _AllowedHostAdmin = admin.ModelAdmin[AllowedHost]
    _EndpointAdmin = admin.ModelAdmin[Endpoint]
    _EndpointForm = forms.ModelForm[Endpoint]
    _RouteInline = admin.TabularInline[Route, LanguageModel]
else:
    _EndpointForm = forms.ModelForm
    _AllowedHostAdmin = _EndpointAdmin = admin.ModelAdmin
    _RouteInline = admin.TabularInline


class EndpointForm(_EndpointForm):
    new_key = KeyField(
        required=False,
        label="New key",
        help_text="Enter a key here to keep it sealed in the database instead. It can't be read again.",
    )
    forget_key = forms.BooleanField(label="Forget the entered key", required=False)

    class Meta:
        model = Endpoint
        fields = ("name", "provider", "wire", "base_url", "key_env", "allow_private", "enabled")

    def clean_name(self) -> str:
        """Django leaves out a constraint whose condition names a field that the form has not."""
        name = str(self.cleaned_data["name"])
        if Endpoint.objects.platform().filter(name=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is an endpoint with this name already.")
        return name

    def clean_new_key(self) -> str:
        key = str(self.cleaned_data["new_key"])
        if key and not secrets.key_ids():
            raise forms.ValidationError("There is no master key to keep it with. Set MASTER_KEYS.")
        return key


@admin.register(Endpoint)
class EndpointAdmin(_EndpointAdmin):
    form = EndpointForm
    list_display = ("name", "provider", "address", "key_env", "key_set", "enabled", "available", "made_by")
    list_select_related = ("credential",)
    fields = (
        "name",
        "provider",
        "wire",
        "base_url",
        "key_env",
        "key_set",
        "entered_key",
        "new_key",
        "forget_key",
        "allow_private",
        "enabled",
        "available",
        "made_by",
        "created_at",
    )
    list_filter = ("provider", "enabled", "available")
    list_editable = ("enabled",)
    search_fields = ("name", "base_url")
    readonly_fields = ("key_set", "entered_key", "available", "made_by", "created_at")

    @admin.display(description="address")
    def address(self, endpoint: Endpoint) -> str:
        return endpoint.url or "offline"

    @admin.display(description="key is set", boolean=True)
    def key_set(self, endpoint: Endpoint) -> bool | None:
        """As this web process sees it; the worker's environment decides."""
        return True if _entered(endpoint) else endpoint.key_is_set if endpoint.key_env else None

    @admin.display(description="entered key", empty_value="none")
    def entered_key(self, endpoint: Endpoint) -> str | None:
        credential = _entered(endpoint)
        return f"…{credential.last_four}, since {credential.created_at:%Y-%m-%d}" if credential else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return super().get_queryset(request).filter(owner=None)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: _EndpointForm, change: bool) -> None:
        """A key is bound to the host it was entered for: another address forgets it."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if keys.keep_or_forget_key(obj):
                text = f"{obj} is at another address now: the key entered for the old one is deleted."
                self.message_user(request, text, messages.WARNING)
            if form.cleaned_data.get("forget_key"):
                Credential.objects.filter(endpoint=obj).delete()
            if key := form.cleaned_data.get("new_key"):
                keys.store_key(obj, key)

    @admin.display(description="made by")
    def made_by(self, endpoint: Endpoint) -> str:
        return "environment" if endpoint.from_environment else "operator"


@admin.register(AllowedHost)
class AllowedHostAdmin(_AllowedHostAdmin):
    """Private servers that people may enter as their own."""

    list_display = ("host", "port")


class RouteInline(_RouteInline):
    model = Route
    extra = 0
    fields = ("endpoint", "provider_model", "priority", "enabled", "price")
    readonly_fields = ("price",)
    show_change_link = True  # to its prices

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        return super().get_queryset(request).select_related("endpoint").prefetch_related("prices")

    @admin.display(description="USD per million tokens")
    def price(self, route: Route) -> str:
        return price_in_words(route) if route.pk else "entered once it is saved"


@admin.register(LanguageModel)
class LanguageModelAdmin(CatalogueFields):
    list_display = ("id", "name", "enabled", "open_to_guests", "position", "served_by", "price")
    list_editable = ("enabled", "open_to_guests", "position")
    list_filter = ("enabled", "open_to_guests", ("routes__endpoint", PlatformEndpoints))
    search_fields = ("id", "name")
    inlines = (RouteInline,)

    @admin.display(description="served by")
    def served_by(self, model: LanguageModel) -> str:
        return ", ".join(route.endpoint.name for route in model.routes.all() if route.enabled) or "nobody"


def _entered(endpoint: Endpoint) -> Credential | None:
    return cast("Credential | None", getattr(endpoint, "credential", None))
