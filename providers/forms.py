"""Forms of the pages for own keys. A key is never put back into a form."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import RegexValidator

from providers.keys import NotSavedError
from providers.models import OwnModel
from providers.models.endpoint import validate_base_url

if TYPE_CHECKING:
    _OwnModelForm = forms.ModelForm[OwnModel]
else:
    _OwnModelForm = forms.ModelForm

SLUG_CHARACTERS_MAX = 40
_KEY_CHARACTERS_MAX = 500
_KEY_HELP = "Only its last four characters are ever shown again."


class KeyField(forms.CharField):
    """What goes into an HTTP header: printable, without spaces. Empties itself in every form shown."""

    widget = forms.PasswordInput

    def __init__(self, *, required: bool = True, label: str = "", help_text: str = _KEY_HELP) -> None:
        super().__init__(
            label=label or ("Key" if required else "Key (optional)"),
            required=required,
            max_length=_KEY_CHARACTERS_MAX,
            help_text=help_text,
            validators=[
                RegexValidator(r"\A[\x21-\x7e]+\Z", "A key has letters, digits and signs only, no spaces.")
            ],
            widget=forms.PasswordInput(
                render_value=False,
                attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"},
            ),
        )


class _TellsWhyNotSaved(forms.Form):
    """Carries a refusal of the use case: the sentence in place, and whether the person may insist."""

    said = ""
    may_force = False

    def refuse(self, problem: NotSavedError) -> None:
        self.add_error(problem.field if problem.field in self.fields else None, problem.sentence)
        self.said, self.may_force = problem.said, problem.may_force


class KeyForm(_TellsWhyNotSaved):
    key = KeyField()


class ServerForm(_TellsWhyNotSaved):
    """`new=False` leaves the slug out: it is part of ids that messages remember."""

    display_name = forms.CharField(label="Name", max_length=80, help_text="As the list of models shows it.")
    slug = forms.CharField(
        label="Short name",
        max_length=SLUG_CHARACTERS_MAX,
        validators=[RegexValidator(r"\A[a-z0-9][a-z0-9_-]*\Z", "Use small letters, digits, - and _.")],
        help_text="Its models are called byok:short-name:model. Can't be changed later.",
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"}),
    )
    base_url = forms.CharField(
        label="Address",
        max_length=500,
        validators=[validate_base_url],
        help_text="Where it speaks OpenAI's language, for example https://llm.example.org/v1",
        widget=forms.URLInput(attrs={"spellcheck": "false"}),
    )
    key = KeyField(required=False, help_text=f"Leave it empty where the server asks for none. {_KEY_HELP}")

    def __init__(self, *args: Any, new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not new:
            del self.fields["slug"]
            self.fields[
                "key"
            ].help_text = (
                "Leave it empty to keep the one there is. Another host, scheme or port needs its key again."
            )

    def clean_base_url(self) -> str:
        return str(self.cleaned_data["base_url"]).rstrip("/")


class OwnModelForm(_OwnModelForm):
    provider_model = forms.CharField(
        label="Model",
        max_length=OwnModel._meta.get_field("provider_model").max_length,
        validators=[RegexValidator(r"\A[^\s\x00-\x1f]+\Z", "A model's name has no spaces.")],
        help_text="The name the provider knows it by, for example gpt-4o-mini",
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        label="Shown as",
        required=False,
        max_length=OwnModel._meta.get_field("name").max_length,
        help_text="The model's own name if empty.",
    )
    max_output_tokens = forms.IntegerField(
        label="Longest answer (tokens)",
        required=False,
        min_value=1,
        max_value=10_000_000,
        help_text="Empty for the provider's own limit.",
    )
    tools = forms.BooleanField(label="Can use tools", required=False)

    class Meta:
        model = OwnModel
        fields = ("provider_model", "name", "max_output_tokens", "tools")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["provider_model"]  # ids that messages remember are made of it

    def clean(self) -> dict[str, Any]:
        cleaned = dict(super().clean() or self.cleaned_data)
        name = cleaned.get("provider_model") or self.instance.provider_model
        endpoint = self.instance.endpoint
        if not self.instance.pk and endpoint.own_models.filter(provider_model=name).exists():
            self.add_error("provider_model", "That model is here already.")
        if not cleaned.get("name"):
            cleaned["name"] = name
        return cleaned
