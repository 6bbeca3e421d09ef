"""OpenAI Chat Completions and everything that imitates it.

https://platform.openai.com/docs/api-reference/chat-streaming/streaming. The dialects that are read beside
it are named where they are read.
"""

import json
from collections.abc import Iterable, Iterator

import msgspec

from providers.events import (
    Citation,
    Effort,
    FinishReason,
    ModelEvent,
    ModelRequest,
    PromptMessage,
    Purpose,
    ReasoningDelta,
    Refusal,
    Role,
    TextDelta,
    ToolSpec,
)
from providers.models.endpoint import Provider, Wire
from providers.routing import ResolvedRoute
from providers.wires.base import HttpRequest, Reader, bearer, state_for
from providers.wires.effort import (
    compatible_effort,
    is_openai_reasoning,
    openai_effort,
    openrouter_effort,
    xai_effort,
)
from providers.wires.frames import dict_of, dicts_of, dug, text_of
from providers.wires.ids import OPENAI_ID_CHARACTERS_MAX, with_fitting_ids
from providers.wires.openai_dialects import annotated, listed_sources, merged_details, status_of, usage_of
from providers.wires.tool_calls import CallPieces


def build_request(request: ModelRequest, route: ResolvedRoute) -> HttpRequest:
    own = route.provider is Provider.OPENAI

    def fits(id_: str) -> bool:
        return bool(id_) and (not own or len(id_) <= OPENAI_ID_CHARACTERS_MAX)

    body: dict[str, object] = {
        "model": route.provider_model,
        "messages": [
            openai_message(message, route=route)
            for message in with_fitting_ids(request.messages, route=route, fits=fits)
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.max_output_tokens is not None:
        # Reasoning models of OpenAI refuse `max_tokens`, most imitations don't know the other.
        body["max_completion_tokens" if own else "max_tokens"] = request.max_output_tokens
    if request.temperature is not None and not (own and route.reasoning):
        body["temperature"] = request.temperature
    if request.tools:
        body["tools"] = [openai_tool(tool) for tool in request.tools]
    headers = bearer(route.key)
    if route.provider is Provider.OPENROUTER:
        headers["X-Title"] = "Better Chat"
        if request.purpose is Purpose.ANSWER and route.provider_model.startswith("anthropic/"):
            _mark_for_cache(body["messages"])
    body |= _effort(request.effort, route)
    return HttpRequest("/chat/completions", headers, json.dumps(body).encode())


def _effort(effort: Effort | None, route: ResolvedRoute) -> dict[str, object]:
    model = route.provider_model
    match route.provider:
        case Provider.OPENAI:
            told = openai_effort(effort, model=model) if is_openai_reasoning(model) else None
        case Provider.XAI:
            told = xai_effort(effort, model=model)
        case Provider.OPENROUTER:
            told = openrouter_effort(effort)
            return {"reasoning": {"effort": told}} if told else {}
        case _:
            told = compatible_effort(effort)
    return {"reasoning_effort": told} if told else {}


def openai_message(message: PromptMessage, *, route: ResolvedRoute) -> dict[str, object]:
    sent: dict[str, object] = {"role": message.role.value, "content": message.text}
    if message.role is Role.TOOL:
        return sent | {"tool_call_id": message.call_id}
    state = dict_of(state_for(message, route=route))
    if details := state.get("reasoning_details"):
        sent["reasoning_details"] = details
    if not message.tool_calls:
        return sent
    # DeepSeek, Kimi and others want their thoughts back while tools work, and refuse them afterwards.
    if thoughts := state.get("reasoning_content"):
        sent["reasoning_content"] = thoughts
    extras = dict_of(state.get("extra_content"))
    sent["tool_calls"] = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
            **({"extra_content": extra} if (extra := extras.get(str(call.index))) is not None else {}),
        }
        for call in message.tool_calls
    ]
    return sent


def openai_tool(tool: ToolSpec) -> dict[str, object]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def _mark_for_cache(messages: object) -> None:
    """Where OpenRouter passes marks on: https://openrouter.ai/docs/features/prompt-caching."""
    marked = [m for m in dicts_of(messages) if m["role"] in {"system", "user"} and m["content"]]
    for message in {id(m): m for m in (*marked[:1], *marked[-1:])}.values():
        part = {"type": "text", "text": message["content"], "cache_control": {"type": "ephemeral"}}
        message["content"] = [part]


class _Delta(msgspec.Struct):
    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    reasoning_text: object = None
    reasoning_details: object = None
    refusal: object = None
    tool_calls: object = None
    function_call: object = None
    annotations: object = None


class _Choice(msgspec.Struct):
    index: object = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: object = None
    usage: object = None
    error: object = None


class _Frame(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: object = None
    error: object = None
    x_groq: object = None
    citations: object = None
    search_results: object = None
    type: object = None
    message: object = None
    code: object = None
    detail: object = None
    kind: object = msgspec.field(default=None, name="object")


_frame = msgspec.json.Decoder(_Frame, strict=False)

_REASONS = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "MAX_TOKENS": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral
    "content_filter": FinishReason.CONTENT_FILTER,
    "SAFETY": FinishReason.CONTENT_FILTER,  # Gemini behind imitations
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
}
# OpenRouter, Mistral; vLLM and SGLang where a request was given up; DeepSeek.
_FAILURES = {"error", "abort", "insufficient_system_resource"}


class OpenAIChatReader(Reader):
    wire = Wire.OPENAI_CHAT

    def __init__(self, *, model: str = "") -> None:
        super().__init__(model=model)
        self._calls = CallPieces()
        self._said = False
        self._thoughts: list[str] = []
        self._details: list[dict[str, object]] = []
        self._extras: dict[int, object] = {}
        self._cited: set[Citation] = set()

    def feed(self, data: bytes, event: str = "") -> Iterator[ModelEvent]:
        if data.strip() == b"[DONE]":
            self.report.ended = True
            return
        frame = self._decoded(_frame, data)
        if frame is None:
            if event == "error":
                self.report.note_error(data.decode(errors="replace"))
            return
        if not frame.choices and _note_error(self, frame, event):
            return
        self.report.recognized |= frame.choices is not None or frame.usage is not None
        for choice in frame.choices or ():
            if choice.index in {None, 0, "0"}:
                yield from self._choice(choice)
        if frame.error is not None:
            self.report.note_error(frame.error, status=status_of(frame.error))
        if frame.usage is not None or frame.x_groq is not None:
            self._note_usage(frame.usage if frame.usage is not None else dug(frame.x_groq, "usage"))
        if frame.citations or frame.search_results:
            yield from self._new(listed_sources(frame.search_results, frame.citations))

    def finish(self) -> Iterator[ModelEvent]:
        report = self.report
        # Several servers end with [DONE] and never say why (https://github.com/vllm-project/vllm/issues/27572,
        # https://github.com/vercel/ai/issues/19165): what ends as it should is no cut.
        if report.finish is None and report.ended:
            report.note_finish(FinishReason.STOP, "")
        if report.finish is FinishReason.STOP and self._calls:
            report.finish = FinishReason.TOOL_CALLS
        elif report.finish is FinishReason.TOOL_CALLS and not self._calls:
            report.finish = FinishReason.STOP
        if report.finish is None:
            return
        yield from self._calls.calls()
        state: dict[str, object] = {}
        if self._details:
            state["reasoning_details"] = merged_details(self._details)
        if self._thoughts and self._calls:
            state["reasoning_content"] = "".join(self._thoughts)
        if self._extras:
            state["extra_content"] = {str(number): extra for number, extra in self._extras.items()}
        if state:
            yield self._state(state)

    def _choice(self, choice: _Choice) -> Iterator[ModelEvent]:
        delta = choice.delta
        # A whole `message` stands where a stream was not given; beside deltas (Perplexity) it repeats them.
        if delta is None and choice.message is not None and not self._said:
            delta = choice.message
        if delta is not None:
            yield from self._delta(delta)
        if choice.usage is not None:  # Moonshot
            self._note_usage(choice.usage)
        if choice.error is not None:
            self.report.note_error(choice.error, status=status_of(choice.error))
        if reason := text_of(choice.finish_reason):
            if reason in _FAILURES:
                self.report.note_error(reason)
            else:
                self.report.note_finish(_REASONS.get(reason, FinishReason.STOP), reason)

    def _delta(self, delta: _Delta) -> Iterator[ModelEvent]:
        content = delta.content
        thought = (
            text_of(delta.reasoning_content) or text_of(delta.reasoning) or text_of(delta.reasoning_text)
        )
        if delta.reasoning_details:
            details = list(dicts_of(delta.reasoning_details))
            self._details += details
            thought = thought or "".join(text_of(d.get("text")) or text_of(d.get("summary")) for d in details)
        if thought:
            self._said = True
            self._thoughts.append(thought)
            yield ReasoningDelta(thought)
        if isinstance(content, str):
            if content:
                self._said = True
                yield TextDelta(content)
        elif content is not None:
            yield from self._parts(content)
        if delta.tool_calls or delta.function_call:
            yield from self._pieces(delta)
        if refusal := text_of(delta.refusal):
            self.report.refused = True
            yield Refusal(refusal)
        if delta.annotations:
            yield from self._new(annotated(delta.annotations))

    def _parts(self, content: object) -> Iterator[ModelEvent]:
        """Content as a list of typed parts: https://docs.mistral.ai/capabilities/reasoning."""
        for part in dicts_of(content):
            match part.get("type"):
                case "thinking" | "reasoning":
                    inner = part.get("thinking", part.get("reasoning", part.get("text")))
                    if thought := _joined(inner):
                        self._said = True
                        self._thoughts.append(thought)
                        yield ReasoningDelta(thought)
                case "refusal":
                    self.report.refused = True
                    yield Refusal(text_of(part.get("refusal")))
                case "reference":  # Mistral's connectors
                    pass
                case _:
                    text = part.get("text")
                    if said := text_of(text) or text_of(dug(text, "value")):
                        self._said = True
                        yield TextDelta(said)

    def _pieces(self, delta: _Delta) -> Iterator[ModelEvent]:
        self._said = True
        for place, piece in enumerate(dicts_of(delta.tool_calls)):
            told = self._calls.add(piece, place=place)
            if piece.get("extra_content") is not None:  # Gemini's signatures in OpenAI's clothes
                self._extras[told.index] = piece["extra_content"]
            yield told
        if isinstance(delta.function_call, dict):
            yield self._calls.add({"index": 0, "function": delta.function_call}, place=0)

    def _new(self, citations: Iterable[Citation]) -> Iterator[Citation]:
        for citation in citations:
            if citation not in self._cited:
                self._cited.add(citation)
                yield citation

    def _note_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            self.report.note_usage(usage_of(usage))


def _note_error(reader: Reader, frame: _Frame, event: str) -> bool:
    """Errors in the forms of OpenAI, vLLM, FastAPI and DashScope."""
    bare = {"message": frame.message, "type": frame.type, "code": frame.code, "detail": frame.detail}
    told = frame.error
    if told is None and (frame.kind == "error" or frame.type == "error" or event == "error" or frame.detail):
        told = bare
    if told is None and isinstance(frame.message, str) and frame.code is not None:
        told = bare
    if told is None:
        return False
    reader.report.note_error(told, status=status_of(told))
    return True


def _joined(value: object) -> str:
    if isinstance(value, list):
        return "".join(text_of(part.get("text")) for part in dicts_of(value))
    return text_of(value)
