"""What goes into a model call and what comes out of it, whoever serves it.

Output is a closed union, `ModelEvent`. Text, reasoning and the pieces of tool calls come as they are
written; a `ToolCall`, a `ProviderTool` and a `Citation` come whole. `ProviderState` and `UsageReport` come
once, near the end.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.models.endpoint import Wire
from providers.models.language_model import Effort
from providers.models.usage import Purpose

__all__ = [
    "Citation",
    "Effort",
    "FinishReason",
    "Finished",
    "Heartbeat",
    "ModelEvent",
    "ModelRequest",
    "PromptMessage",
    "ProviderState",
    "ProviderTool",
    "Purpose",
    "ReasoningBreak",
    "ReasoningDelta",
    "Refusal",
    "Role",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolSpec",
    "UsageReport",
]


class Role(enum.StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class FinishReason(enum.StrEnum):
    """Why a model ended. `content_filter` ends a stream as an error; it is here for the wires.

    `tool_calls`: it waits for what the calls bring. `paused`: the provider works with tools of its own and
    wants to be called again with its ProviderState.
    """

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    PAUSED = "paused"
    CONTENT_FILTER = "content_filter"


# --- Out ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningBreak:
    """What follows is another passage of the reasoning; the provider sent nothing between the two."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The provider sent something, but nothing of the answer: it is at work."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a call that is being written. `id` and `name` as far as they are known."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call for us to run. `index` is unique in one response and in order; `id` is the provider's.

    Run it only behind Finished(TOOL_CALLS): before that, and behind LENGTH, arguments may be cut.
    Trust only `index`: providers repeat ids, leave them out, and make them thousands of characters long.
    `arguments` is the text as it was written, which may be empty or no JSON.
    """

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ProviderTool:
    """A tool that the provider runs itself; to be shown, never run. Told when asked and when answered.

    `arguments` and `result` are JSON texts (or plain text where it sent that); no result means it runs.
    """

    id: str
    name: str
    arguments: str = ""
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of the answer. `start` and `end` count as the provider counts, where it says so."""

    url: str
    title: str = ""
    quote: str = ""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words in which the model or its provider declines. Not part of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What has to be sent back unchanged for the model to go on: signatures, encrypted thoughts, blocks.

    Opaque JSON text. It fits only the wire and the model that it came from; elsewhere it is left out.
    """

    wire: Wire
    model: str
    data: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """None is unknown. Input includes cached and cache-written tokens, output includes reasoning."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """`raw` is the provider's own word for the reason, for logs and tests."""

    reason: FinishReason
    raw: str = field(default="", compare=False)


type ModelEvent = (
    TextDelta
    | ReasoningDelta
    | ReasoningBreak
    | Heartbeat
    | ToolCallDelta
    | ToolCall
    | ProviderTool
    | Citation
    | Refusal
    | ProviderState
    | UsageReport
    | Finished
)


# --- In -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """An assistant's message may hold calls and state; a tool's message is the text that one call brought.

    Tool messages follow the assistant's message whose call they answer, by `call_id` and `tool_name`.
    """

    role: Role
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    state: ProviderState | None = None
    call_id: str = ""
    tool_name: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool on offer; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    model_id: str
    messages: tuple[PromptMessage, ...]
    purpose: Purpose
    max_output_tokens: int | None = None
    effort: Effort | None = None
    temperature: float | None = None
    tools: tuple[ToolSpec, ...] = ()
