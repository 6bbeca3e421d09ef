"""The facts of a frame in each provider's format: finish reason, error, usage. Nothing else is decoded."""

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from providers.events import FinishReason, UsageReport

ERROR_BODY_BYTES_MAX = 64 * 1024


class Wire(enum.Enum):
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    OLLAMA = "ollama"


@dataclass(slots=True)
class WireReport:
    """Facts of one call. `error_text` and `error_body` may hold keys: for matching, never for showing."""

    status: int | None = None
    retry_after_seconds: int | None = None
    error_body: str = ""
    finish: FinishReason | None = None
    error_text: str | None = None
    refused: bool = False
    not_a_stream: bool = False
    unreachable: bool = False
    address_refused: bool = False
    broken: bool = False
    usage: UsageReport = field(default_factory=UsageReport)

    @property
    def usage_known(self) -> bool:
        return self.usage != UsageReport()


# --- OpenAI Chat Completions and everything that imitates it ----------------------------------------


class _OpenAIDelta(msgspec.Struct):
    refusal: str | None = None


class _OpenAIChoice(msgspec.Struct):
    finish_reason: str | None = None
    delta: _OpenAIDelta | None = None


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None


class _Reasoned(msgspec.Struct):
    reasoning_tokens: int | None = None


class _OpenAIUsage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None
    completion_tokens_details: _Reasoned | None = None


class _OpenAIFrame(msgspec.Struct):
    choices: list[_OpenAIChoice] | None = None
    usage: _OpenAIUsage | None = None
    error: Any = None


_OPENAI_REASONS = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def _note_openai(data: bytes, report: WireReport) -> None:
    frame = _decode(_openai_frame, data)
    if frame is None:
        return
    _note_error(frame.error, report)
    for choice in frame.choices or ():
        if choice.finish_reason == "error":
            report.error_text = report.error_text or ""
        elif choice.finish_reason:
            report.finish = _OPENAI_REASONS.get(choice.finish_reason, FinishReason.STOP)
        if choice.delta and choice.delta.refusal:
            report.refused = True
    if usage := frame.usage:
        cached, reasoned = usage.prompt_tokens_details, usage.completion_tokens_details
        report.usage = UsageReport(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            reasoning_tokens=reasoned.reasoning_tokens if reasoned else None,
            cached_tokens=cached.cached_tokens if cached else None,
        )


# --- Anthropic Messages -----------------------------------------------------------------------------


class _AnthropicUsage(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None


class _AnthropicMessage(msgspec.Struct):
    usage: _AnthropicUsage | None = None


class _AnthropicDelta(msgspec.Struct):
    stop_reason: str | None = None


class _AnthropicFrame(msgspec.Struct):
    type: str = ""
    message: _AnthropicMessage | None = None
    delta: _AnthropicDelta | None = None
    usage: _AnthropicUsage | None = None
    error: Any = None


_ANTHROPIC_REASONS = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.CONTENT_FILTER,
}


def _note_anthropic(data: bytes, report: WireReport) -> None:
    frame = _decode(_anthropic_frame, data)
    if frame is None:
        return
    _note_error(frame.error, report)
    if frame.type == "message_start" and frame.message and frame.message.usage:
        usage = frame.message.usage
        parts = (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
        total = None if usage.input_tokens is None else sum(part or 0 for part in parts)
        report.usage = UsageReport(input_tokens=total, cached_tokens=usage.cache_read_input_tokens)
    if frame.type == "message_delta":
        if frame.delta and frame.delta.stop_reason:
            report.finish = _ANTHROPIC_REASONS.get(frame.delta.stop_reason, FinishReason.STOP)
        if frame.usage and frame.usage.output_tokens is not None:
            report.usage = replace(report.usage, output_tokens=frame.usage.output_tokens)


# --- Gemini streamGenerateContent -------------------------------------------------------------------


class _GeminiCandidate(msgspec.Struct, rename="camel"):
    finish_reason: str | None = None


class _GeminiFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _GeminiUsage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class _GeminiFrame(msgspec.Struct, rename="camel"):
    candidates: list[_GeminiCandidate] | None = None
    prompt_feedback: _GeminiFeedback | None = None
    usage_metadata: _GeminiUsage | None = None
    error: Any = None


_GEMINI_FILTERS = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"}


def _note_gemini(data: bytes, report: WireReport) -> None:
    frame = _decode(_gemini_frame, data)
    if frame is None:
        return
    _note_error(frame.error, report)
    if frame.prompt_feedback and frame.prompt_feedback.block_reason:
        report.finish = FinishReason.CONTENT_FILTER
    for candidate in frame.candidates or ():
        if candidate.finish_reason in _GEMINI_FILTERS:
            report.finish = FinishReason.CONTENT_FILTER
        elif candidate.finish_reason:
            length = candidate.finish_reason == "MAX_TOKENS"
            report.finish = FinishReason.LENGTH if length else FinishReason.STOP
    if usage := frame.usage_metadata:
        written, thought = usage.candidates_token_count, usage.thoughts_token_count
        total = None if written is None and thought is None else (written or 0) + (thought or 0)
        report.usage = UsageReport(usage.prompt_token_count, total, thought, usage.cached_content_token_count)


# --- Ollama /api/chat -------------------------------------------------------------------------------


class _OllamaFrame(msgspec.Struct):
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Any = None


def _note_ollama(data: bytes, report: WireReport) -> None:
    frame = _decode(_ollama_frame, data)
    if frame is None:
        return
    _note_error(frame.error, report)
    if frame.done:
        report.finish = FinishReason.LENGTH if frame.done_reason == "length" else FinishReason.STOP
        report.usage = UsageReport(input_tokens=frame.prompt_eval_count, output_tokens=frame.eval_count)


# --- Shared -----------------------------------------------------------------------------------------

_openai_frame = msgspec.json.Decoder(_OpenAIFrame, strict=False)
_anthropic_frame = msgspec.json.Decoder(_AnthropicFrame, strict=False)
_gemini_frame = msgspec.json.Decoder(_GeminiFrame, strict=False)
_ollama_frame = msgspec.json.Decoder(_OllamaFrame, strict=False)


def _decode[T](decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        return _decode_leniently(decoder.type, data)


def _decode_leniently[T](kind: type[T], data: bytes) -> T | None:
    """For what msgspec refuses and Python reads: lone surrogates and NaN."""
    try:
        return msgspec.convert(json.loads(data), kind, strict=False)
    except (ValueError, RecursionError):
        return None


def _note_error(error: object, report: WireReport) -> None:
    if error is not None:
        report.error_text = json.dumps(error)[:ERROR_BODY_BYTES_MAX]


READERS: dict[Wire, Callable[[bytes, WireReport], None]] = {
    Wire.OPENAI: _note_openai,
    Wire.ANTHROPIC: _note_anthropic,
    Wire.GEMINI: _note_gemini,
    Wire.OLLAMA: _note_ollama,
}
