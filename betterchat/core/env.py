"""Reading settings from the environment, with one clear sentence where a value can't be used."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable's value, stripped; `default` where it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if not value else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")


def number(name: str, default: int) -> int:
    value = text(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def choice(name: str, values: tuple[str, ...]) -> str:
    """One of `values`; the first is the default."""
    value = text(name, values[0]).lower()
    if value not in values:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(values)}, not {value!r}.")
    return value


def words(name: str) -> list[str]:
    """Comma-separated values."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def path(name: str, default: Path) -> Path:
    value = text(name)
    return Path(value).expanduser().resolve() if value else default
