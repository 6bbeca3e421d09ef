"""Prefix caches as the providers' pages describe them; the model is called `anthropic/cached`.

Anthropic, and OpenRouter before it: what lies before a mark is kept, of at least 1,024 tokens; a later
request finds the longest kept prefix that ends at most 20 blocks before one of its marks; at most four
marks: https://platform.claude.com/docs/en/build-with-claude/prompt-caching. OpenAI and Gemini keep every
prefix by themselves, in steps of 128 tokens: https://platform.openai.com/docs/guides/prompt-caching.
"""

import json
from typing import Any

from tests.fakes.documented import block, chat, message, parts, sse
from tests.fakes.documented_openai import response
from tests.fakes.loops import Answer

TOKENS_MIN, MARKS_MAX, LOOK_BACK, STEP = 1_024, 4, 20, 128
OUTPUT_TOKENS = 15


class Cache:
    def __init__(self) -> None:
        self.kept: set[tuple[str, str]] = set()
        self.totals: list[int] = []

    def answer(self, wire: str, body: dict[str, Any]) -> Answer:
        blocks = _blocks(wire, body)
        marks = [at for at, (_, marked) in enumerate(blocks) if marked]
        if len(marks) > MARKS_MAX:
            said = f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}."
            return 400, json.dumps({"error": {"message": said}}).encode()
        prefixes = ["".join(text for text, _ in blocks[: at + 1]) for at in range(len(blocks))]
        total = _tokens(prefixes[-1])
        self.totals.append(total)
        if wire in {"anthropic", "openrouter"}:
            read, written = self._by_marks(wire, prefixes, marks)
        else:
            read, written = self._by_itself(wire, prefixes[-1]), 0
        return 200, _answer(wire, total=total, read=read, written=written)

    def _by_marks(self, wire: str, prefixes: list[str], marks: list[int]) -> tuple[int, int]:
        found = [
            _tokens(prefixes[at])
            for mark in marks
            for at in range(max(0, mark - LOOK_BACK), mark + 1)
            if (wire, prefixes[at]) in self.kept
        ]
        worth = [prefixes[mark] for mark in marks if _tokens(prefixes[mark]) >= TOKENS_MIN]
        self.kept |= {(wire, prefix) for prefix in worth}
        read = max(found, default=0)
        return read, max((_tokens(prefix) for prefix in worth), default=read) - read

    def _by_itself(self, wire: str, prompt: str) -> int:
        shared = max((_shared(prompt, kept) for of, kept in self.kept if of == wire), default=0)
        self.kept.add((wire, prompt))
        return shared // 4 // STEP * STEP if shared // 4 >= TOKENS_MIN else 0


def _tokens(text: str) -> int:
    return len(text) // 4


def _shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(other)
    )


def _blocks(wire: str, body: dict[str, Any]) -> list[tuple[str, bool]]:
    """The prompt in the order in which it is read, each block with whether it is marked."""
    found: list[tuple[str, bool]] = [
        (json.dumps(tool), "cache_control" in tool) for tool in body.get("tools", ())
    ]
    if wire == "anthropic":
        said = [("system", body.get("system", [])), *((m["role"], m["content"]) for m in body["messages"])]
    elif wire == "gemini":
        said = [
            (m.get("role", ""), m["parts"])
            for m in (body.get("systemInstruction", {"parts": []}), *body["contents"])
        ]
    else:
        messages = body["input"] if wire == "responses" else body["messages"]
        said = [(m["role"], m["content"]) for m in messages]
    for role, content in said:
        for part in content if isinstance(content, list) else [{"text": content}]:
            plain = {name: value for name, value in part.items() if name not in {"cache_control", "type"}}
            found.append((role + json.dumps(plain), "cache_control" in part))
    return found


def _answer(wire: str, *, total: int, read: int, written: int) -> bytes:
    counts = {"input_tokens": total - read - written, "cache_read_input_tokens": read}
    details: dict[str, int] = {"cached_tokens": read}
    match wire:
        case "anthropic":
            text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Yes."})
            return message(text, usage={**counts, "cache_creation_input_tokens": written})
        case "gemini":
            usage = {"promptTokenCount": total, "candidatesTokenCount": OUTPUT_TOKENS}
            more = {"cachedContentTokenCount": read} if read else {}
            return sse(parts({"text": "Yes."}, finish="STOP", usageMetadata=usage | more))
        case "responses":
            text_frame = {
                "type": "response.output_text.delta",
                "output_index": 0,
                "content_index": 0,
                "delta": "Yes.",
            }
            usage = {"input_tokens": total, "output_tokens": OUTPUT_TOKENS}
            return sse(
                text_frame,
                response("completed", usage={**usage, "input_tokens_details": details}),
                named=True,
            )
        case _:
            if wire == "openrouter":
                details["cache_write_tokens"] = written
            usage = {"prompt_tokens": total, "completion_tokens": OUTPUT_TOKENS}
            last = {"choices": [], "usage": {**usage, "prompt_tokens_details": details}}
            return sse(chat({"content": "Yes."}), chat(finish="stop"), last, "[DONE]")
