"""Providers that remember what they said and refuse a next round in which it does not come back unchanged.

The model is called `loop`: five rounds ask for a tool, the sixth answers. As the pages tell:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks,
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items,
https://ai.google.dev/gemini-api/docs/thought-signatures,
https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks,
https://api-docs.deepseek.com/guides/thinking_mode#tool-calls.
"""

import json
from typing import Any

from tests.fakes.documented import block, chat, message, parts, piece, sse

ROUNDS = 5
# What a careless way through JSON, a database or a merge would change.
_ODD = 'żółć "\\u0041" \u2028 <&> \U0001f600 1.0'

type Answer = tuple[int, bytes]


class Refused(Exception):
    """In the words of the real API, where they are known."""


def _same(came: object, sent: object, *, why: str) -> None:
    """Byte for byte: the order of keys and the form of numbers included."""
    if json.dumps(came) != json.dumps(sent):
        raise Refused(f"{why}: {json.dumps(came)} is not {json.dumps(sent)}")


class Loop:
    """One conversation per wire."""

    def __init__(self) -> None:
        self.said: dict[str, list[Any]] = {}

    def answer(self, wire: str, body: dict[str, Any]) -> Answer:
        said = self.said.setdefault(wire, [])
        number = len(said) + 1
        try:
            if number <= ROUNDS + 1:
                getattr(self, f"_check_{wire}")(body, said)
                make = getattr(self, f"_{wire}" if number <= ROUNDS else f"_{wire}_end")
                return 200, make(number, said)
        except Refused as refusal:
            return 400, json.dumps(
                {"error": {"type": "invalid_request_error", "message": str(refusal)}}
            ).encode()
        return 500, b"{}"

    # --- Anthropic ---

    def _check_anthropic(self, body: dict[str, Any], said: list[Any]) -> None:
        messages = body["messages"]
        if [m["role"] for m in messages] != ["user", *["assistant", "user"] * len(said)]:
            raise Refused("roles must alternate")
        for number, blocks in enumerate(said):
            _same(messages[2 * number + 1]["content"], blocks, why="blocks cannot be modified")
            result = messages[2 * number + 2]["content"][0]
            if (result["type"], result["tool_use_id"]) != ("tool_result", blocks[-1]["id"]):
                raise Refused("`tool_use` ids were found without `tool_result` blocks immediately after")

    def _anthropic(self, number: int, said: list[Any]) -> bytes:
        signature = f"EqQB{number}+/=" * 40
        hidden = {"type": "redacted_thinking", "data": f"EmwK{number}=="}
        use = {"type": "tool_use", "id": f"toolu_{number}", "name": "look", "input": {"z": _ODD, "a": number}}
        thought, words = f"Thought {number} {_ODD}", f"Step {number}."
        said.append([
            {"type": "thinking", "thinking": thought, "signature": signature},
            *([hidden] if number % 2 else []),
            {"type": "text", "text": words},
            use,
        ])  # fmt: skip
        at = 2 if number % 2 else 1
        blocks = [
            block(0, {"type": "thinking", "thinking": "", "signature": ""},
                  {"type": "thinking_delta", "thinking": thought[:7]},
                  {"type": "thinking_delta", "thinking": thought[7:]},
                  {"type": "signature_delta", "signature": signature}),
            *([block(1, hidden)] if number % 2 else []),
            block(at, {"type": "text", "text": ""}, {"type": "text_delta", "text": words}),
            block(at + 1, {**use, "input": {}},
                  {"type": "input_json_delta", "partial_json": json.dumps(use["input"])[:9]},
                  {"type": "input_json_delta", "partial_json": json.dumps(use["input"])[9:]}),
        ]  # fmt: skip
        return message(*blocks, stop="tool_use")

    def _anthropic_end(self, number: int, said: list[Any]) -> bytes:
        return message(block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."}))

    # --- OpenAI Responses ---

    def _check_responses(self, body: dict[str, Any], said: list[Any]) -> None:
        if body["store"] or body["include"] != ["reasoning.encrypted_content"]:
            raise Refused("nothing is kept here, and nothing was asked for to keep")
        expected = [item for items in said for item in (*items, None)]
        came = body["input"][1:]
        if len(came) != len(expected):
            raise Refused("Item of type 'function_call' was provided without its required 'reasoning' item")
        for item, sent in zip(came, expected, strict=True):
            if sent is not None:
                _same(item, sent, why="The encrypted content could not be verified")
                call_id = sent.get("call_id")
            elif (item["type"], item["call_id"]) != ("function_call_output", call_id):
                raise Refused("No tool output found for function call")

    def _responses(self, number: int, said: list[Any]) -> bytes:
        summary = [{"type": "summary_text", "text": f"{part} {number} {_ODD}"} for part in ("One", "Two")]
        thought = {"id": f"rs_{number}", "type": "reasoning", "summary": summary,
                   "encrypted_content": f"gAAAA{number}-_=" * 40}  # fmt: skip
        call = {"id": f"fc_{number}", "type": "function_call", "status": "completed", "name": "look",
                "call_id": f"call_{number}", "arguments": json.dumps({"z": _ODD, "a": number})}  # fmt: skip
        said.append([thought, call])
        frames: list[dict[str, Any]] = [
            {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}
        ]
        items: tuple[dict[str, Any], ...] = (thought, call)
        for at, item in enumerate(items):
            began = {**item, "encrypted_content": "", "summary": [], "arguments": ""}
            frames.append({"type": "response.output_item.added", "output_index": at, "item": began})
            frames.append({"type": "response.output_item.done", "output_index": at, "item": item})
        return self._completed(*frames, output=[thought, call])

    def _responses_end(self, number: int, said: list[Any]) -> bytes:
        text = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Done."}
        return self._completed(text, output=[])

    def _completed(self, *frames: dict[str, Any], output: list[Any]) -> bytes:
        response = {"id": "r", "object": "response", "status": "completed", "output": output}
        return sse(*frames, {"type": "response.completed", "response": response}, named=True)

    # --- Gemini ---

    def _check_gemini(self, body: dict[str, Any], said: list[Any]) -> None:
        contents = body["contents"]
        if len(contents) != 2 * len(said) + 1:
            raise Refused("function call turn comes immediately after a user turn")
        for number, sent in enumerate(said):
            why = "Function call is missing a thought_signature in functionCall parts"
            _same(contents[2 * number + 1]["parts"], sent, why=why)
            answer = contents[2 * number + 2]["parts"][0]["functionResponse"]
            if (answer["name"], answer["id"]) != ("look", sent[-1]["functionCall"]["id"]):
                raise Refused("the number of function response parts must equal that of function call parts")

    def _gemini(self, number: int, said: list[Any]) -> bytes:
        said.append([
            {"text": f"Thought {number} {_ODD}", "thought": True},
            {"text": f"Step {number}.", "thoughtSignature": f"CtEB{number}+/==" * 40},
            {"functionCall": {"id": f"f{number}", "name": "look", "args": {"z": _ODD, "a": number, "f": 1.0}},
             "thoughtSignature": f"CtEC{number}+/==" * 40},
        ])  # fmt: skip
        return sse(*(parts(part) for part in said[-1]), parts({"text": ""}, finish="STOP")).replace(
            b'{"text": ""}', b""
        )

    def _gemini_end(self, number: int, said: list[Any]) -> bytes:
        return sse(parts({"text": "Done."}, finish="STOP"))

    # --- OpenRouter, and DeepSeek ---

    def _check_openrouter(self, body: dict[str, Any], said: list[Any]) -> None:
        self._check_chat(body, [sent["reasoning_details"] for sent in said], "reasoning_details", said)

    def _check_deepseek(self, body: dict[str, Any], said: list[Any]) -> None:
        self._check_chat(body, [sent["reasoning_content"] for sent in said], "reasoning_content", said)

    def _check_chat(self, body: dict[str, Any], kept: list[Any], field: str, said: list[Any]) -> None:
        messages = body["messages"]
        if len(messages) != 2 * len(said) + 1:
            raise Refused("an assistant message with 'tool_calls' must be followed by tool messages")
        for number, sent in enumerate(kept):
            assistant, result = messages[2 * number + 1 : 2 * number + 3]
            if assistant.get(field) != sent:
                raise Refused(f"Missing `{field}`: {assistant.get(field)} is not {sent}")
            _same(assistant["tool_calls"], said[number]["tool_calls"], why="tool calls were changed")
            if result["tool_call_id"] != said[number]["tool_calls"][0]["id"]:
                raise Refused("tool_call_id is not found")

    def _chat(self, number: int, said: list[Any], *deltas: dict[str, Any], **kept: Any) -> bytes:
        arguments = json.dumps({"z": _ODD, "a": number})
        function = {"name": "look", "arguments": arguments}
        said.append(
            {**kept, "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}]}
        )
        calls = [
            chat({"tool_calls": [piece(0, f"call_{number}", "look", arguments[:9])]}),
            chat({"tool_calls": [piece(0, None, None, arguments[9:])]}),
        ]
        return sse(*map(chat, deltas), *calls, chat(finish="tool_calls"), "[DONE]")

    def _openrouter(self, number: int, said: list[Any]) -> bytes:
        text = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
        hidden = {"type": "reasoning.encrypted", "data": f"EmwK{number}==", "id": f"r{number}", "index": 1}
        first, second, signature = f"Thought {number}", _ODD, f"EqQB{number}+/=" * 40
        whole = [{**text, "text": first + second, "signature": signature}, hidden]
        deltas = [
            {"content": "", "reasoning": first, "reasoning_details": [{**text, "text": first}]},
            {"content": "", "reasoning": second, "reasoning_details": [{**text, "text": second}]},
            {"content": "", "reasoning_details": [{**text, "signature": signature}]},
            {"content": "", "reasoning_details": [hidden]},
        ]
        return self._chat(number, said, *deltas, reasoning_details=whole)

    def _deepseek(self, number: int, said: list[Any]) -> bytes:
        thought = f"Thought {number} {_ODD}"
        deltas = [{"content": None, "reasoning_content": piece} for piece in (thought[:8], thought[8:])]
        return self._chat(number, said, *deltas, reasoning_content=thought)

    def _openrouter_end(self, number: int, said: list[Any]) -> bytes:
        return sse(chat({"content": "Done."}), chat(finish="stop"), "[DONE]")

    _deepseek_end = _openrouter_end
