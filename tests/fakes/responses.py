"""OpenAI Responses on the wire: https://platform.openai.com/docs/api-reference/responses-streaming."""

import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.wires import (
    CACHED_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    REASONING_TOKENS,
    Fail,
    Finish,
    Say,
    Step,
    Think,
)


class OpenAIResponses:
    content_type = "text/event-stream"

    def __init__(self, body: dict[str, Any]) -> None:
        self.model = body["model"]
        self.number = -1
        self.output: list[dict[str, Any]] = []
        self.kind = ""
        self.text = ""

    def _event(self, kind: str, **more: Any) -> bytes:
        self.number += 1
        data = {"type": kind, "sequence_number": self.number, **more}
        return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()

    def _response(self, status: str, **more: Any) -> dict[str, Any]:
        head = {"id": "resp_1", "object": "response", "created_at": 1_760_000_000, "model": self.model}
        return {**head, "status": status, "error": None, "incomplete_details": None, "usage": None, **more}

    def begin(self) -> Iterator[bytes]:
        for kind in ("created", "in_progress"):
            yield self._event(f"response.{kind}", response=self._response("in_progress", output=[]))

    def _open(self, kind: str) -> Iterator[bytes]:
        if self.kind == kind:
            return
        yield from self._close()
        self.kind, self.text, at = kind, "", len(self.output)
        if kind == "message":
            item: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
            yield self._event("response.output_item.added", output_index=at, item={**item, "content": []})
            part = {"type": "output_text", "text": "", "annotations": []}
            where = {"item_id": "msg_1", "output_index": at, "content_index": 0}
            yield self._event("response.content_part.added", **where, part=part)
        else:
            item = {"id": "rs_1", "type": "reasoning", "summary": []}
            yield self._event("response.output_item.added", output_index=at, item=item)
            where = {"item_id": "rs_1", "output_index": at, "summary_index": 0}
            part = {"type": "summary_text", "text": ""}
            yield self._event("response.reasoning_summary_part.added", **where, part=part)

    def _close(self) -> Iterator[bytes]:
        at, text = len(self.output), self.text
        if self.kind == "message":
            part = {"type": "output_text", "text": text, "annotations": []}
            where = {"item_id": "msg_1", "output_index": at, "content_index": 0}
            yield self._event("response.output_text.done", **where, text=text)
            yield self._event("response.content_part.done", **where, part=part)
            item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
            self.output.append({**item, "content": [part]})
        elif self.kind == "reasoning":
            part = {"type": "summary_text", "text": text}
            where = {"item_id": "rs_1", "output_index": at, "summary_index": 0}
            yield self._event("response.reasoning_summary_text.done", **where, text=text)
            yield self._event("response.reasoning_summary_part.done", **where, part=part)
            item = {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA-secret"}
            self.output.append({**item, "summary": [part]})
        if self.kind:
            yield self._event("response.output_item.done", output_index=at, item=self.output[-1])
        self.kind = ""

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                yield from self._open("message")
                self.text += text
                where = {"item_id": "msg_1", "output_index": len(self.output), "content_index": 0}
                yield self._event("response.output_text.delta", **where, delta=text, logprobs=[])
            case Think(text):
                yield from self._open("reasoning")
                self.text += text
                where = {"item_id": "rs_1", "output_index": len(self.output), "summary_index": 0}
                yield self._event("response.reasoning_summary_text.delta", **where, delta=text)
            case Finish(reason):
                yield from self._close()
                yield self._finished(reason)
            case Fail(message):
                yield self._event("error", code="server_error", message=message, param=None)

    def _finished(self, reason: str) -> bytes:
        usage = {
            "input_tokens": INPUT_TOKENS,
            "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
            "output_tokens": OUTPUT_TOKENS,
            "output_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        }
        if reason == "stop":
            response = self._response("completed", output=self.output, usage=usage)
            return self._event("response.completed", response=response)
        words = {"length": "max_output_tokens", "content_filter": "content_filter"}
        response = self._response("incomplete", output=self.output, usage=usage)
        response["incomplete_details"] = {"reason": words[reason]}
        return self._event("response.incomplete", response=response)

    def end(self) -> Iterator[bytes]:
        return iter(())
