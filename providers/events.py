"""What goes into a model call and what comes out of it, whoever serves it."""

import enum
from dataclasses import dataclass

from providers.models.usage import Purpose

__all__ = [
    "FinishReason",
    "Finished",
    "ModelEvent",
    "ModelRequest",
    "PromptMessage",
    "Purpose",
    "ReasoningDelta",
    "Role",
    "TextDelta",
    "UsageReport",
]


class Role(enum.StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class FinishReason(enum.StrEnum):
    """Why a model ended. `content_filter` ends a stream as an error; it is here for the wires."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class PromptMessage:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    model_id: str
    messages: tuple[PromptMessage, ...]
    purpose: Purpose
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """None is unknown. Input includes cached tokens, output includes reasoning tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    reason: FinishReason


type ModelEvent = TextDelta | ReasoningDelta | UsageReport | Finished
