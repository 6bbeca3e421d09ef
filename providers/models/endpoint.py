"""Addresses that speak a provider's language."""

from typing import ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from betterchat.core import env
from betterchat.core.outbound import check_url


class Provider(models.TextChoices):
    """The kinds: which language an endpoint speaks."""

    OPENAI = "openai", "OpenAI"
    ANTHROPIC = "anthropic", "Anthropic"
    GEMINI = "gemini", "Google Gemini"
    OPENROUTER = "openrouter", "OpenRouter"
    XAI = "xai", "xAI"
    OLLAMA = "ollama", "Ollama"
    OPENAI_COMPATIBLE = "openai_compatible", "OpenAI-compatible"
    LITELLM = "litellm", "Another, through litellm"
    DEMO = "demo", "Demo"


class Wire(models.TextChoices):
    """The formats of requests and streams that this server reads itself, and the library for all others."""

    OPENAI_CHAT = "openai_chat", "OpenAI Chat Completions"
    OPENAI_RESPONSES = "openai_responses", "OpenAI Responses"
    ANTHROPIC = "anthropic", "Anthropic Messages"
    GEMINI = "gemini", "Gemini streamGenerateContent"
    OLLAMA = "ollama", "Ollama chat"
    LITELLM = "litellm", "litellm"


OWN_WIRES: dict[str, Wire] = {
    Provider.OPENAI: Wire.OPENAI_RESPONSES,
    Provider.ANTHROPIC: Wire.ANTHROPIC,
    Provider.GEMINI: Wire.GEMINI,
    Provider.OPENROUTER: Wire.OPENAI_CHAT,
    Provider.XAI: Wire.OPENAI_CHAT,
    Provider.OLLAMA: Wire.OLLAMA,
    Provider.OPENAI_COMPATIBLE: Wire.OPENAI_CHAT,
    Provider.LITELLM: Wire.LITELLM,
}


OWN_URLS: dict[str, str] = {
    Provider.OPENAI: "https://api.openai.com/v1",
    Provider.ANTHROPIC: "https://api.anthropic.com",
    Provider.GEMINI: "https://generativelanguage.googleapis.com/v1beta",
    Provider.OPENROUTER: "https://openrouter.ai/api/v1",
    Provider.XAI: "https://api.x.ai/v1",
    Provider.OLLAMA: "http://127.0.0.1:11434",
}


# Ours, never a provider's: an address typed in the admin must not be able to fetch them.
_NOT_KEYS = {
    "DATABASE_URL", "DATABASE_URL_DIRECT", "EMAIL_HOST_PASSWORD", "MASTER_KEYS", "REDIS_URL", "SECRET_KEY",
}  # fmt: skip


def validate_key_env(value: str) -> None:
    if value.upper() in _NOT_KEYS:
        raise ValidationError("That variable holds no provider's key.")


def validate_base_url(value: str) -> None:
    try:
        check_url(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def usable(self) -> Self:
        """What may be called: switched on by the operator, and found where it was found before."""
        return self.filter(enabled=True, available=True)

    def platform(self) -> Self:
        """The operator's. Everything that is not about one person's own starts from here."""
        return self.filter(owner=None)

    def owned_by(self, user_id: int) -> Self:
        return self.filter(owner_id=user_id)


class Endpoint(models.Model):
    """The operator's, or with an `owner` one person's own: then it serves that person alone."""

    name = models.SlugField(max_length=60)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="endpoints",
    )
    display_name = models.CharField(max_length=80, blank=True, editable=False)
    provider = models.CharField(max_length=24, choices=Provider.choices)
    wire = models.CharField(
        max_length=24,
        choices=Wire.choices,
        blank=True,
        help_text="Which format it is spoken to. Empty for the provider's usual one.",
    )
    base_url = models.CharField(
        "address",
        max_length=500,
        blank=True,
        validators=[validate_base_url],
        help_text="Empty for the provider's own address.",
    )
    key_env = models.CharField(
        "key variable",
        max_length=100,
        blank=True,
        validators=[validate_key_env],
        help_text="Name of the environment variable that holds the key, unless one is entered below.",
    )
    allow_private = models.BooleanField(
        "may be private", default=False, help_text="May be on this machine or in its private network."
    )
    enabled = models.BooleanField(default=True)
    # Apart from `enabled`, so that a key which comes and goes never undoes what the operator chose.
    available = models.BooleanField(
        default=True, editable=False, help_text="The key or server was found when the environment was read."
    )
    from_environment = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(owner=None),
                name="providers_endpoint_name",
                violation_error_message="There is an endpoint with this name already.",
            ),
            models.UniqueConstraint(fields=["owner", "name"], name="providers_endpoint_name_of_owner"),
            # What opens a private network is the operator's list of hosts, looked at on every call.
            models.CheckConstraint(
                condition=models.Q(owner=None) | models.Q(allow_private=False, key_env=""),
                name="providers_endpoint_of_owner_is_plain",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """How sentences name it: the provider, or the name or host of a compatible server."""
        if self.display_name:
            return self.display_name
        if self.provider == Provider.OPENAI_COMPATIBLE:
            return urlsplit(self.base_url).hostname or self.name
        return Provider(self.provider).label

    @property
    def url(self) -> str:
        """Where it is called, without a trailing slash; empty for Demo."""
        url = (self.base_url or OWN_URLS.get(self.provider, "")).rstrip("/")
        if self.spoken_wire in {Wire.ANTHROPIC, Wire.OLLAMA}:
            return url.removesuffix("/v1")  # their paths begin with a version of their own
        return url

    @property
    def origin(self) -> str:
        """Scheme, host and port of `url`: what a key is bound to."""
        return origin_of(self.url)

    @property
    def environment_key(self) -> str:
        """The key that this process's environment holds for it, "" where there is none."""
        if not self.key_env or self.key_env.upper() in _NOT_KEYS:
            return ""
        return env.text(self.key_env)

    @property
    def spoken_wire(self) -> Wire | None:
        """The format in use; None for Demo, which is no network."""
        return Wire(self.wire) if self.wire else OWN_WIRES.get(self.provider)

    def clean(self) -> None:
        if self.provider in {Provider.OPENAI_COMPATIBLE, Provider.LITELLM} and not self.base_url:
            raise ValidationError({"base_url": "This kind has no address of its own. Enter one."})
        if (self.provider == Provider.DEMO) != (self.spoken_wire is None):
            raise ValidationError({"wire": "Demo is offline and speaks none of these."})

    @property
    def key_is_set(self) -> bool:
        return bool(self.environment_key)


def origin_of(url: str) -> str:
    """`https://host:443`, whatever the spelling; "" for no address."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    return f"{parts.scheme}://{parts.hostname.rstrip('.')}:{port}"
