"""What the catalogue knows of a model, as the operator edits it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from providers.facts import assumption_words, facts_of
from providers.models import CATALOGUE_FIELDS, Effort, InputKind, LanguageModel, Provider
from providers.sync.comparing import ends_words
from providers.sync.words import price_words

if TYPE_CHECKING:
    _LanguageModelForm = forms.ModelForm[LanguageModel]
    _LanguageModelAdmin = admin.ModelAdmin[LanguageModel]
else:
    _LanguageModelForm = forms.ModelForm
    _LanguageModelAdmin = admin.ModelAdmin


class _Choices(forms.TypedMultipleChoiceField):
    """An array's values as checkboxes, in the order of the choices."""

    widget = forms.CheckboxSelectMultiple

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(initial or [], data or [])


class LanguageModelForm(_LanguageModelForm):
    efforts = _Choices(
        choices=Effort.choices,
        required=False,
        help_text="How much thinking people may ask for. None: the model decides.",
    )
    input_kinds = _Choices(choices=InputKind.choices, label="Reads")
    set_by_hand = _Choices(
        choices=[(name, name.replace("_", " ").capitalize()) for name in CATALOGUE_FIELDS],
        required=False,
        help_text="The catalogue proposes nothing for these. What you change here is ticked by itself.",
    )

    def clean(self) -> dict[str, Any]:
        """What was changed is the operator's from now on, and no assumption any more."""
        cleaned = dict(super().clean() or self.cleaned_data)
        changed = {name for name in CATALOGUE_FIELDS if name in self.changed_data}
        if self.instance.pk and not self.instance._state.adding:
            by_hand = {*cleaned.get("set_by_hand", ()), *changed}
            cleaned["set_by_hand"] = [name for name in CATALOGUE_FIELDS if name in by_hand]
        self.instance.assumed = [name for name in self.instance.assumed if name not in changed]
        successor = cleaned.get("successor")
        if successor is not None and successor.pk == self.instance.pk:
            self.add_error("successor", "A model can't follow itself.")
        return cleaned


class CatalogueFields(_LanguageModelAdmin):
    """The part of the models' admin that is about what is known of them."""

    form = LanguageModelForm
    autocomplete_fields = ("successor",)
    fieldsets = (
        (None, {"fields": ("id", "name", "enabled", "open_to_guests", "position", "successor", "ends")}),
        (
            "What it can do",
            {
                "fields": (
                    "assumptions",
                    "context_window_tokens",
                    "max_output_tokens",
                    "reasoning",
                    "efforts",
                    "input_kinds",
                    "tools",
                    "continuation",
                    "set_by_hand",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[LanguageModel]:
        return super().get_queryset(request).prefetch_related("routes__endpoint", "routes__prices")

    def get_readonly_fields(self, request: HttpRequest, obj: LanguageModel | None = None) -> tuple[str, ...]:
        return ("id", "assumptions", "ends") if obj else ("assumptions", "ends")

    @admin.display(description="assumed", empty_value="nothing")
    def assumptions(self, model: LanguageModel) -> str | None:
        """What no source told, until somebody does."""
        words = assumption_words(model.assumed)
        return words[0].upper() + words[1:] + "." if words else None

    @admin.display(description="price per million", empty_value="not served")
    def price(self, model: LanguageModel) -> str | None:
        """Of the route that serves it first: the operator's own, or else the catalogue's."""
        route = next((route for route in model.routes.all() if route.enabled), None)
        if route is None:
            return None
        return price_words(route)

    @admin.display(description="ends", empty_value="not announced")
    def ends(self, model: LanguageModel) -> str | None:
        days = [
            day
            for route in model.routes.all()
            if route.enabled
            and (day := facts_of(Provider(route.endpoint.provider), route.provider_model).ends_on) is not None
        ]
        return f"⚠ {ends_words(min(days)).capitalize()}" if days else None
