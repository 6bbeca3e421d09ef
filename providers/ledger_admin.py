"""Prices and usage in the operator's admin.

Of what people call with their own keys the operator sees that it was, and what it used: not which model or
server it was.
"""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest

from providers.models import LanguageModel, Price, PriceSource, Provider, Route, Usage
from providers.money import dollars
from providers.pricing import PriceOrigin, prices_of_route

if TYPE_CHECKING:
    from django.forms.models import BaseInlineFormSet
    from django_stubs_ext import StrOrPromise

    _PriceForms = BaseInlineFormSet[Price, Route, forms.ModelForm[Price]]
    _PriceInline = admin.TabularInline[Price, Route]
    _RouteAdmin = admin.ModelAdmin[Route]
    _UsageAdmin = admin.ModelAdmin[Usage]
else:
    _PriceForms = forms.BaseInlineFormSet
    _PriceInline = admin.TabularInline
    _RouteAdmin = _UsageAdmin = admin.ModelAdmin

OWN = "a person's own"
_AMOUNTS = ("above_input_tokens", "input", "output", "cached_input", "cache_write")


class PlatformEndpoints(admin.RelatedFieldListFilter):
    """Offers the operator's endpoints only."""

    def field_choices(
        self, field: "RelatedField[Any, Any]", request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> "list[tuple[str, StrOrPromise]]":
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices = field.get_choices(include_blank=False, ordering=ordering, limit_choices_to={"owner": None})
        return cast("list[tuple[str, StrOrPromise]]", choices)


class PlatformModels(admin.SimpleListFilter):
    """Offers the operator's models. What is in the ledger beside them is not looked through."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return list(LanguageModel.objects.values_list("pk", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Usage]) -> QuerySet[Usage]:
        model_id = self.value()
        return queryset.filter(language_model_id=model_id) if model_id else queryset


class KnownCost(admin.SimpleListFilter):
    title = "cost"
    parameter_name = "cost"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [("known", "Known"), ("unknown", "Unknown")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Usage]) -> QuerySet[Usage]:
        match self.value():
            case "known":
                return queryset.exclude(cost_microusd=None)
            case "unknown":
                return queryset.filter(cost_microusd=None)
        return queryset


class PriceForms(_PriceForms):
    def clean(self) -> None:
        """Django leaves out a constraint that names a field which the form has not."""
        super().clean()
        kept = (form.cleaned_data for form in self.forms if form not in self.deleted_forms)
        begins = [data["above_input_tokens"] for data in kept if "above_input_tokens" in data]
        if len(set(begins)) < len(begins):
            raise forms.ValidationError("Two of these prices begin at the same number of input tokens.")


class OperatorPrices(_PriceInline):
    model = Price
    formset = PriceForms
    fields = _AMOUNTS
    extra = 1
    verbose_name = "own price"
    verbose_name_plural = (
        "own prices. The first one sets all of the catalogue's aside; empty is unknown, 0 is free"
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        return super().get_queryset(request).filter(source=PriceSource.OPERATOR)


class CataloguePrices(_PriceInline):
    model = Price
    fields = readonly_fields = _AMOUNTS
    extra = 0
    can_delete = False
    verbose_name_plural = "prices of the catalogue"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        return super().get_queryset(request).filter(source=PriceSource.CATALOGUE)

    def has_add_permission(self, request: HttpRequest, obj: Route | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Route | None = None) -> bool:
        return False


@admin.register(Route)
class RouteAdmin(_RouteAdmin):
    """What calls cost on each way to a model. The ways themselves are made at the model."""

    list_display = ("language_model", "endpoint", "provider_model", "price")
    list_filter = (("endpoint", PlatformEndpoints),)
    list_select_related = ("language_model", "endpoint")
    search_fields = ("provider_model", "language_model__name", "language_model__id")
    fields = readonly_fields = ("language_model", "endpoint", "provider_model", "priority", "price")
    inlines = (OperatorPrices, CataloguePrices)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        return super().get_queryset(request).prefetch_related("prices")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="in force, USD per million tokens")
    def price(self, route: Route) -> str:
        return price_in_words(route)


def price_in_words(route: Route) -> str:
    """What a small call costs now: `2.5 in, 10 out (operator)`."""
    held = prices_of_route(Provider(route.endpoint.provider), route.prices.all())
    if held.origin is PriceOrigin.FREE:
        return "free"
    if not held.steps:
        return "as the provider reports" if held.reported else "unknown"
    first = held.steps[0]
    into, out = (
        "unknown" if each is None else f"{each.normalize():f}" for each in (first.input, first.output)
    )
    before = "unless the provider reports it, " if held.reported else ""
    return f"{into} in, {out} out ({before}{held.origin})"


@admin.register(Usage)
class UsageAdmin(_UsageAdmin):
    list_display = (
        "created_at", "user", "model_id", "cost", "own_key", "estimated", "input_tokens", "output_tokens",
        "purpose", "served_by", "first_token_ms", "duration_ms",
    )  # fmt: skip
    fields = (
        "created_at", "user", "model_id", "served_by", "purpose", "own_key", "estimated", "input_tokens",
        "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost", "price",
        "first_token_ms", "duration_ms",
    )  # fmt: skip
    list_filter = (
        ("created_at", admin.DateFieldListFilter), "own_key", "estimated", KnownCost, "purpose",
        ("endpoint", PlatformEndpoints), PlatformModels,
    )  # fmt: skip
    list_select_related = ("user", "endpoint")
    search_fields = ("user__email",)
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="model")
    def model_id(self, usage: Usage) -> str:
        return OWN if usage.own_key else usage.language_model_id

    @admin.display(description="endpoint")
    def served_by(self, usage: Usage) -> str:
        return OWN if usage.own_key else str(usage.endpoint or "deleted")

    @admin.display(description="cost", ordering="cost_microusd", empty_value="unknown")
    def cost(self, usage: Usage) -> str | None:
        return None if usage.cost_microusd is None else dollars(usage.cost_microusd)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Usage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Usage | None = None) -> bool:
        return False
