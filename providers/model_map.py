"""What litellm's own file knows of models: prices, limits, capabilities. Read as data, without litellm.

The file comes with the installed package (MIT licence); importing litellm to read it would cost seconds.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

from providers.models import Continuation, Effort, InputKind, Provider

_FILE = "model_prices_and_context_window_backup.json"
_PREFIXES: dict[str, str] = {
    Provider.OPENAI: "",
    Provider.ANTHROPIC: "",
    Provider.GEMINI: "gemini/",
    Provider.XAI: "xai/",
    Provider.OPENROUTER: "openrouter/",
}
_CHAT = {"chat", "responses"}
_ABOVE = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """USD per million tokens, for calls with more input than `above_input_tokens`. None is unknown."""

    above_input_tokens: int
    input: Decimal | None
    output: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One entry of the file, in our words. None is what it does not say."""

    context_window_tokens: int | None
    max_output_tokens: int | None
    reasoning: bool
    tools: bool | None
    input_kinds: tuple[InputKind, ...]
    efforts: tuple[Effort, ...]
    continuation: Continuation
    prices: tuple[KnownPrice, ...]
    ends_on: date | None = None


def known_model(provider: Provider, provider_model: str) -> KnownModel | None:
    """The entry for a provider's own name of a model; None where the file has none (local ones never)."""
    entry = _entry(provider, provider_model)
    return _known(entry) if entry is not None and entry.get("mode") in _CHAT else None


def is_chat_model(provider: Provider, provider_model: str) -> bool | None:
    """False for what the file knows as something else (images, speech); None where it has no entry."""
    entry = _entry(provider, provider_model)
    return None if entry is None else entry.get("mode") in _CHAT


def _entry(provider: Provider, provider_model: str) -> dict[str, object] | None:
    prefix = _PREFIXES.get(provider)
    return None if prefix is None else _entries().get(prefix + provider_model)


@cache
def _entries() -> dict[str, dict[str, object]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    raw = (Path(spec.origin).parent / _FILE).read_bytes()
    # Floats as decimals: 4e-07 USD a token is exactly 0.4 USD a million.
    entries = msgspec.json.Decoder(dict[str, dict[str, object]], float_hook=Decimal).decode(raw)
    wanted = {"openai", "anthropic", "gemini", "xai", "openrouter"}
    return {name: entry for name, entry in entries.items() if entry.get("litellm_provider") in wanted}


def _known(entry: dict[str, object]) -> KnownModel:
    return KnownModel(
        context_window_tokens=_count(entry.get("max_input_tokens")),
        max_output_tokens=_count(entry.get("max_output_tokens")),
        reasoning=entry.get("supports_reasoning") is True,
        tools=_flag(entry.get("supports_function_calling")),
        input_kinds=_input_kinds(entry),
        efforts=_efforts(entry),
        continuation=(
            Continuation.PREFILL if entry.get("supports_assistant_prefill") is True else Continuation.ASK
        ),
        prices=_prices(entry),
        ends_on=day(entry.get("deprecation_date")),
    )


def day(value: object) -> date | None:
    """Of `2026-11-30`, with or without a time behind it."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _input_kinds(entry: dict[str, object]) -> tuple[InputKind, ...]:
    flags = {
        InputKind.IMAGE: "supports_vision",
        InputKind.FILE: "supports_pdf_input",
        InputKind.AUDIO: "supports_audio_input",
        InputKind.VIDEO: "supports_video_input",
    }
    return (InputKind.TEXT, *(kind for kind, name in flags.items() if entry.get(name) is True))


def _efforts(entry: dict[str, object]) -> tuple[Effort, ...]:
    """None where the model does not think, so that there is nothing to choose."""
    if entry.get("supports_reasoning") is not True:
        return ()
    efforts = [Effort.LOW, Effort.MEDIUM, Effort.HIGH]
    if entry.get("supports_minimal_reasoning_effort") is True:
        efforts.insert(0, Effort.MINIMAL)
    if entry.get("supports_none_reasoning_effort") is True:
        efforts.insert(0, Effort.OFF)
    if entry.get("supports_max_reasoning_effort") is True:
        efforts.append(Effort.MAX)
    return tuple(efforts)


def _prices(entry: dict[str, object]) -> tuple[KnownPrice, ...]:
    steps = sorted(int(found[1]) for name in entry if (found := _ABOVE.match(name)))
    suffixes = [(0, ""), *((thousands * 1000, f"_above_{thousands}k_tokens") for thousands in steps)]
    prices = tuple(_price(entry, above=above, suffix=suffix) for above, suffix in suffixes)
    return tuple(price for price in prices if price.input is not None or price.output is not None)


def _price(entry: dict[str, object], *, above: int, suffix: str) -> KnownPrice:
    return KnownPrice(
        above_input_tokens=above,
        input=_per_million(entry.get(f"input_cost_per_token{suffix}")),
        output=_per_million(entry.get(f"output_cost_per_token{suffix}")),
        cached_input=_per_million(entry.get(f"cache_read_input_token_cost{suffix}")),
        cache_write=_per_million(entry.get(f"cache_creation_input_token_cost{suffix}")),
    )


def _per_million(usd_per_token: object) -> Decimal | None:
    if isinstance(usd_per_token, bool) or not isinstance(usd_per_token, int | Decimal):
        return None
    return Decimal(usd_per_token) * 1_000_000


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
