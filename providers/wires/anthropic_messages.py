"""Anthropic Messages: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from providers.events import (
    Citation,
    FinishReason,
    ModelEvent,
    ProviderTool,
    ReasoningDelta,
    Refusal,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UsageReport,
)
from providers.models.endpoint import Wire
from providers.wires.base import Reader
from providers.wires.frames import as_json, count_of, dict_of, dicts_of, dug, index_of, parsed, text_of
from providers.wires.openai_dialects import status_of


class _Frame(msgspec.Struct):
    type: object = None
    index: object = None
    delta: object = None
    content_block: object = None
    message: object = None
    usage: object = None
    error: object = None


_frame = msgspec.json.Decoder(_Frame, strict=False)

_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSED,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.CONTENT_FILTER,
}
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_KINDS = {"text_delta": "text", "thinking_delta": "thinking"}
_OWN_TOOL_IDS = "srvtoolu_"
_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


@dataclass(slots=True)
class _Block:
    """A content block as it began, and the pieces that came since."""

    began: dict[str, object]
    number: int
    pieces: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return text_of(self.began.get("type"))

    @property
    def id(self) -> str:
        return text_of(self.began.get("id"))

    @property
    def name(self) -> str:
        return text_of(self.began.get("name"))

    @property
    def arguments(self) -> str:
        """As written; where nothing was, the input that the block began with."""
        return "".join(self.pieces) or as_json(self.began.get("input") or {})


class AnthropicReader(Reader):
    wire = Wire.ANTHROPIC

    def __init__(self, *, model: str = "") -> None:
        super().__init__(model=model)
        self._open: dict[object, _Block] = {}
        self._blocks: list[dict[str, object]] = []
        self._calls = 0
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._extra = (0, 0)

    def feed(self, data: bytes, event: str = "") -> Iterator[ModelEvent]:
        frame = self._decoded(_frame, data)
        if frame is None:
            return
        match text_of(frame.type) or event:
            case "content_block_delta":
                yield from self._delta(index_of(frame.index), dict_of(frame.delta))
            case "content_block_start":
                yield from self._start(index_of(frame.index), dict_of(frame.content_block))
            case "content_block_stop":
                yield from self._stop(index_of(frame.index))
            case "message_start" if not self.report.recognized:
                self.report.recognized = True
                yield from self._begin(dict_of(frame.message))
            case "message_delta":
                self._count(frame.usage, final=True)
                yield from self._reason(dict_of(frame.delta))
            case "message_stop":
                self.report.ended = True
            case _ if frame.error is not None:
                kind = text_of(dug(frame.error, "type"))
                self.report.note_error(frame.error, status=_STATUSES.get(kind) or status_of(frame.error))

    def feed_whole(self, data: bytes) -> Iterator[ModelEvent]:
        """A message as `stream: false` brings it."""
        message = dict_of(parsed(data.decode(errors="replace")))
        if message.get("type") != "message":
            yield from self.feed(data)
            return
        self.report.recognized = self.report.ended = True
        for index, block in enumerate(dicts_of(message.get("content"))):
            yield from self._start(index, block)
            yield from self._stop(index)
        self._count(message.get("usage"), final=True)
        yield from self._reason(message)

    def finish(self) -> Iterator[ModelEvent]:
        report = self.report
        if not report.ended:
            report.finish = None  # why it would stop was told, but not that it did
            return
        for index in list(self._open):  # of servers that don't say how blocks end
            yield from self._stop(index)
        if report.finish is None and self._blocks:
            report.note_finish(FinishReason.STOP, "")
        if report.finish is FinishReason.STOP and self._calls:
            report.finish = FinishReason.TOOL_CALLS
        elif report.finish is FinishReason.TOOL_CALLS and not self._calls:
            report.finish = FinishReason.STOP
        plain = all(block.get("type") == "text" for block in self._blocks)
        if report.finish is not None and (not plain or report.finish is FinishReason.PAUSED):
            yield self._state(self._blocks)

    def _begin(self, message: dict[str, object]) -> Iterator[ModelEvent]:
        """Where a paused turn goes on, the message may begin with blocks, and with the reason of its end."""
        for place, block in enumerate(dicts_of(message.get("content"))):
            yield from self._start((place, "begun"), block)
            yield from self._stop((place, "begun"))
        self._count(message.get("usage"), final=False)
        yield from self._reason(message)

    def _start(self, index: object, began: dict[str, object]) -> Iterator[ModelEvent]:
        block = self._open[index] = _Block(dict(began), self._calls)
        match block.kind:
            case "text":
                if text := text_of(began.get("text")):
                    yield TextDelta(text)
                for citation in dicts_of(began.get("citations")):
                    yield from _cited(citation)
            case "thinking":
                if text := text_of(began.get("thinking")):
                    yield ReasoningDelta(text)
            case "tool_use" if not block.id.startswith(_OWN_TOOL_IDS):
                self._calls += 1
                yield ToolCallDelta(block.number, block.id, block.name, "")

    def _delta(self, index: object, delta: dict[str, object]) -> Iterator[ModelEvent]:
        block = self._block(index, text_of(delta.get("type")))
        match delta.get("type"):
            case "text_delta":
                if text := text_of(delta.get("text")):
                    block.pieces.append(text)
                    yield TextDelta(text)
            case "thinking_delta":
                if text := text_of(delta.get("thinking")):
                    block.pieces.append(text)
                    yield ReasoningDelta(text)
            case "signature_delta":
                block.began["signature"] = _text_at(block, "signature") + text_of(delta.get("signature"))
            case "input_json_delta":
                if block.kind not in _KINDS.values() and (text := text_of(delta.get("partial_json"))):
                    block.pieces.append(text)
                    if block.kind == "tool_use" and not block.id.startswith(_OWN_TOOL_IDS):
                        yield ToolCallDelta(block.number, block.id, block.name, text)
            case "citations_delta":
                citation = dict_of(delta.get("citation"))
                block.began["citations"] = [*dicts_of(block.began.get("citations")), citation]
                yield from _cited(citation)
            case "compaction_delta":
                block.began["content"] = _text_at(block, "content") + text_of(delta.get("content"))

    def _block(self, index: object, delta: str) -> _Block:
        """Also of servers that don't say how blocks begin, or write text into an open call (SGLang).

        https://github.com/sgl-project/sglang/issues/24293
        """
        kind = _KINDS.get(delta, "")
        block = self._open.get(index)
        if block is None or (kind and block.kind != kind):
            index = (index, kind)
            if (block := self._open.get(index)) is None:
                kind = kind or "text"
                block = self._open[index] = _Block({"type": kind, kind: ""}, self._calls)
        return block

    def _stop(self, index: object) -> Iterator[ModelEvent]:
        block = self._open.pop(index, None)
        if block is None:
            return
        kind, began = block.kind, block.began
        match kind:
            case "text" | "thinking":
                began[kind] = _text_at(block, kind) + "".join(block.pieces)
                if kind == "text" and not began[kind]:
                    return  # refused when sent back
            case "tool_use" if not block.id.startswith(_OWN_TOOL_IDS):
                yield ToolCall(block.number, block.id, block.name, block.arguments)
                began["input"] = dict_of(parsed(block.arguments))
            case "tool_use" | "server_tool_use" | "mcp_tool_use":
                self._names[block.id] = block.name
                yield ProviderTool(block.id, block.name, block.arguments)
                began["input"] = dict_of(parsed(block.arguments))
            case _ if kind.endswith("tool_result"):
                asked = text_of(began.get("tool_use_id"))
                name = self._names.get(asked, kind.removesuffix("_tool_result"))
                yield ProviderTool(asked, name, result=as_json(began.get("content")))
        self._blocks.append(began)

    def _reason(self, told: dict[str, object]) -> Iterator[ModelEvent]:
        if reason := text_of(told.get("stop_reason")):
            self.report.note_finish(_REASONS.get(reason, FinishReason.STOP), reason)
        if words := text_of(dug(told, "stop_details", "explanation")):
            self.report.refused = True
            yield Refusal(words)

    def _count(self, usage: object, *, final: bool) -> None:
        """Cumulative counts. What `message_start` says of the output is no more than its first token."""
        told = dict_of(usage)
        for name in _COUNTS:
            count = count_of(told.get(name))
            if count is not None and (final or name != "output_tokens"):
                self._counts[name] = max(count, self._counts.get(name, 0))
        self._extra = _compacted(told) or self._extra
        fresh, counts = self._counts.get("input_tokens"), self._counts
        read, written = counts.get("cache_read_input_tokens"), counts.get("cache_creation_input_tokens")
        out = counts.get("output_tokens")
        thought = count_of(dug(told, "output_tokens_details", "thinking_tokens"))
        self.report.note_usage(
            UsageReport(
                input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0) + self._extra[0],
                output_tokens=None if out is None else out + self._extra[1],
                reasoning_tokens=thought,
                cached_tokens=read,
                cache_write_tokens=written,
            )
        )


def _compacted(usage: dict[str, object]) -> tuple[int, int] | None:
    """Input and output of compactions, which the counts of the whole leave out.

    https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    rounds = [r for r in dicts_of(usage.get("iterations")) if r.get("type") == "compaction"]
    if not rounds:
        return None
    into = sum(count_of(each.get(name)) or 0 for each in rounds for name in _COUNTS[:3])
    return into, sum(count_of(each.get("output_tokens")) or 0 for each in rounds)


def _text_at(block: _Block, name: str) -> str:
    return text_of(block.began.get(name))


def _cited(told: dict[str, object]) -> Iterator[Citation]:
    """https://platform.claude.com/docs/en/build-with-claude/citations; search results name a source."""
    start = told.get("start_char_index", told.get("start_page_number", told.get("start_block_index")))
    end = told.get("end_char_index", told.get("end_page_number", told.get("end_block_index")))
    yield Citation(
        text_of(told.get("url")) or text_of(told.get("source")),
        text_of(told.get("title")) or text_of(told.get("document_title")),
        text_of(told.get("cited_text")),
        count_of(start),
        count_of(end),
    )
