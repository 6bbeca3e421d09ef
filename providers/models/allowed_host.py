"""Private addresses that the operator opened for people's own servers."""

from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from providers.models.endpoint import origin_of

_PORT_MAX = 65_535


class AllowedHost(models.Model):
    """One host and port. The name is looked at as typed; where it leads is the operator's word."""

    host = models.CharField(
        max_length=253,
        validators=[
            RegexValidator(r"^[a-z0-9]([a-z0-9.:-]*[a-z0-9])?$", "Write a host name or an IP address.")
        ],
        help_text="For example ollama.lan or 192.168.1.5, as people will type it.",
    )
    port = models.PositiveIntegerField(
        default=11434,
        validators=[MinValueValidator(1), MaxValueValidator(_PORT_MAX)],
        help_text="Only this port is opened.",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["host", "port"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["host", "port"], name="providers_allowed_host_once")
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def may_be_private(url: str) -> bool:
    """Whether the operator opened this host and port, in the admin or in OUTBOUND_ALLOWED_HOSTS."""
    parts = urlsplit(origin_of(url))
    if not parts.hostname or not parts.port:
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    named: list[str] = settings.OUTBOUND_ALLOWED_HOSTS
    if f"{host}:{parts.port}" in (entry.lower() for entry in named):
        return True
    return AllowedHost.objects.filter(host=parts.hostname, port=parts.port).exists()
