"""The operator's page of proposed changes: read, accept, reject, one by one or together."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from accounts.models import User
from providers.models import CatalogueChange, ChangeKind, ChangeStatus, PriceSource
from providers.sync.deciding import RefusedError, accept, reject
from providers.sync.words import Line, lines

if TYPE_CHECKING:
    _CatalogueChangeAdmin = admin.ModelAdmin[CatalogueChange]
else:
    _CatalogueChangeAdmin = admin.ModelAdmin

_REFUSALS_SHOWN_MAX = 20

type Decide = Callable[..., CatalogueChange]


class StatusFilter(admin.SimpleListFilter):
    """Those that wait, unless something else is chosen."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(status.value, str(status.label)) for status in ChangeStatus]

    def choices(self, changelist: Any) -> Any:
        choices = list(super().choices(changelist))
        choices[1]["selected"] = self._chosen() == ChangeStatus.PENDING
        return choices[1:]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CatalogueChange]
    ) -> QuerySet[CatalogueChange]:
        return queryset.filter(status=self._chosen())

    def _chosen(self) -> str:
        value = self.value()
        return value if value in ChangeStatus.values else ChangeStatus.PENDING.value


@admin.register(CatalogueChange)
class CatalogueChangeAdmin(_CatalogueChangeAdmin):
    list_display = ("endpoint", "kind", "model_id", "what", "found", "decide")
    list_display_links = None
    list_filter = (StatusFilter, ("endpoint", admin.RelatedOnlyFieldListFilter), "kind")
    list_select_related = ("endpoint", "decided_by")
    search_fields = ("language_model_id", "provider_model")
    sortable_by = ()
    actions = ("accept_chosen", "reject_chosen")
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CatalogueChange | None = None) -> bool:
        """With their endpoint they go, but not in bulk: rejecting is what keeps them away."""
        return obj is not None and super().has_delete_permission(request, obj)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Whoever may only look gets no buttons."""
        return self.list_display if self.has_change_permission(request) else self.list_display[:-1]

    def get_readonly_fields(
        self, request: HttpRequest, obj: CatalogueChange | None = None
    ) -> tuple[str, ...]:
        return tuple(field.name for field in CatalogueChange._meta.fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CatalogueChange]:
        return super().get_queryset(request).prefetch_related("endpoint__routes__prices")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The buttons of a row send the list's own form; the filters stay in the address."""
        for name, decide in (("accept", accept), ("reject", reject)):
            if request.method == "POST" and name in request.POST:
                return self._decide_one(request, decide, request.POST[name])
        return super().changelist_view(request, {"title": "Catalogue changes", **(extra_context or {})})

    def _decide_one(self, request: HttpRequest, decide: Decide, pk: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        self._decide(request, decide, [int(pk)] if pk.isdecimal() and len(pk) < 19 else [])
        return HttpResponseRedirect(request.get_full_path())

    @admin.action(description="Accept", permissions=["change"])
    def accept_chosen(self, request: HttpRequest, queryset: QuerySet[CatalogueChange]) -> None:
        self._decide(request, accept, queryset.values_list("pk", flat=True))

    @admin.action(description="Reject", permissions=["change"])
    def reject_chosen(self, request: HttpRequest, queryset: QuerySet[CatalogueChange]) -> None:
        self._decide(request, reject, queryset.values_list("pk", flat=True))

    def _decide(self, request: HttpRequest, decide: Decide, pks: Any) -> None:
        """Each in a transaction of its own: one that is out of date does not hold up the others."""
        assert isinstance(request.user, User)
        done: list[CatalogueChange] = []
        refused: list[str] = []
        for pk in list(pks):
            try:
                done.append(decide(pk, by=request.user))
            except RefusedError as error:
                refused.append(error.sentence)
        if len(done) == 1:
            self.message_user(request, f"{done[0].get_status_display()}: {done[0].language_model_id}.")
        elif done:
            self.message_user(request, f"{done[0].get_status_display()}: {len(done)} changes.")
        for sentence in refused[:_REFUSALS_SHOWN_MAX]:
            self.message_user(request, sentence, messages.ERROR)
        if (more := len(refused) - _REFUSALS_SHOWN_MAX) > 0:
            self.message_user(request, f"{more} more could not be decided, for such reasons.", messages.ERROR)

    @admin.display(description="model")
    def model_id(self, change: CatalogueChange) -> SafeString:
        if change.language_model_id.endswith(f":{change.provider_model}"):
            return format_html('<span class="change-model">{}</span>', change.language_model_id)
        return format_html(
            '<span class="change-model">{}</span><br><small>{}</small>',
            change.language_model_id,
            change.provider_model,
        )

    @admin.display(description="before → after")
    def what(self, change: CatalogueChange) -> SafeString:
        rows = format_html_join("", "<li>{}</li>", ((_line(line),) for line in lines(change)))
        notes = [note for note in (change.warning, self._override(change)) if note]
        warnings = format_html_join("", '<li class="change-warning">⚠ {}</li>', ((note,) for note in notes))
        return format_html('<ul class="change">{}{}</ul>', rows, warnings)

    def _override(self, change: CatalogueChange) -> str:
        """Why an accepted price would not be the one that counts."""
        if change.kind != ChangeKind.PRICE:
            return ""
        this = (change.language_model_id, change.provider_model)
        overridden = any(
            price.source == PriceSource.OPERATOR
            for route in change.endpoint.routes.all()
            if (route.language_model_id, route.provider_model) == this
            for price in route.prices.all()
        )
        return "Your own price for it stays in force." if overridden else ""

    @admin.display(description="found")
    def found(self, change: CatalogueChange) -> SafeString:
        when = f"{localtime(change.found_at):%Y-%m-%d %H:%M}"
        return format_html("{}<br><small>{}</small>", when, change.source)

    @admin.display(description="decide")
    def decide(self, change: CatalogueChange) -> str | SafeString:
        if change.status == ChangeStatus.ACCEPTED:
            return _decided(change)
        buttons = [("accept", "Accept")]
        if change.status == ChangeStatus.PENDING:
            buttons.append(("reject", "Reject"))
        drawn = format_html_join(
            " ",
            '<button type="submit" class="button" name="{}" value="{}" aria-label="{}: {}">{}</button>',
            ((name, change.pk, label, str(change), label) for name, label in buttons),
        )
        return format_html(
            '<span class="change-decide">{}</span>{}', drawn, _decided(change) if change.decided_at else ""
        )


def _decided(change: CatalogueChange) -> SafeString:
    by = change.decided_by.label if change.decided_by else "somebody"
    return format_html("<small>{} by {}</small>", change.get_status_display(), by)


def _line(line: Line) -> SafeString:
    if line.before is None:
        return format_html("{}: <strong>{}</strong>", line.label, line.after)
    return format_html("{}: <del>{}</del> → <strong>{}</strong>", line.label, line.before, line.after)
