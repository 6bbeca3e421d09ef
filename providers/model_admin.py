"""What the catalogue knows of a model, as the operator edits it."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from providers.facts import assumption_words, facts_of
from providers.models import CATALOGUE_FIELDS, Effort, InputKind, LanguageModel, Provider
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.instance.assumed:
            if name in self.fields:
                self.fields[name].help_text = f"Assumed. {self.fields[name].help_text}"

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

    @admin.display(description="assumed")
    def assumptions(self, model: LanguageModel) -> str:
        """What no source told, until somebody does."""
        words = assumption_words(model.assumed)
        return words[0].upper() + words[1:] + "." if words else "Nothing."

    @admin.display(description="price per million")
    def price(self, model: LanguageModel) -> SafeString:
        """Of the route that serves it first, and the day on which the model ends."""
        route = next((route for route in model.routes.all() if route.enabled), None)
        day = _end(model)
        price = "–" if route is None else price_words(route)
        return format_html("{}{}", price, format_html("<br>⚠ ends {}", day.isoformat()) if day else "")

    @admin.display(description="announced end")
    def ends(self, model: LanguageModel) -> str:
        day = _end(model)
        return f"⚠ {day.isoformat()}" if day else "–"


def _end(model: LanguageModel) -> date | None:
    """The first day announced for one of the ways that serve it."""
    ways = [
        (Provider(way.endpoint.provider), way.provider_model) for way in model.routes.all() if way.enabled
    ]
    return min((day for way in ways if (day := facts_of(*way).ends_on)), default=None)
