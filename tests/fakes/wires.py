"""How providers put the same answer on the wire, byte for byte as their public pages describe it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Think:
    text: str


@dataclass(frozen=True)
class Finish:
    """`stop`, `length` or `content_filter`; each wire has its own word for it."""

    reason: str = "stop"
    usage: bool = True


@dataclass(frozen=True)
class Fail:
    """An error told inside a stream that began with status 200."""

    message: str = "The server had an error while processing your request."


@dataclass(frozen=True)
class Raw:
    """Bytes sent as they are."""

    data: bytes


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Hang:
    """Nothing more, until the client goes away."""


@dataclass(frozen=True)
class Drop:
    """The connection breaks without the end of the body."""


type Step = Say | Think | Finish | Fail | Raw | Pause | Hang | Drop

INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS, CACHED_TOKENS = 11, 7, 3, 5


def _sse(data: Any, *, event: str = "") -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


class OpenAIChat:
    """https://platform.openai.com/docs/api-reference/chat-streaming

    `reasoning_content` is DeepSeek's addition: https://api-docs.deepseek.com/guides/reasoning_model
    """

    content_type = "text/event-stream"

    def __init__(self, body: dict[str, Any]) -> None:
        self.model = body["model"]
        self.include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self.finished = False

    def _chunk(self, **more: Any) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000}
        return _sse({**head, "model": self.model, **more})

    def _delta(self, finish_reason: str | None = None, **delta: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk(choices=[choice])

    def begin(self) -> Iterator[bytes]:
        yield self._delta(role="assistant", content="")

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                yield self._delta(content=text)
            case Think(text):
                yield self._delta(reasoning_content=text)
            case Finish(reason, usage):
                self.finished = True
                yield self._delta(finish_reason=reason)
                if usage and self.include_usage:
                    yield self._chunk(choices=[], usage=self._usage())
            case Fail(message):
                yield _sse({"error": {"message": message, "type": "server_error", "code": None}})

    def _usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
            "completion_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
        }

    def end(self) -> Iterator[bytes]:
        if self.finished:
            yield b"data: [DONE]\n\n"


@dataclass
class AnthropicMessages:
    """https://docs.anthropic.com/en/api/messages-streaming"""

    body: dict[str, Any]
    content_type = "text/event-stream"
    index: int = -1
    kind: str = ""
    finished: bool = field(default=False)

    def begin(self) -> Iterator[bytes]:
        usage = {"input_tokens": INPUT_TOKENS, "cache_read_input_tokens": CACHED_TOKENS, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage}
        more = {"model": self.body["model"], "stop_reason": None, "stop_sequence": None}
        yield _sse({"type": "message_start", "message": {**message, **more}}, event="message_start")
        yield _sse({"type": "ping"}, event="ping")

    def _block(self, kind: str, field_name: str) -> Iterator[bytes]:
        if self.kind == kind:
            return
        yield from self._close()
        self.index, self.kind = self.index + 1, kind
        block = {"type": "content_block_start", "index": self.index}
        yield _sse({**block, "content_block": {"type": kind, field_name: ""}}, event="content_block_start")

    def _close(self) -> Iterator[bytes]:
        if self.kind:
            yield _sse({"type": "content_block_stop", "index": self.index}, event="content_block_stop")
        self.kind = ""

    def _delta(self, **delta: str) -> bytes:
        data = {"type": "content_block_delta", "index": self.index, "delta": delta}
        return _sse(data, event="content_block_delta")

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                yield from self._block("text", "text")
                yield self._delta(type="text_delta", text=text)
            case Think(text):
                yield from self._block("thinking", "thinking")
                yield self._delta(type="thinking_delta", thinking=text)
            case Finish(reason):
                self.finished = True
                yield from self._close()
                words = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
                delta = {"stop_reason": words[reason], "stop_sequence": None}
                usage = {"output_tokens": OUTPUT_TOKENS}
                yield _sse({"type": "message_delta", "delta": delta, "usage": usage}, event="message_delta")
            case Fail(message):
                error = {"type": "overloaded_error", "message": message}
                yield _sse({"type": "error", "error": error}, event="error")

    def end(self) -> Iterator[bytes]:
        if self.finished:
            yield _sse({"type": "message_stop"}, event="message_stop")


@dataclass
class Gemini:
    """https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent (alt=sse)"""

    body: dict[str, Any]
    content_type = "text/event-stream"

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def _chunk(self, candidate: dict[str, Any], **more: Any) -> bytes:
        head = {"candidates": [{"index": 0, **candidate}], "modelVersion": self.body["model"]}
        return _sse({**head, **more})

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                yield self._chunk({"content": {"parts": [{"text": text}], "role": "model"}})
            case Think(text):
                part = {"text": text, "thought": True}
                yield self._chunk({"content": {"parts": [part], "role": "model"}})
            case Finish(reason):
                words = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
                usage = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": OUTPUT_TOKENS}
                more = {"totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS}
                content = {"parts": [{"text": ""}], "role": "model"}
                candidate = {"content": content, "finishReason": words[reason]}
                yield self._chunk(candidate, usageMetadata={**usage, **more})
            case Fail(message):
                yield _sse({"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}})

    def end(self) -> Iterator[bytes]:
        return iter(())


@dataclass
class Ollama:
    """https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion"""

    body: dict[str, Any]
    content_type = "application/x-ndjson"

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def _line(self, **more: Any) -> bytes:
        head = {"model": self.body["model"], "created_at": "2026-01-01T00:00:00.000000Z"}
        return json.dumps({**head, **more}).encode() + b"\n"

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                yield self._line(message={"role": "assistant", "content": text}, done=False)
            case Think(text):
                message = {"role": "assistant", "content": "", "thinking": text}
                yield self._line(message=message, done=False)
            case Finish(reason):
                counts = {"prompt_eval_count": INPUT_TOKENS, "eval_count": OUTPUT_TOKENS}
                message = {"role": "assistant", "content": ""}
                yield self._line(message=message, done=True, done_reason=reason, **counts)
            case Fail(message):
                yield json.dumps({"error": message}).encode() + b"\n"

    def end(self) -> Iterator[bytes]:
        return iter(())


class Wire(Protocol):
    @property
    def content_type(self) -> str: ...

    def begin(self) -> Iterator[bytes]: ...

    def step(self, step: Step) -> Iterator[bytes]: ...

    def end(self) -> Iterator[bytes]: ...
