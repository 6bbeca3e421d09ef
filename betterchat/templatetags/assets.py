"""Names of the built front end in templates: `{% asset "app.js" %}`, `{% icon "plus" %}`."""

import functools
import json
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_MANIFEST = "manifest.json"
_SPRITE = "icons.svg"
# What could end a <script> element or begin markup inside it; in JSON strings all of them may be escaped.
_SCRIPT_ESCAPES = str.maketrans(
    {"<": r"\u003C", ">": r"\u003E", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


@register.simple_tag
def asset(name: str) -> str:
    """URL of a built file by its plain name. The built name carries a hash of the content."""
    built = _manifest().get(name)
    if built is None:
        raise ImproperlyConfigured(
            f"the front end has no {name}; `uv sync --reinstall-package betterchat` builds it again"
        )
    return static(built)


@register.simple_tag
def icon(name: str, size: int = 20) -> SafeString:
    """An icon of the sprite, for decoration: the control around it carries the name."""
    return format_html(
        '<svg class="icon" width="{0}" height="{0}" aria-hidden="true"><use href="#icon-{1}"/></svg>',
        size,
        name,
    )


@register.simple_tag
def icon_sprite() -> SafeString:
    """All icons of the product, to stand once in the page."""
    return _sprite()


@register.filter
def as_json_script(json_text: str, element_id: str) -> SafeString:
    """JSON, given as text, in a script element that no string in it can end."""
    escaped = mark_safe(json_text.translate(_SCRIPT_ESCAPES))  # noqa: S308
    return format_html('<script type="application/json" id="{}">{}</script>', element_id, escaped)


@functools.cache
def _manifest() -> dict[str, str]:
    manifest: dict[str, str] = json.loads(_built(_MANIFEST))
    return manifest


@functools.cache
def _sprite() -> SafeString:
    return mark_safe(_built(_SPRITE))  # noqa: S308


def _built(name: str) -> str:
    path = finders.find(name)
    if path is None:
        raise ImproperlyConfigured(
            "the front end is not built: `uv sync --reinstall-package betterchat` builds it"
        )
    return Path(path).read_text(encoding="utf-8")
