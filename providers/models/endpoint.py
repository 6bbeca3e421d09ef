"""Addresses that speak a provider's language."""

from typing import ClassVar, Self
from urllib.parse import urlsplit

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
    DEMO = "demo", "Demo"


OWN_URLS: dict[str, str] = {
    Provider.OPENAI: "https://api.openai.com/v1",
    Provider.ANTHROPIC: "https://api.anthropic.com",
    Provider.GEMINI: "https://generativelanguage.googleapis.com/v1beta",
    Provider.OPENROUTER: "https://openrouter.ai/api/v1",
    Provider.XAI: "https://api.x.ai/v1",
    Provider.OLLAMA: "http://127.0.0.1:11434",
}


def validate_base_url(value: str) -> None:
    try:
        check_url(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def usable(self) -> Self:
        """What may be called: switched on by the operator, and found where it was found before."""
        return self.filter(enabled=True, available=True)


class Endpoint(models.Model):
    name = models.SlugField(max_length=60, unique=True)
    provider = models.CharField(max_length=24, choices=Provider.choices)
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
        help_text="Name of the environment variable that holds the key. The key itself is not stored.",
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

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """How sentences name it: the provider, or the host of a compatible server."""
        if self.provider == Provider.OPENAI_COMPATIBLE:
            return urlsplit(self.base_url).hostname or self.name
        return Provider(self.provider).label

    @property
    def url(self) -> str:
        """Where it is called, without a trailing slash; empty for Demo."""
        url = (self.base_url or OWN_URLS.get(self.provider, "")).rstrip("/")
        if self.provider in {Provider.ANTHROPIC, Provider.OLLAMA}:
            return url.removesuffix("/v1")  # their paths begin with a version of their own
        return url

    @property
    def key_is_set(self) -> bool:
        return bool(self.key_env and env.text(self.key_env))
