"""The operator's pages for people and tokens. One sign-in for all: the product's own."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import password_validation
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import deletion, sessions
from accounts.models import PersonalAccessToken, User
from accounts.ownership import address_is_taken, vouch_for_address

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _TokenAdmin = admin.ModelAdmin[PersonalAccessToken]
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserForm = forms.ModelForm
    _TokenAdmin = admin.ModelAdmin
    _UserAdmin = DjangoUserAdmin

for further in ("accounts.allauth_admin", "accounts.invitation_admin"):
    import_module(further)

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def sign_in(request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
    """Replaces the admin's own form: codes, limits and, later, second factors hold here too."""
    del extra_context
    user = request.user
    if isinstance(user, User) and not user.is_guest:
        if not admin.site.has_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:index"))
    target = request.GET.get("next") or reverse("admin:index")
    return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}")


admin.site.site_header = admin.site.site_title = "Better Chat"
admin.site.index_title = "Operator's desk"
admin.site.login = sign_in  # type: ignore[method-assign]


class NewPersonForm(_UserForm):
    password = forms.CharField(
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Without one, this person signs in by e-mailed codes.",
    )

    class Meta:
        model = User
        fields = ("email", "display_name")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["email"].required = True

    def clean_email(self) -> str:
        return _free_address(str(self.cleaned_data["email"]), person=self.instance)

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if password:
            password_validation.validate_password(password, self.instance)
        return password

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.set_password(self.cleaned_data["password"] or None)
        if commit:
            user.save()
        return user


class PersonForm(_UserForm):
    class Meta:
        model = User
        fields = ("email", "display_name", "is_active", "mfa_required", *_RIGHTS)

    def clean_email(self) -> str | None:
        email: str | None = self.cleaned_data["email"]
        if email and self.instance.is_guest:
            raise forms.ValidationError("A guest gets an address by signing up.")
        if not email and not self.instance.is_guest:
            raise forms.ValidationError("An account needs an address to sign in with.")
        return _free_address(email, person=self.instance) if email else None


@admin.register(User)
class PersonAdmin(_UserAdmin):
    """People. Rights, and accounts that have all of them, are for superusers only.

    A password is never shown, not even its hash: it can be set anew.
    """

    form = PersonForm
    add_form = NewPersonForm
    add_form_template = None
    fieldsets = (
        (
            None,
            {"fields": ("email", "display_name", "is_guest", "is_active", "mfa_required", "sign_in_with")},
        ),
        ("Rights", {"fields": _RIGHTS}),
        ("History", {"fields": ("date_joined", "last_login", "continued_by")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "display_name", "password")}),)
    readonly_fields = ("is_guest", "sign_in_with", "date_joined", "last_login", "continued_by")
    list_display = ("label", "email", "is_guest", "is_staff", "is_active", "date_joined", "last_login")
    list_display_links = ("label",)
    list_filter = ("is_guest", "is_staff", "is_active", "date_joined")
    search_fields = ("email", "display_name")
    ordering = ("-date_joined",)
    actions = ("suspend", "reactivate", "sign_out")

    @admin.display(description="name", ordering="display_name")
    def label(self, user: User) -> str:
        return user.label

    @admin.display(description="signs in with")
    def sign_in_with(self, user: User) -> str | SafeString:
        if user.is_guest:
            return "its session only"
        return format_html(
            '{} · <a href="{}">Set a password</a>',
            "e-mailed code or password" if user.has_usable_password() else "e-mailed code",
            reverse("admin:auth_user_password_change", args=[user.pk]),
        )

    @admin.action(description="Suspend", permissions=["change"])
    def suspend(self, request: HttpRequest, people: QuerySet[User]) -> None:
        reached = self._within_reach(request, people).exclude(pk=cast("User", request.user).pk)
        ids = list(reached.values_list("pk", flat=True))
        count = User.objects.filter(pk__in=ids).update(is_active=False)
        for person in User.objects.filter(pk__in=ids):
            sessions.end_all(person)
        self.message_user(request, f"Suspended: {count}.", messages.SUCCESS)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, people: QuerySet[User]) -> None:
        reached = list(self._within_reach(request, people))
        for person in reached:
            sessions.end_all(person)
        self.message_user(request, f"Signed out: {len(reached)}.", messages.SUCCESS)

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        count = self._within_reach(request, people).update(is_active=True)
        self.message_user(request, f"Reactivated: {count}.", messages.SUCCESS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._reaches(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(cast("tuple[str, ...]", super().get_readonly_fields(request, obj)))
        # A changed address counts as verified, and the one named ADMIN_EMAIL makes an operator.
        return fields if _is_superuser(request) or obj is None else (*fields, "email", *_RIGHTS)

    def save_model(self, request: HttpRequest, obj: User, form: _UserForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data and _is_superuser(request):
            vouch_for_address(obj)

    def save_related(self, request: HttpRequest, form: _UserForm, formsets: Any, change: bool) -> None:
        """Whose rights change signs in anew; an operator who changes their own stays."""
        super().save_related(request, form, formsets, change)
        person = form.instance
        if not change or not {"is_active", *_RIGHTS} & set(form.changed_data):
            return
        if person == request.user:
            sessions.end_others(request, person)
        else:
            sessions.end_all(person)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What hangs on a person is not the operator's to judge piece by piece: it goes along."""
        _listed, counts, _not_allowed, _protected = super().get_deleted_objects(objs, request)
        return [str(person) for person in objs], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self.delete_queryset(request, User.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """As people delete themselves: what other rooms keep of them goes too."""
        for person in list(self._within_reach(request, queryset)):
            try:
                with transaction.atomic():
                    following = deletion.delete_in_transaction(person)
            except deletion.LastOperatorError:
                self.message_user(request, "The only operator stays.", messages.ERROR)
                continue
            for follow in following:
                transaction.on_commit(follow)

    def _within_reach(self, request: HttpRequest, people: QuerySet[User]) -> QuerySet[User]:
        return people if _is_superuser(request) else people.filter(is_superuser=False, is_staff=False)

    def _reaches(self, request: HttpRequest, user: User | None) -> bool:
        """Staff with the right to change people could otherwise set a superuser's password."""
        return user is None or _is_superuser(request) or not (user.is_superuser or user.is_staff)


@admin.register(PersonalAccessToken)
class PersonalAccessTokenAdmin(_TokenAdmin):
    """Read-only: tokens are made by their owners and end here."""

    list_display = ("name", "user", "ends_in", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__email", "user__display_name")
    fields = ("name", "user", "ends_in", "created_at", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = fields
    actions = ("revoke",)

    @admin.display(description="ends in", ordering="last_four")
    def ends_in(self, token: PersonalAccessToken) -> str:
        return f"…{token.last_four}"

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[PersonalAccessToken]) -> None:
        count = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"Revoked: {count}.", messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False


def _free_address(email: str, *, person: User) -> str:
    if address_is_taken(email, by_others_than=person):
        raise forms.ValidationError("Another account has this address.")
    return email.lower()


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser
