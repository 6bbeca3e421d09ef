"""Forms of the account pages, in the product's words."""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from allauth.account import forms as allauth_forms
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.socialaccount.forms import SignupForm as SocialForm
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import factors
from accounts.models import DISPLAY_NAME_CHARACTERS_MAX, PersonalAccessToken, User
from accounts.ownership import address_is_taken

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:
    _UserForm = forms.ModelForm

_LENGTH_HELP = "At least 10 characters."
_NO_PASSKEY = "That passkey could not be read. Try again."
_LABELS = {
    "login": "E-mail",
    "email": "E-mail",
    "oldpassword": "Current password",
    "password": "Password",
    "password1": "Password",
    "password2": "Password again",
    "code": "Code",
}


class _InOurWords(forms.Form):
    """Our labels, and no placeholder that repeats them and vanishes with the first key."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, field in self.fields.items():
            field.label = _LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
            if name == "code":
                field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "one-time-code"}
            if name == "password1":
                field.help_text = _LENGTH_HELP


class LoginForm(_InOurWords, allauth_forms.LoginForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""  # the page has its own link to the reset


class SignupForm(_InOurWords, allauth_forms.SignupForm):  # type: ignore[misc]  # their `clean`
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password1"]
        if not password.required:
            password.label = "Password (optional)"
            password.help_text = f"{_LENGTH_HELP} Without one you sign in by e-mailed codes."

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """An address that has an account gets the same answer; here also the same work is done."""
        if self.account_already_exists:
            with transaction.atomic():
                User.objects.create_user(
                    f"{uuid.uuid4()}@betterchat.invalid", self.cleaned_data.get("password1") or None
                )
                transaction.set_rollback(True)
        saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return saved


class SocialSignupForm(_InOurWords, SocialForm):  # type: ignore[misc]  # their `clean`
    pass


class RequestLoginCodeForm(_InOurWords, allauth_forms.RequestLoginCodeForm):
    pass


class ConfirmLoginCodeForm(_InOurWords, allauth_forms.ConfirmLoginCodeForm):
    pass


class ConfirmAddressForm(_InOurWords, allauth_forms.ConfirmEmailVerificationCodeForm):
    pass


class ConfirmResetForm(_InOurWords, allauth_forms.ConfirmPasswordResetCodeForm):
    pass


class ResetPasswordForm(_InOurWords, allauth_forms.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(_InOurWords, allauth_forms.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(_InOurWords, allauth_forms.ChangePasswordForm):
    pass


class SetPasswordForm(_InOurWords, allauth_forms.SetPasswordForm):
    pass


class AddAddressForm(_InOurWords, allauth_forms.AddEmailForm):
    pass


class FactorForm(_InOurWords, AuthenticateForm):
    def clean_code(self) -> str:
        factors.take_try(self.user)
        return super().clean_code()


class FactorAgainForm(_InOurWords, ReauthenticateForm):
    def clean_code(self) -> str:
        factors.take_try(self.user)
        return super().clean_code()


class ActivateAppForm(_InOurWords, ActivateTOTPForm):
    pass


class _FromABrowser(forms.Form):
    """What claims to come from a browser's passkey may be anything, and fido2 reads it trustingly."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValidationError(_NO_PASSKEY) from None


class PasskeyForm(_FromABrowser, AuthenticateWebAuthnForm):
    pass


class PasskeySignInForm(_FromABrowser, LoginWebAuthnForm):
    pass


class PasskeyAgainForm(_FromABrowser, ReauthenticateWebAuthnForm):
    pass


class AddPasskeyForm(_InOurWords, AddWebAuthnForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "Name"
        alone = self.fields["passwordless"]
        alone.label, alone.initial = "Sign in with it alone", True
        alone.help_text = "It then asks for a fingerprint, face or PIN."

    def clean(self) -> dict[str, object]:
        try:
            return super().clean()
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValidationError(_NO_PASSKEY) from None


class OperatorForm(forms.Form):
    """The first operator's account; who may make it is decided in `operators`."""

    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    display_name = forms.CharField(
        label="Name",
        max_length=DISPLAY_NAME_CHARACTERS_MAX,
        required=False,
        help_text="How others see you. Your e-mail if empty.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text=_LENGTH_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if address_is_taken(email):
            raise ValidationError("There is an account with this address. Use another one.")
        return email

    def clean(self) -> None:
        password = self.cleaned_data.get("password")
        if password:
            person = User(
                email=self.cleaned_data.get("email"), display_name=self.cleaned_data.get("display_name", "")
            )
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)


class ProfileForm(_UserForm):
    class Meta:
        model = User
        fields = ("display_name", "time_zone")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
        self.fields["time_zone"] = forms.ChoiceField(
            label="Time zone",
            required=False,
            choices=[("", f"The server's ({settings.TIME_ZONE})"), *((name, name) for name in names)],
        )


class DeletionForm(forms.Form):
    email = forms.EmailField(
        label="Your e-mail, to be sure", widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if email != self.user.email:
            raise ValidationError("That is not the address of this account.")
        return email


class TokenForm(forms.Form):
    name = forms.CharField(
        label="What it is for", max_length=PersonalAccessToken._meta.get_field("name").max_length
    )
    days = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        choices=[(30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never")],
        initial=90,
    )

    def expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
