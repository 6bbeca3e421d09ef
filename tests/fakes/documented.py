"""Answers as the providers' public pages show them, each with its page and what a person should get of it.

Written by hand from those pages (shortened), never with the readers that are tested by them. The fake
upstream serves a case where a model of its name is asked for.
"""

import json
from dataclasses import dataclass
from typing import Any

# A call that was refused used nothing, which is known without being told.
REFUSED = (0, 0, None, None, None)

type Frame = dict[str, Any] | str


@dataclass(frozen=True)
class Case:
    name: str
    # The name of the wire, as `providers.models.Wire` has it: the fake knows nothing of the product.
    wire: str
    page: str
    body: bytes
    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    tools: tuple[tuple[str, bool], ...] = ()
    sources: tuple[str, ...] = ()
    refusal: str = ""
    # input, output, reasoning, cached, written; None where no count came at all
    usage: tuple[int | None, ...] | None = None
    finish: str | None = "stop"
    error: str | None = None
    content_type: str = "text/event-stream"


def sse(*frames: Frame, named: bool = False) -> bytes:
    """Frames as `data:` lines; `named` puts `event:` with the frame's type before."""
    out = ""
    for frame in frames:
        if isinstance(frame, dict) and named:
            out += f"event: {frame['type']}\n"
        out += f"data: {frame if isinstance(frame, str) else json.dumps(frame)}\n\n"
    return out.encode()


def lines(*frames: dict[str, Any]) -> bytes:
    return "".join(json.dumps(frame) + "\n" for frame in frames).encode()


def chat(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of https://platform.openai.com/docs/api-reference/chat-streaming/streaming."""
    head = {"id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1694268190, "model": "m"}
    choice = {"index": 0, "delta": {} if delta is None else delta, "logprobs": None, "finish_reason": finish}
    return {**head, "choices": [choice], **more}


def piece(index: int | None, id_: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    """One entry of `tool_calls`, with what is given."""
    function = {"arguments": arguments} | ({"name": name} if name is not None else {})
    entry: dict[str, Any] = {"function": function}
    if index is not None:
        entry["index"] = index
    return entry | ({"id": id_, "type": "function"} if id_ is not None else {})


def block(index: int, began: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """A content block of Anthropic's, from start to stop."""
    return [
        {"type": "content_block_start", "index": index, "content_block": began},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def message(
    *blocks: list[dict[str, Any]], stop: str = "end_turn", usage: dict[str, Any] | None = None, **more: Any
) -> bytes:
    """An answer of Anthropic's with these blocks, 25 tokens in and 15 out unless said otherwise."""
    began: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    first = {**began, "stop_reason": None, "usage": {"input_tokens": 25, "output_tokens": 1, **(usage or {})}}
    delta = {"stop_reason": stop, "stop_sequence": None, **more}
    last = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 15}}
    inner = [frame for each in blocks for frame in each]
    start = {"type": "message_start", "message": first}
    return sse(start, {"type": "ping"}, *inner, last, {"type": "message_stop"}, named=True)


def parts(*given: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One GenerateContentResponse of Gemini's."""
    candidate: dict[str, Any] = {"content": {"parts": list(given), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    extra = more.pop("candidate", {})
    return {"candidates": [candidate | extra], "modelVersion": "m", **more}
