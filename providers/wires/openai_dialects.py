"""What imitations of Chat Completions send beside the book: ends, usage, thoughts, sources, errors."""

from collections.abc import Iterator
from decimal import Decimal

from providers.events import Citation, FinishReason, ProviderTool, UsageReport
from providers.wires.frames import as_json, count_of, dict_of, dicts_of, dug, text_of

# In any case, and before a colon: Gemini's own words in OpenAI's place are SAFETY, or the like of
# "function_call_filter: MALFORMED_FUNCTION_CALL".
_REASONS = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "token_limit": FinishReason.LENGTH,  # watsonx
    "model_length": FinishReason.LENGTH,  # Mistral
    "model_context_window_exceeded": FinishReason.LENGTH,  # Z.ai
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    **dict.fromkeys(
        (
            "content_filter", "content_filtered", "guardrail_intervened", "refusal", "sensitive", "safety",
            "recitation", "blocklist", "prohibited_content", "spii", "language", "image_safety",
        ),
        FinishReason.CONTENT_FILTER,
    ),
}  # fmt: skip
# OpenRouter, Mistral; vLLM and SGLang where a request was given up; DeepSeek; Z.ai; Gemini; watsonx.
_FAILURES = {
    "error", "abort", "cancelled", "insufficient_system_resource", "network_error", "time_limit",
    "function_call_filter", "malformed_function_call", "unexpected_tool_call",
}  # fmt: skip


def reason_of(told: str) -> FinishReason:
    return _REASONS.get(_word_of(told), FinishReason.STOP)


def is_failure(told: str) -> bool:
    """Whether a finish reason says that nothing was finished."""
    return _word_of(told) in _FAILURES


def _word_of(told: str) -> str:
    return told.partition(":")[0].strip().lower()


def thought_of(part: dict[str, object]) -> str:
    """The text of a thinking part: Mistral's and Cohere's `thinking`, Databricks' `summary`."""
    for name in ("thinking", "reasoning", "summary", "text"):
        value = part.get(name)
        if text := text_of(value) or "".join(text_of(inner.get("text")) for inner in dicts_of(value)):
            return text
    return ""


def usage_of(usage: dict[str, object]) -> UsageReport:
    """Counts of any imitation. xAI counts reasoning beside the output; the total tells."""
    into, out = count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens"))
    told = dict_of(usage.get("prompt_tokens_details"))
    reasoning = count_of(dug(usage, "completion_tokens_details", "reasoning_tokens"))
    if reasoning is None:
        reasoning = count_of(usage.get("reasoning_tokens"))
    total = count_of(usage.get("total_tokens"))
    if into is not None and out is not None and reasoning and total == into + out + reasoning:
        out += reasoning
    cached = _first_count(
        told.get("cached_tokens"),
        usage.get("prompt_cache_hit_tokens"),
        usage.get("cached_tokens"),
        usage.get("cache_read_input_tokens"),
    )
    written = _first_count(
        told.get("cache_write_tokens"),
        told.get("cache_creation_tokens"),
        usage.get("cache_creation_input_tokens"),
    )
    return UsageReport(into, out, reasoning, cached, written, _cost_usd(usage))


def _cost_usd(usage: dict[str, object]) -> Decimal | None:
    """What OpenRouter charges: https://openrouter.ai/docs/use-cases/usage-accounting.

    With a provider's key entered there, `cost` is its fee alone and the provider's own charge stands beside.
    """
    cost = _usd(usage.get("cost"))
    if cost is None or usage.get("is_byok") is not True:
        return cost
    upstream = _usd(dug(usage, "cost_details", "upstream_inference_cost"))
    return None if upstream is None else cost + upstream


def _usd(value: object) -> Decimal | None:
    """A float's shortest spelling is what was written. None for what is no sum of money."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return Decimal(str(value))


def merged_details(details: list[dict[str, object]]) -> list[dict[str, object]]:
    """OpenRouter's `reasoning_details` put together from their pieces, as they are to be sent back."""
    merged: list[dict[str, object]] = []
    for detail in details:
        last = merged[-1] if merged else {}
        same = all(last.get(key) == detail.get(key) for key in ("type", "index"))
        if not merged or not same or detail.get("type") == "reasoning.encrypted":
            merged.append(dict(detail))
            continue
        for key, value in detail.items():
            before = last.get(key)
            if key in {"text", "summary"} and isinstance(before, str) and isinstance(value, str):
                last[key] = before + value
            elif value is not None:
                last[key] = value
    return merged


_STATUSES = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "server_error": 500,
    "service_unavailable": 503,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "overloaded_error": 529,
}


# https://platform.minimax.io/docs/api-reference/errorcode: told in an answer of status 200.
_BUSINESS_CODES = {1001: 504, 1002: 429, 1004: 401, 1008: 402, 1024: 500, 1033: 500, 1039: 429, 2049: 401}


def business_error(told: object) -> dict[str, object] | None:
    """MiniMax's `base_resp`, where it is no 0, in the form of an error."""
    code = count_of(dug(told, "status_code"))
    if not code:
        return None
    kind = "content_filter" if code in {1026, 1027} else ""
    return {"code": _BUSINESS_CODES.get(code, 400), "type": kind, "message": dug(told, "status_msg")}


def status_of(error: object) -> int | None:
    """The HTTP status that an error told inside a stream would have had, by number or by name."""
    for key in ("code", "status", "status_code", "http_code"):
        value = dug(error, key)
        if isinstance(value, str) and value.isdecimal():
            value = int(value[:4])
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return next((_STATUSES[n] for k in ("code", "type") if (n := text_of(dug(error, k))) in _STATUSES), None)


def executed(tools: object) -> Iterator[ProviderTool]:
    """What Groq's compound systems did: https://console.groq.com/docs/compound/built-in-tools."""
    for tool in dicts_of(tools):
        output = tool.get("output")
        result = output if isinstance(output, str) or output is None else as_json(output)
        id_ = "" if tool.get("index") is None else str(tool["index"])
        yield ProviderTool(id_, text_of(tool.get("type")), text_of(tool.get("arguments")), result)


def annotated(annotations: object) -> Iterator[Citation]:
    """https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat"""
    for annotation in dicts_of(annotations):
        told = dict_of(annotation.get("url_citation")) or annotation
        if url := text_of(told.get("url")):
            start, end = count_of(told.get("start_index")), count_of(told.get("end_index"))
            yield Citation(url, text_of(told.get("title")), text_of(told.get("content")), start, end)


def listed_sources(results: object, urls: object) -> Iterator[Citation]:
    """Perplexity: https://docs.perplexity.ai/api-reference/chat-completions-post; xAI lists URLs alone."""
    titled = {text_of(result.get("url")): text_of(result.get("title")) for result in dicts_of(results)}
    alone = [text_of(url) for url in urls] if isinstance(urls, list) else []
    for url in titled | dict.fromkeys(alone):
        if url:
            yield Citation(url, titled.get(url, ""))


def _first_count(*values: object) -> int | None:
    return next((count for value in values if (count := count_of(value)) is not None), None)
