"""allauth's own admin pages show what nobody should read or type: they are replaced or taken away."""

from importlib import import_module
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.core.validators import URLValidator
from django.http import HttpRequest

from accounts.models import IssuerSecret

if TYPE_CHECKING:
    _AppForm = forms.ModelForm[SocialApp]
    _AppAdmin = admin.ModelAdmin[SocialApp]
else:
    _AppForm = forms.ModelForm
    _AppAdmin = admin.ModelAdmin

for registers in ("allauth.mfa.admin", "allauth.usersessions.admin", "allauth.socialaccount.admin"):
    import_module(registers)

admin.site.unregister([Authenticator, UserSession, SocialAccount, SocialApp, SocialToken])


class IssuerForm(_AppForm):
    provider = forms.ChoiceField(
        choices=[("openid_connect", "OpenID Connect"), ("google", "Google"), ("github", "GitHub")]
    )
    server_url = forms.CharField(
        label="issuer",
        required=False,
        max_length=500,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="For OpenID Connect: the address below which /.well-known/openid-configuration is.",
    )
    new_secret = forms.CharField(
        label="client secret",
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Kept sealed and never shown again. Empty keeps the one there is.",
    )

    class Meta:
        model = SocialApp
        fields = ("provider", "provider_id", "name", "client_id")
        help_texts = {"provider_id": "For OpenID Connect: a short name, part of the callback address."}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["server_url"].initial = self.instance.settings.get("server_url", "")

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        if data.get("provider") == "openid_connect":
            for name in ("provider_id", "server_url"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "OpenID Connect needs it.")
        return data


@admin.register(SocialApp)
class IssuerAdmin(_AppAdmin):
    form = IssuerForm
    fields = ("provider", "name", "provider_id", "server_url", "client_id", "new_secret", "kept_secret")
    readonly_fields = ("kept_secret",)
    list_display = ("name", "provider", "provider_id", "kept_secret")

    @admin.display(description="kept secret")
    def kept_secret(self, app: SocialApp) -> str:
        kept = IssuerSecret.objects.filter(app_id=app.pk).first() if app.pk else None
        return str(kept) if kept else "none"

    def save_model(self, request: HttpRequest, obj: SocialApp, form: IssuerForm, change: bool) -> None:
        obj.settings = {**obj.settings, "server_url": form.cleaned_data["server_url"]}
        super().save_model(request, obj, form, change)
        if secret := form.cleaned_data["new_secret"]:
            kept = IssuerSecret.objects.filter(app=obj).first() or IssuerSecret(app=obj)
            kept.put(secret)
            kept.save()
