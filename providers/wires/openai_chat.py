"""OpenAI Chat Completions and everything that imitates it.

https://platform.openai.com/docs/api-reference/chat-streaming/streaming. The dialects that are read beside
it are named where they are read.
"""

from collections.abc import Iterable, Iterator

import msgspec

from providers.events import Citation, FinishReason, ModelEvent, ReasoningDelta, Refusal, TextDelta
from providers.models.endpoint import Wire
from providers.wires.base import Reader
from providers.wires.frames import dicts_of, dug, index_of, text_of
from providers.wires.openai_dialects import (
    annotated,
    business_error,
    executed,
    is_failure,
    listed_sources,
    merged_details,
    reason_of,
    status_of,
    thought_of,
    usage_of,
)
from providers.wires.tool_calls import CallPieces


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
    executed_tools: object = None


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
    base_resp: object = None
    type: object = None
    message: object = None
    code: object = None
    detail: object = None
    kind: object = msgspec.field(default=None, name="object")


_frame = msgspec.json.Decoder(_Frame, strict=False)


class OpenAIChatReader(Reader):
    wire = Wire.OPENAI_CHAT

    def __init__(self, *, model: str = "") -> None:
        super().__init__(model=model)
        self._calls = CallPieces()
        self._said = False
        self._thoughts: list[str] = []
        self._thinking_parts = False
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
        streamed = self._said
        for choice in frame.choices or ():
            if index_of(choice.index) in {None, 0}:
                yield from self._choice(choice, streamed=streamed)
        for told in (frame.error, dug(frame.x_groq, "error")):
            if told is not None:
                self.report.note_error(told, status=status_of(told))
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
            name = "thinking" if self._thinking_parts else "reasoning_content"
            state[name] = "".join(self._thoughts)
        if self._extras:
            state["extra_content"] = {str(number): extra for number, extra in self._extras.items()}
        if state:
            yield self._state(state)

    def _choice(self, choice: _Choice, *, streamed: bool) -> Iterator[ModelEvent]:
        delta = choice.delta
        # A whole `message` stands where a stream was not given; behind deltas (Perplexity, MiniMax) it
        # repeats them. Gateways before Claude send two, the text in one, the calls in the other.
        if delta is None and choice.message is not None and not streamed:
            delta = choice.message
        if delta is not None:
            yield from self._delta(delta)
        if choice.usage is not None:  # Moonshot
            self._note_usage(choice.usage)
        if choice.error is not None:
            self.report.note_error(choice.error, status=status_of(choice.error))
        if reason := text_of(choice.finish_reason):
            if is_failure(reason):
                self.report.note_error(reason)
            else:
                self.report.note_finish(reason_of(reason), reason)

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
        if delta.executed_tools:
            yield from executed(delta.executed_tools)
        if delta.annotations:
            yield from self._new(annotated(delta.annotations))

    def _parts(self, content: object) -> Iterator[ModelEvent]:
        """Content as a list of typed parts: https://docs.mistral.ai/capabilities/reasoning."""
        for part in dicts_of(content):
            match part.get("type"):
                case "thinking" | "reasoning":
                    if thought := thought_of(part):
                        self._said = self._thinking_parts = True
                        self._thoughts.append(thought)
                        yield ReasoningDelta(thought)
                case "refusal":
                    self.report.refused = True
                    yield Refusal(text_of(part.get("refusal")))
                case "tool_reference":  # https://docs.mistral.ai/agents/connectors/websearch
                    yield from self._new(annotated(part))
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
    """Errors in the forms of OpenAI, vLLM, FastAPI, DashScope and MiniMax."""
    bare = {"message": frame.message, "type": frame.type, "code": frame.code, "detail": frame.detail}
    told = frame.error
    if told is None and (frame.kind == "error" or frame.type == "error" or event == "error" or frame.detail):
        told = bare
    if told is None and isinstance(frame.message, str) and frame.code is not None:
        told = bare
    if told is None:
        told = business_error(frame.base_resp)
    if told is None:
        return False
    reader.report.note_error(told, status=status_of(told))
    return True
