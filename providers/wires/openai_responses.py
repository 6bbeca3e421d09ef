"""OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming."""

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.events import (
    Citation,
    FinishReason,
    ModelEvent,
    ProviderTool,
    ReasoningBreak,
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
    delta: object = None
    text: object = None
    refusal: object = None
    arguments: object = None
    input: object = None
    output_index: object = None
    item_id: object = None
    content_index: object = None
    summary_index: object = None
    item: object = None
    part: object = None
    annotation: object = None
    response: object = None
    error: object = None
    code: object = None
    message: object = None
    kind: object = msgspec.field(default=None, name="object")


_frame = msgspec.json.Decoder(_Frame, strict=False)

_TEXT = {
    "response.output_text.delta",
    "response.content_part.delta",  # OpenRouter: https://openrouter.ai/docs/api/reference/responses/basic-usage
}
_THOUGHTS = {
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.reasoning_summary.delta",  # as it was called at first
    "response.reasoning.delta",  # servers that run open models
}
# By event; `done` is OpenRouter's.
_ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
_CALLS = {"function_call", "custom_tool_call"}

type _Call = tuple[int, dict[str, object], list[str]]

_INCOMPLETE = {"content_filter": FinishReason.CONTENT_FILTER}
# Of parts that were streamed, the last frame repeats the whole.
_DONE = {
    "response.output_text.done": "text",
    "response.refusal.done": "refusal",
    "response.reasoning_summary_text.done": "summary",
    "response.reasoning_text.done": "thought",
}


class OpenAIResponsesReader(Reader):
    wire = Wire.OPENAI_RESPONSES

    def __init__(self, *, model: str = "") -> None:
        super().__init__(model=model)
        self._streamed: set[tuple[object, object, str]] = set()
        self._calls: dict[object, _Call] = {}  # not complete yet
        self._count = 0
        self._items: dict[Any, dict[str, object]] = {}
        self._cited: set[Citation] = set()
        self._summary: tuple[object, object, str] | None = None

    def feed(self, data: bytes, event: str = "") -> Iterator[ModelEvent]:
        frame = self._decoded(_frame, data)
        if frame is None:
            return
        kind = text_of(frame.type) or event
        if kind in _TEXT:
            self._streamed.add((_place(frame), index_of(frame.content_index) or 0, "text"))
            if delta := text_of(frame.delta):
                yield TextDelta(delta)
        elif kind in _THOUGHTS:
            yield from self._thought(frame)
        elif kind.startswith("response."):
            self.report.recognized = True
            yield from self._other(kind, frame)
        elif frame.error is not None or kind == "error":
            told = frame.error or {"code": frame.code, "message": frame.message}
            self.report.note_error(told, status=status_of(told))

    def feed_whole(self, data: bytes) -> Iterator[ModelEvent]:
        """The response object itself, as `stream: false` brings it."""
        frame = self._decoded(_frame, data)
        if frame is not None and frame.kind == "response":
            self.report.recognized = True
            yield from self._ended("", dict_of(parsed(data.decode(errors="replace"))))
        else:
            yield from self.feed(data)

    def finish(self) -> Iterator[ModelEvent]:
        if self.report.finish is None:
            return
        for number, item, pieces in self._calls.values():  # of servers that don't say when one is complete
            yield ToolCall(number, _id_of(item), text_of(item.get("name")), "".join(pieces))
        if self._count and self.report.finish is FinishReason.STOP:
            self.report.finish = FinishReason.TOOL_CALLS
        counted = all(isinstance(place, int) for place in self._items)
        items = [self._items[place] for place in sorted(self._items)] if counted else [*self._items.values()]
        if any(item.get("type") != "message" for item in items):
            yield self._state(items)

    def _thought(self, frame: _Frame) -> Iterator[ModelEvent]:
        at = _passage(frame)
        self._streamed.add(at)
        yield from self._passage_of(at, text_of(frame.delta))

    def _passage_of(self, at: tuple[object, object, str], text: str) -> Iterator[ModelEvent]:
        if self._summary is not None and self._summary != at:
            yield ReasoningBreak()
        self._summary = at
        if text:
            yield ReasoningDelta(text)

    def _other(self, kind: str, frame: _Frame) -> Iterator[ModelEvent]:
        match kind:
            case "response.refusal.delta":
                self._streamed.add((_place(frame), index_of(frame.content_index) or 0, "refusal"))
                yield from self._refused(text_of(frame.delta))
            case "response.output_item.added":
                yield from self._added(frame)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                yield from self._piece(_place(frame), text_of(frame.delta))
            case "response.output_text.annotation.added":
                yield from self._cite(dict_of(frame.annotation))
            case "response.output_item.done":
                yield from self._item_done(_place(frame), dict_of(frame.item))
            case _ if kind in _ENDS:
                yield from self._ended(kind, dict_of(frame.response))
            case "response.error":
                told = frame.error or {"code": frame.code, "message": frame.message}
                self.report.note_error(told, status=status_of(told))
            case _ if kind in _DONE:
                yield from self._part_done(_DONE[kind], frame)

    def _part_done(self, what: str, frame: _Frame) -> Iterator[ModelEvent]:
        whole = text_of(frame.refusal if what == "refusal" else frame.text)
        index = index_of(frame.summary_index) if what == "summary" else index_of(frame.content_index)
        yield from self._whole(_place(frame), index or 0, what, whole)

    def _whole(self, output: object, index: object, what: str, text: str) -> Iterator[ModelEvent]:
        """A part told at its end; its text, unless it was streamed before."""
        if (output, index, what) in self._streamed or not text:
            return
        self._streamed.add((output, index, what))
        match what:
            case "text":
                yield TextDelta(text)
            case "refusal":
                yield from self._refused(text)
            case _:
                yield from self._passage_of((output, index, what), text)

    def _refused(self, text: str) -> Iterator[ModelEvent]:
        self.report.refused = True
        if text:
            yield Refusal(text)

    def _added(self, frame: _Frame) -> Iterator[ModelEvent]:
        item = dict_of(frame.item)
        kind = text_of(item.get("type"))
        if kind in _CALLS:
            self._begin_call(_place(frame), item)
            yield from self._piece(_place(frame), "")
        elif _is_provider_tool(kind):
            yield ProviderTool(_id_of(item), _name_of(item), _asked(item))

    def _begin_call(self, output: object, item: dict[str, object]) -> _Call:
        call = self._calls[output] = (self._count, item, [])
        self._count += 1
        return call

    def _piece(self, output: object, delta: str) -> Iterator[ModelEvent]:
        if (call := self._calls.get(output)) is not None:
            number, item, pieces = call
            pieces.append(delta)
            yield ToolCallDelta(number, _id_of(item), text_of(item.get("name")), delta)

    def _item_done(self, output: object, item: dict[str, object]) -> Iterator[ModelEvent]:
        known = self._items.get(output)
        if known is not None and _id_of(known) == _id_of(item):
            return
        # A server that gives all its items one number: a row of them under that number.
        self._items[output if known is None else (output, len(self._items))] = item
        kind = text_of(item.get("type"))
        if kind in _CALLS:
            number, began, pieces = self._calls.get(output) or self._begin_call(output, item)
            del self._calls[output]
            whole = text_of(item.get("arguments")) or text_of(item.get("input")) or "".join(pieces)
            name = text_of(item.get("name")) or text_of(began.get("name"))
            yield ToolCall(number, _id_of(item) or _id_of(began), name, whole)
        elif kind == "message":
            for index, part in enumerate(dicts_of(item.get("content"))):
                what = "refusal" if part.get("type") == "refusal" else "text"
                yield from self._whole(output, index, what, text_of(part.get(what)))
                for annotation in dicts_of(part.get("annotations")):
                    yield from self._cite(annotation)
        elif kind == "reasoning":
            for field, what in (("summary", "summary"), ("content", "thought")):
                for index, part in enumerate(dicts_of(item.get(field))):
                    yield from self._whole(output, index, what, text_of(part.get("text")))
        elif _is_provider_tool(kind):
            yield ProviderTool(_id_of(item), _name_of(item), _asked(item), as_json(item))

    def _cite(self, told: dict[str, object]) -> Iterator[Citation]:
        url = text_of(told.get("url")) or text_of(told.get("file_id"))
        title = text_of(told.get("title")) or text_of(told.get("filename"))
        start, end = count_of(told.get("start_index")), count_of(told.get("end_index"))
        citation = Citation(url, title, text_of(told.get("quote")), start, end)
        if (url or title) and citation not in self._cited:
            self._cited.add(citation)
            yield citation

    def _ended(self, kind: str, response: dict[str, object]) -> Iterator[ModelEvent]:
        if not self._items:
            for output, item in enumerate(dicts_of(response.get("output"))):
                by_id = any(place == item.get("id") for place, _, _ in self._streamed)
                yield from self._item_done(text_of(item.get("id")) if by_id else output, item)
        report, status = self.report, text_of(response.get("status"))
        if status not in _ENDS.values():  # one that lags behind its event
            status = _ENDS.get(kind, status)
        report.ended = True
        if isinstance(usage := response.get("usage"), dict):
            report.note_usage(_usage_of(usage))
        if status == "completed":
            report.note_finish(FinishReason.STOP, status)
        elif status == "incomplete":
            reason = text_of(dug(response, "incomplete_details", "reason"))
            report.note_finish(_INCOMPLETE.get(reason, FinishReason.LENGTH), reason or status)
        else:
            told = response.get("error") or {"code": status}
            report.note_error(told, status=status_of(told))


def _place(frame: _Frame) -> int | str:
    """Which item a frame is about: its number, or of servers that don't count, its id (others rotate ids)."""
    number = index_of(frame.output_index)
    if number is not None:
        return number
    return text_of(frame.item_id) or text_of(dict_of(frame.item).get("id"))


def _passage(frame: _Frame) -> tuple[object, object, str]:
    if index_of(frame.summary_index) is not None:
        return (_place(frame), index_of(frame.summary_index), "summary")
    return (_place(frame), index_of(frame.content_index) or 0, "thought")


def _usage_of(usage: dict[str, object]) -> UsageReport:
    return UsageReport(
        count_of(usage.get("input_tokens")),
        count_of(usage.get("output_tokens")),
        count_of(dug(usage, "output_tokens_details", "reasoning_tokens")),
        count_of(dug(usage, "input_tokens_details", "cached_tokens")),
        count_of(dug(usage, "input_tokens_details", "cache_write_tokens")),
    )


def _is_provider_tool(kind: str) -> bool:
    """Everything that is neither talk nor a call for us; items of kinds that come later among them."""
    return kind not in {"", "message", "reasoning", "compaction", *_CALLS}


def _id_of(item: dict[str, object]) -> str:
    return text_of(item.get("call_id")) or text_of(item.get("id"))


def _name_of(item: dict[str, object]) -> str:
    """The tool's name: of an MCP server's tool its own, else the kind without `_call`."""
    return text_of(item.get("name")) or text_of(item.get("type")).removesuffix("_call")


def _asked(item: dict[str, object]) -> str:
    for field in ("arguments", "code", "queries", "action"):
        if value := item.get(field):
            return value if isinstance(value, str) else as_json(value)
    return ""
