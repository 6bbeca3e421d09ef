"""How each kind of endpoint writes its list of models. Each reader names the page that shows it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from providers.facts import NOTHING, Facts
from providers.model_map import KnownPrice, day
from providers.models import Effort, InputKind, Provider

_TOKENS_MAX = 1_000_000_000
_MODALITIES = {
    "text": InputKind.TEXT,
    "image": InputKind.IMAGE,
    "file": InputKind.FILE,
    "pdf": InputKind.FILE,
    "audio": InputKind.AUDIO,
    "video": InputKind.VIDEO,
}
_EFFORTS = {
    "none": Effort.OFF,
    "minimal": Effort.MINIMAL,
    "low": Effort.LOW,
    "medium": Effort.MEDIUM,
    "high": Effort.HIGH,
    "xhigh": Effort.MAX,
    "max": Effort.MAX,
}

type Item = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entry:
    """One listed model; `name` as the endpoint calls it and not looked at yet."""

    name: str
    facts: Facts = NOTHING
    aliases: frozenset[str] = frozenset()
    for_chat: bool = True


def _ends(page: Item, count: int) -> Mapping[str, str] | None:
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """`items` is the key of the array; `next_page` gives the query of the page after `count` entries."""

    path: str
    items: str
    entry: Callable[[Item], Entry]
    first: Mapping[str, str] = field(default_factory=dict)
    next_page: Callable[[Item, int], Mapping[str, str] | None] = _ends


# --- One reader each -------------------------------------------------------------------------------
def _openai(item: Item) -> Entry:
    """https://platform.openai.com/docs/api-reference/models/list: names only.

    Servers that imitate it add the window under one of three names (vLLM, Groq, llama.cpp and others).
    """
    windows = (_count(item.get(name)) for name in ("context_window", "max_model_len", "context_length"))
    facts = Facts(
        context_window_tokens=next((window for window in windows if window), None),
        max_output_tokens=_count(item.get("max_completion_tokens")),
    )
    return Entry(_text(item.get("id")), facts)


def _anthropic(item: Item) -> Entry:
    """https://platform.claude.com/docs/en/api/models/list"""
    capabilities = _object(item.get("capabilities"))
    image, pdf = _supported(capabilities.get("image_input")), _supported(capabilities.get("pdf_input"))
    kinds = (InputKind.TEXT, *([InputKind.IMAGE] if image else []), *([InputKind.FILE] if pdf else []))
    facts = Facts(
        name=_text(item.get("display_name")) or None,
        context_window_tokens=_count(item.get("max_input_tokens")),
        max_output_tokens=_count(item.get("max_tokens")),
        reasoning=_supported(capabilities.get("thinking")),
        efforts=_claude_efforts(_object(capabilities.get("effort"))),
        input_kinds=None if image is None or pdf is None else kinds,
    )
    return Entry(_text(item.get("id")), facts)


def _claude_efforts(levels: Item) -> tuple[Effort, ...] | None:
    """None where it has no levels: such models may still be given a budget, which the list does not tell."""
    if levels.get("supported") is not True:
        return None
    return _ordered(effort for name, effort in _EFFORTS.items() if _supported(levels.get(name)))


def _anthropic_next(page: Item, count: int) -> Mapping[str, str] | None:
    last = _text(page.get("last_id"))
    return {"after_id": last} if page.get("has_more") is True and last else None


def _gemini(item: Item) -> Entry:
    """https://ai.google.dev/api/models#method:-models.list"""
    methods = item.get("supportedGenerationMethods")
    thinking = item.get("thinking")
    facts = Facts(
        name=_text(item.get("displayName")) or None,
        context_window_tokens=_count(item.get("inputTokenLimit")),
        max_output_tokens=_count(item.get("outputTokenLimit")),
        reasoning=thinking if isinstance(thinking, bool) else None,
    )
    for_chat = not isinstance(methods, list) or "generateContent" in methods
    return Entry(_text(item.get("name")).removeprefix("models/"), facts, for_chat=for_chat)


def _gemini_next(page: Item, count: int) -> Mapping[str, str] | None:
    token = _text(page.get("nextPageToken"))
    return {"pageToken": token} if token else None


def _xai(item: Item) -> Entry:
    """https://docs.x.ai/developers/rest-api-reference/inference/models: prices in cents per 100 M tokens."""
    steps = [_xai_price(item, above=0, suffix="")]
    if threshold := _count(item.get("long_context_threshold")):
        steps.append(_xai_price(item, above=threshold, suffix="_long_context"))
    facts = Facts(
        context_window_tokens=_count(item.get("context_length")),
        input_kinds=_kinds(item.get("input_modalities")),
        prices=tuple(step for step in steps if step.input or step.output) or None,
    )
    names = item.get("aliases")
    aliases = frozenset(_text(each) for each in names) if isinstance(names, list) else frozenset()
    return Entry(_text(item.get("id")), facts, aliases, for_chat=not item.get("image_price"))


def _xai_price(item: Item, *, above: int, suffix: str) -> KnownPrice:
    def per_million(name: str) -> Decimal | None:
        return _scaled(item.get(f"{name}_text_token_price{suffix}"), Decimal("0.0001"))

    return KnownPrice(
        above_input_tokens=above,
        input=per_million("prompt"),
        output=per_million("completion"),
        cached_input=per_million("cached_prompt"),
        cache_write=None,
    )


def _openrouter(item: Item) -> Entry:
    """https://openrouter.ai/docs/models: prices in USD per token as text, negative where they vary."""
    architecture, top = _object(item.get("architecture")), _object(item.get("top_provider"))
    parameters, outputs = item.get("supported_parameters"), architecture.get("output_modalities")
    takes = parameters if isinstance(parameters, list) else None
    facts = Facts(
        name=_text(item.get("name")).partition(": ")[2] or _text(item.get("name")) or None,
        context_window_tokens=_count(item.get("context_length")),
        max_output_tokens=_count(top.get("max_completion_tokens")),
        reasoning=None if takes is None else "reasoning" in takes,
        efforts=() if takes is not None and "reasoning" not in takes else _openrouter_efforts(item),
        input_kinds=_kinds(architecture.get("input_modalities")),
        tools=None if takes is None else "tools" in takes,
        prices=_openrouter_prices(_object(item.get("pricing"))),
        ends_on=day(item.get("expiration_date")),
    )
    return Entry(_text(item.get("id")), facts, for_chat=not isinstance(outputs, list) or "text" in outputs)


def _openrouter_efforts(item: Item) -> tuple[Effort, ...] | None:
    names = _object(item.get("reasoning")).get("supported_efforts")
    if not isinstance(names, list):
        return None
    return _ordered(_EFFORTS[name] for name in names if isinstance(name, str) and name in _EFFORTS)


def _openrouter_prices(pricing: Item) -> tuple[KnownPrice, ...] | None:
    million = Decimal(1_000_000)
    price = KnownPrice(
        above_input_tokens=0,
        input=_scaled(pricing.get("prompt"), million),
        output=_scaled(pricing.get("completion"), million),
        cached_input=_scaled(pricing.get("input_cache_read"), million),
        cache_write=_scaled(pricing.get("input_cache_write"), million),
    )
    return None if price.input is None and price.output is None else (price,)


def _openrouter_next(page: Item, count: int) -> Mapping[str, str] | None:
    """It names the next page by a link, which is not followed: only that there is one counts."""
    return {"offset": str(count)} if _text(_object(page.get("links")).get("next")) else None


def _ollama(item: Item) -> Entry:
    """https://docs.ollama.com/api/tags: names only."""
    return Entry(_text(item.get("name")))


FORMATS: dict[Provider, Format] = {
    Provider.OPENAI: Format("/models", "data", _openai),
    Provider.OPENAI_COMPATIBLE: Format("/models", "data", _openai),
    Provider.ANTHROPIC: Format("/v1/models", "data", _anthropic, {"limit": "1000"}, _anthropic_next),
    Provider.GEMINI: Format("/models", "models", _gemini, {"pageSize": "1000"}, _gemini_next),
    Provider.XAI: Format("/models", "data", _xai),
    Provider.OPENROUTER: Format("/models", "data", _openrouter, {}, _openrouter_next),
    Provider.OLLAMA: Format("/api/tags", "models", _ollama),
}


# --- Values from outside ---------------------------------------------------------------------------
def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Item:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= _TOKENS_MAX else None


def _supported(value: object) -> bool | None:
    found = _object(value).get("supported")
    return found if isinstance(found, bool) else None


def _scaled(value: object, factor: Decimal) -> Decimal | None:
    """USD per million tokens; None for what is no price: negative, endless, absurd."""
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 40:
        return None
    try:
        price = Decimal(value) * factor
    except (InvalidOperation, ArithmeticError):
        return None
    return price if price.is_finite() and 0 <= price < 1_000_000 else None


def _kinds(names: object) -> tuple[InputKind, ...] | None:
    if not isinstance(names, list):
        return None
    found = {_MODALITIES[name] for name in names if isinstance(name, str) and name in _MODALITIES}
    return tuple(kind for kind in InputKind if kind in found) or None


def _ordered(efforts: Iterable[Effort]) -> tuple[Effort, ...]:
    found = set(efforts)
    return tuple(effort for effort in Effort if effort in found)
