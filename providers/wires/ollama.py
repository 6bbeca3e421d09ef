"""Ollama /api/chat, one JSON object a line: https://docs.ollama.com/api/chat."""

import json
from collections.abc import Iterator

import msgspec

from providers.events import (
    FinishReason,
    ModelEvent,
    ModelRequest,
    PromptMessage,
    ReasoningDelta,
    Role,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UsageReport,
)
from providers.models.endpoint import Wire
from providers.routing import ResolvedRoute
from providers.wires.base import HttpRequest, Reader, bearer, state_for
from providers.wires.effort import ollama_think
from providers.wires.frames import count_of, dict_of, dicts_of, index_of, parsed_object, text_of
from providers.wires.tool_calls import arguments_of


def build_request(request: ModelRequest, route: ResolvedRoute) -> HttpRequest:
    body: dict[str, object] = {
        "model": route.provider_model,
        "messages": [_message(message, route=route) for message in request.messages],
        "stream": True,
    }
    options: dict[str, object] = {}
    if request.max_output_tokens is not None:
        options["num_predict"] = request.max_output_tokens
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if options:
        body["options"] = options
    if (think := ollama_think(request.effort, model=route.provider_model)) is not None:
        body["think"] = think
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
            }
            for tool in request.tools
        ]
    return HttpRequest("/api/chat", bearer(route.key), json.dumps(body).encode())


def _message(message: PromptMessage, *, route: ResolvedRoute) -> dict[str, object]:
    sent: dict[str, object] = {"role": message.role.value, "content": message.text}
    if message.role is Role.TOOL:
        return sent | {"tool_name": message.tool_name}
    sent |= dict_of(state_for(message, route=route))
    if message.tool_calls:
        sent["tool_calls"] = [
            {"function": {"name": call.name, "arguments": parsed_object(call.arguments)}}
            for call in message.tool_calls
        ]
    return sent


class _Message(msgspec.Struct):
    content: object = None
    thinking: object = None
    tool_calls: object = None


class _Frame(msgspec.Struct):
    message: _Message | None = None
    done: object = None
    done_reason: object = None
    prompt_eval_count: object = None
    prompt_eval_cached_count: object = None
    eval_count: object = None
    error: object = None
    status_code: object = msgspec.field(default=None, name="StatusCode")


_frame = msgspec.json.Decoder(_Frame, strict=False)


class OllamaReader(Reader):
    wire = Wire.OLLAMA

    def __init__(self, *, model: str = "") -> None:
        super().__init__(model=model)
        self._calls: list[ToolCall] = []
        self._thoughts: list[str] = []

    def feed(self, data: bytes, event: str = "") -> Iterator[ModelEvent]:
        frame = self._decoded(_frame, data)
        if frame is None:
            return
        if frame.error is not None:
            self.report.note_error(frame.error, status=index_of(frame.status_code))
            return
        if frame.message is not None:
            self.report.recognized = True
            yield from self._said(frame.message)
        if frame.done is True:
            self._end(frame)

    def finish(self) -> Iterator[ModelEvent]:
        if self.report.finish is FinishReason.STOP and self._calls:
            self.report.finish = FinishReason.TOOL_CALLS
        if self.report.finish is not None and self._calls and self._thoughts:
            yield self._state({"thinking": "".join(self._thoughts)})

    def _said(self, message: _Message) -> Iterator[ModelEvent]:
        if thought := text_of(message.thinking):
            self._thoughts.append(thought)
            yield ReasoningDelta(thought)
        if text := text_of(message.content):
            yield TextDelta(text)
        for told in dicts_of(message.tool_calls):
            function = dict_of(told.get("function"))
            name, arguments = text_of(function.get("name")), arguments_of(function)
            call = ToolCall(len(self._calls), text_of(told.get("id")), name, arguments)
            self._calls.append(call)
            yield ToolCallDelta(call.index, call.id, call.name, call.arguments)
            yield call

    def _end(self, frame: _Frame) -> None:
        reason = text_of(frame.done_reason)
        self.report.recognized = self.report.ended = True
        self.report.note_finish(FinishReason.LENGTH if reason == "length" else FinishReason.STOP, reason)
        self.report.note_usage(
            UsageReport(
                input_tokens=count_of(frame.prompt_eval_count),
                output_tokens=count_of(frame.eval_count),
                cached_tokens=count_of(frame.prompt_eval_cached_count),
            )
        )
