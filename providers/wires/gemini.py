"""Gemini streamGenerateContent: https://ai.google.dev/api/generate-content."""

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from providers.events import (
    Citation,
    Effort,
    FinishReason,
    ModelEvent,
    ModelRequest,
    PromptMessage,
    ProviderTool,
    ReasoningDelta,
    Refusal,
    Role,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UsageReport,
)
from providers.models.endpoint import Wire
from providers.routing import ResolvedRoute
from providers.wires.base import HttpRequest, Reader, state_for
from providers.wires.effort import gemini_budget, gemini_level, gemini_takes_budget
from providers.wires.frames import (
    as_json,
    count_of,
    dict_of,
    dicts_of,
    dug,
    index_of,
    parsed_object,
    text_of,
)

# For calls that another model made: https://ai.google.dev/gemini-api/docs/thought-signatures.
_NO_SIGNATURE = "skip_thought_signature_validator"

type _Json = dict[str, object]


def build_request(request: ModelRequest, route: ResolvedRoute) -> HttpRequest:
    body: _Json = {"contents": _contents(request.messages, route=route)}
    if system := [{"text": m.text} for m in request.messages if m.role is Role.SYSTEM and m.text]:
        body["systemInstruction"] = {"parts": system}
    if request.tools:
        told = [
            {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.schema}
            for tool in request.tools
        ]
        body["tools"] = [{"functionDeclarations": told}]
    if config := _config(request, route):
        body["generationConfig"] = config
    headers = {"x-goog-api-key": route.key} if route.key else {}
    name = quote(route.provider_model.removeprefix("models/"), safe="")
    return HttpRequest(f"/models/{name}:streamGenerateContent?alt=sse", headers, json.dumps(body).encode())


def _config(request: ModelRequest, route: ResolvedRoute) -> _Json:
    config: _Json = {}
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    if request.temperature is not None:
        config["temperature"] = request.temperature
    model, effort = route.provider_model, request.effort
    limit = request.max_output_tokens or route.max_output_tokens
    if effort is None:
        if route.reasoning:
            config["thinkingConfig"] = {"includeThoughts": True}
    elif gemini_takes_budget(model):
        budget = gemini_budget(effort, model=model, max_tokens=limit)
        config["thinkingConfig"] = {"thinkingBudget": budget, "includeThoughts": effort is not Effort.OFF}
    else:
        level = gemini_level(effort, model=model)
        config["thinkingConfig"] = {"thinkingLevel": level, "includeThoughts": effort is not Effort.OFF}
    return config


def _contents(prompt: Iterable[PromptMessage], *, route: ResolvedRoute) -> list[_Json]:
    contents: list[_Json] = []
    for message in prompt:
        if message.role is Role.SYSTEM:
            continue
        role = "model" if message.role is Role.ASSISTANT else "user"
        parts = _parts(message, route=route)
        last = contents[-1] if contents else None
        if last is not None and last["role"] == role and isinstance(before := last["parts"], list):
            before += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(message: PromptMessage, *, route: ResolvedRoute) -> list[_Json]:
    if message.role is Role.TOOL:
        answer: _Json = {"name": message.tool_name, "response": _outcome(message)}
        return [{"functionResponse": answer | ({"id": message.call_id} if message.call_id else {})}]
    if kept := list(dicts_of(state_for(message, route=route))):
        return kept
    parts: list[_Json] = [{"text": message.text}] if message.text else []
    for number, call in enumerate(message.tool_calls):
        told: _Json = {"name": call.name, "args": parsed_object(call.arguments)}
        part: _Json = {"functionCall": told | ({"id": call.id} if call.id else {})}
        if number == 0 and not gemini_takes_budget(route.provider_model):
            part["thoughtSignature"] = _NO_SIGNATURE
        parts.append(part)
    return parts


def _outcome(message: PromptMessage) -> _Json:
    return {"error" if message.failed else "output": message.text}


class _Candidate(msgspec.Struct, rename="camel"):
    index: object = None
    content: object = None
    finish_reason: object = None
    finish_message: object = None
    grounding_metadata: object = None
    citation_metadata: object = None
    url_context_metadata: object = None


class _Frame(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: object = None
    usage_metadata: object = None
    error: object = None


_frame = msgspec.json.Decoder(_Frame, strict=False)
_frames = msgspec.json.Decoder(list[msgspec.Raw])

_FILTERS = {
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
}  # fmt: skip
# The model's own mistakes: nothing of what it says can be used.
_FAILURES = {
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
}  # fmt: skip


class GeminiReader(Reader):
    wire = Wire.GEMINI

    def __init__(self, *, model: str = "") -> None:
        super().__init__(model=model)
        self._calls: list[ToolCall] = []
        self._parts: list[_Json] = []
        self._keep = False
        self._cited: dict[Citation, None] = {}
        self._searched: set[str] = set()

    def feed(self, data: bytes, event: str = "") -> Iterator[ModelEvent]:
        frame = self._decoded(_frame, data)
        if frame is None:
            return
        if frame.error is not None:
            self.report.note_error(frame.error, status=_status_of(frame.error))
            return
        self.report.recognized |= frame.candidates is not None or frame.prompt_feedback is not None
        if reason := text_of(dug(frame.prompt_feedback, "blockReason")):
            self.report.note_finish(FinishReason.CONTENT_FILTER, reason)
            if words := text_of(dug(frame.prompt_feedback, "blockReasonMessage")):
                yield Refusal(words)
        for candidate in frame.candidates or ():
            if index_of(candidate.index) in {None, 0}:
                yield from self._candidate(candidate)
        if isinstance(frame.usage_metadata, dict):
            self.report.note_usage(_usage_of(frame.usage_metadata))

    def feed_whole(self, data: bytes) -> Iterator[ModelEvent]:
        """Without `alt=sse` the frames come as one JSON array."""
        try:
            frames = _frames.decode(data)
        except msgspec.DecodeError:
            yield from self.feed(data)
            return
        for frame in frames:
            yield from self.feed(bytes(frame))

    def finish(self) -> Iterator[ModelEvent]:
        yield from self._cited
        if self.report.finish is FinishReason.STOP and self._calls:
            self.report.finish = FinishReason.TOOL_CALLS
        if self.report.finish is not None and self._keep:
            yield self._state(self._parts)

    def _candidate(self, candidate: _Candidate) -> Iterator[ModelEvent]:
        for part in dicts_of(dug(candidate.content, "parts")):
            yield from self._part(part)
        if pages := dug(candidate.url_context_metadata, "urlMetadata"):
            yield ProviderTool("", "url_context", result=as_json(pages))
        if isinstance(candidate.grounding_metadata, dict):
            yield from self._grounded(candidate.grounding_metadata)
        quoted = candidate.citation_metadata  # `citations` is Vertex AI's word
        for source in dicts_of(dug(quoted, "citationSources") or dug(quoted, "citations")):
            url, title = text_of(source.get("uri")), text_of(source.get("title"))
            start, end = count_of(source.get("startIndex")), count_of(source.get("endIndex"))
            self._cited[Citation(url, title, "", start, end)] = None
        reason = text_of(candidate.finish_reason)
        if reason in _FAILURES:
            self.report.note_error({"status": reason, "message": text_of(candidate.finish_message)})
        elif reason in _FILTERS:
            self.report.note_finish(FinishReason.CONTENT_FILTER, reason)
        elif reason and reason != "FINISH_REASON_UNSPECIFIED":
            long = reason == "MAX_TOKENS"
            self.report.note_finish(FinishReason.LENGTH if long else FinishReason.STOP, reason)

    def _part(self, part: _Json) -> Iterator[ModelEvent]:
        self._remember(part)
        if text := text_of(part.get("text")):
            yield ReasoningDelta(text) if part.get("thought") is True else TextDelta(text)
        if isinstance(told := part.get("functionCall"), dict):
            arguments = json.dumps(told.get("args") or {}, ensure_ascii=False)
            call = ToolCall(len(self._calls), text_of(told.get("id")), text_of(told.get("name")), arguments)
            self._calls.append(call)
            yield ToolCallDelta(call.index, call.id, call.name, call.arguments)
            yield call
        if isinstance(code := part.get("executableCode"), dict):
            self._keep = True
            yield ProviderTool(text_of(code.get("id")), "code_execution", as_json(code))
        if isinstance(result := part.get("codeExecutionResult"), dict):
            self._keep = True
            yield ProviderTool(text_of(result.get("id")), "code_execution", result=as_json(result))
        if isinstance(asked := part.get("toolCall"), dict):
            self._keep = True
            name = text_of(asked.get("toolType")).lower()
            yield ProviderTool(text_of(asked.get("id")), name, as_json(asked.get("args") or {}))
        if isinstance(answer := part.get("toolResponse"), dict):
            self._keep = True
            name = text_of(answer.get("toolType")).lower()
            yield ProviderTool(text_of(answer.get("id")), name, result=as_json(answer.get("response")))

    def _remember(self, part: _Json) -> None:
        """For sending back. Texts without a signature are joined; what carries one stays as it is."""
        if part.get("thoughtSignature"):
            self._keep = True
        last = self._parts[-1] if self._parts else {}
        plain = part.keys() <= {"text", "thought"} and last.keys() == part.keys()
        if plain and last.get("thought") == part.get("thought"):
            last["text"] = text_of(last.get("text")) + text_of(part.get("text"))
        else:
            self._parts.append(dict(part))

    def _grounded(self, told: _Json) -> Iterator[ModelEvent]:
        """https://ai.google.dev/gemini-api/docs/google-search. Later frames repeat what earlier ones said."""
        queries = told.get("webSearchQueries")
        asked = as_json(queries)
        if queries and asked not in self._searched:
            self._searched.add(asked)
            yield ProviderTool("", "google_search", asked, as_json(told.get("groundingChunks") or []))
        sources = [
            dict_of(c.get("web")) or dict_of(c.get("retrievedContext")) or dict_of(c.get("maps"))
            for c in dicts_of(told.get("groundingChunks"))
        ]
        used: set[int] = set()
        for support in dicts_of(told.get("groundingSupports")):
            segment = dict_of(support.get("segment"))
            start, end = count_of(segment.get("startIndex")), count_of(segment.get("endIndex"))
            indices = support.get("groundingChunkIndices")
            for at in indices if isinstance(indices, list) else ():
                if isinstance(at, int) and 0 <= at < len(sources):
                    used.add(at)
                    url, title = text_of(sources[at].get("uri")), text_of(sources[at].get("title"))
                    self._cited[Citation(url, title, text_of(segment.get("text")), start, end)] = None
        for at, source in enumerate(sources):
            if at not in used and (url := text_of(source.get("uri"))):
                self._cited[Citation(url, text_of(source.get("title")))] = None


def _usage_of(usage: _Json) -> UsageReport:
    """What its tools read counts as input, what it thought as output."""
    into, tools = count_of(usage.get("promptTokenCount")), count_of(usage.get("toolUsePromptTokenCount"))
    said, thought = count_of(usage.get("candidatesTokenCount")), count_of(usage.get("thoughtsTokenCount"))
    return UsageReport(
        input_tokens=None if into is None else into + (tools or 0),
        output_tokens=None if said is None and thought is None else (said or 0) + (thought or 0),
        reasoning_tokens=thought,
        cached_tokens=count_of(usage.get("cachedContentTokenCount")),
    )


def _status_of(error: object) -> int | None:
    code = dug(error, "code")
    return code if isinstance(code, int) and 400 <= code < 600 else None
