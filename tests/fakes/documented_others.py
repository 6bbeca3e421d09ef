"""Anthropic, Gemini and Ollama, as their pages show them."""

import json

from tests.fakes.documented import Case, block, lines, message, parts, sse

ANTHROPIC, GEMINI, OLLAMA = "anthropic", "gemini", "ollama"
_STOPS = "https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons"
_STREAMING = "https://platform.claude.com/docs/en/build-with-claude/streaming"
_TEXT = {"type": "text", "text": ""}
_THINKING = {"type": "thinking", "thinking": "", "signature": ""}
_USED = (25, 15, None, None, None)


def text(index: int, *said: str) -> list[dict[str, object]]:
    return block(index, _TEXT, *({"type": "text_delta", "text": each} for each in said))


def asked(index: int, began: dict[str, str], *pieces: str) -> list[dict[str, object]]:
    deltas = ({"type": "input_json_delta", "partial_json": each} for each in pieces)
    return block(index, {"input": {}, **began}, *deltas)


_WEATHER = {"type": "tool_use", "id": "toolu_1", "name": "get_weather"}
_SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search"}
_FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {"type": "web_search_result", "title": "A", "url": "https://a.example/", "encrypted_content": "E"}
    ],
}
_CITATION = {
    "type": "web_search_result_location",
    "cited_text": "It rains",
    "title": "A",
    "url": "https://a.example/",
    "encrypted_index": "I",
}

ANTHROPIC_CASES = [
    Case(
        "anthropic-basic", ANTHROPIC, _STREAMING, message(text(0, "Hello", "!")),
        text="Hello!", usage=_USED,
    ),
    Case(
        "anthropic-tools", ANTHROPIC, _STREAMING + "#streaming-request-with-tool-use",
        message(text(0, "Okay."), asked(1, _WEATHER, "", '{"location":', ' "San', ' Fran"}'),
                asked(2, {**_WEATHER, "id": "toolu_2"}), stop="tool_use"),
        text="Okay.", usage=_USED, finish="tool_calls",
        calls=(("toolu_1", "get_weather", '{"location": "San Fran"}'), ("toolu_2", "get_weather", "{}")),
    ),
    Case(
        "anthropic-thinking", ANTHROPIC, _STREAMING + "#streaming-request-with-extended-thinking",
        message(block(0, _THINKING, {"type": "thinking_delta", "thinking": "Let me "},
                      {"type": "thinking_delta", "thinking": "see."},
                      {"type": "signature_delta", "signature": "EqQB"}),
                block(1, {"type": "redacted_thinking", "data": "EmwK"}), text(2, "27")),
        text="27", reasoning="Let me see.", usage=_USED,
    ),
    Case(
        "anthropic-web-search", ANTHROPIC, _STREAMING + "#streaming-request-with-web-search-tool-use",
        message(text(0, "I'll look."), asked(1, _SEARCH, '{"query"', ': "weather"}'), block(2, _FOUND),
                block(3, {**_TEXT, "citations": []}, {"type": "citations_delta", "citation": _CITATION},
                      {"type": "text_delta", "text": " It rains."})),
        text="I'll look. It rains.", tools=(("web_search", False), ("web_search", True)),
        sources=("https://a.example/",), usage=_USED,
    ),
    Case(
        "anthropic-cache", ANTHROPIC, "https://platform.claude.com/docs/en/build-with-claude/prompt-caching",
        message(text(0, "Hi"), usage={"cache_read_input_tokens": 100, "cache_creation_input_tokens": 50}),
        text="Hi", usage=(175, 15, None, 100, 50),
    ),
    Case(
        "anthropic-pause", ANTHROPIC, _STOPS,
        message(asked(0, _SEARCH, '{"query": "x"}'), stop="pause_turn"),
        tools=(("web_search", False),), usage=_USED, finish="paused",
    ),
    Case(
        "anthropic-refusal", ANTHROPIC,
        "https://platform.claude.com/docs/en/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals",
        message(text(0, "Well"), stop="refusal"), text="Well", usage=_USED, finish=None,
        error="content_filtered",
    ),
    Case(
        "anthropic-window", ANTHROPIC, _STOPS,
        message(text(0, "Full"), stop="model_context_window_exceeded"),
        text="Full", usage=_USED, finish="length",
    ),
    Case(
        "anthropic-overloaded", ANTHROPIC, _STREAMING + "#error-events",
        sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, named=True),
        finish=None, error="provider_overloaded",
    ),
    Case(
        "anthropic-error-midstream", ANTHROPIC, _STREAMING + "#error-events",
        message(text(0, "Half")).partition(b"event: message_delta")[0]
        + sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, named=True),
        text="Half", usage=(25, None, None, None, None), finish=None, error="provider_stream_failed",
    ),
    Case(
        "anthropic-no-message-stop", ANTHROPIC, _STREAMING,
        message(text(0, "All")).partition(b"event: message_stop")[0],
        text="All", usage=_USED, finish=None, error="provider_stream_cut",
    ),
    Case(
        "anthropic-not-streamed", ANTHROPIC, "https://platform.claude.com/docs/en/api/messages",
        json.dumps({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Whole"}],
                    "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4}}).encode(),
        text="Whole", usage=(3, 4, None, None, None), content_type="application/json",
    ),
]  # fmt: skip

_THOUGHTS = "https://ai.google.dev/gemini-api/docs/thinking"
_CALLING = "https://ai.google.dev/gemini-api/docs/function-calling"
_GROUNDED = {
    "groundingMetadata": {
        "webSearchQueries": ["weather"],
        "groundingChunks": [
            {"web": {"uri": "https://a.example/", "title": "A"}},
            {"web": {"uri": "https://b.example/", "title": "B"}},
        ],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": 5, "text": "Rain."}, "groundingChunkIndices": [0, 1]}
        ],
    }
}
_COUNTED = {
    "usageMetadata": {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "toolUsePromptTokenCount": 3,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 25,
    }
}

GEMINI_CASES = [
    Case(
        "gemini-basic", GEMINI, "https://ai.google.dev/gemini-api/docs/text-generation#stream",
        sse(parts({"text": "Hel"}), parts({"text": "lo"}, finish="STOP", **_COUNTED)),
        text="Hello", usage=(13, 12, 7, 4, None),
    ),
    Case(
        "gemini-thoughts", GEMINI, _THOUGHTS,
        sse(parts({"text": "Hm.", "thought": True}), parts({"text": "Yes"}),
            parts({"text": "", "thoughtSignature": "c2ln"}, finish="STOP")),
        text="Yes", reasoning="Hm.",
    ),
    Case(
        "gemini-parallel-calls", GEMINI, _CALLING,
        sse(parts({"functionCall": {"name": "f", "args": {"location": "Bogotá"}}, "thoughtSignature": "c2ln"},
                  {"functionCall": {"name": "g"}}), parts({"text": ""}, finish="STOP")),
        calls=(("", "f", '{"location": "Bogotá"}'), ("", "g", "{}")), finish="tool_calls",
    ),
    Case(
        "gemini-code", GEMINI, "https://ai.google.dev/gemini-api/docs/code-execution",
        sse(parts({"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
            parts({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}),
            parts({"text": "One."}, finish="STOP")),
        text="One.", tools=(("code_execution", False), ("code_execution", True)),
    ),
    Case(
        "gemini-grounding", GEMINI, "https://ai.google.dev/gemini-api/docs/google-search",
        sse(parts({"text": "Rain."}), parts({"text": ""}, finish="STOP", candidate=_GROUNDED)),
        text="Rain.", tools=(("google_search", True),), sources=("https://a.example/", "https://b.example/"),
    ),
    Case(
        "gemini-safety", GEMINI, "https://ai.google.dev/gemini-api/docs/safety-settings",
        sse(parts({"text": "I"}), {"candidates": [{"finishReason": "SAFETY", "index": 0}]}),
        text="I", finish=None, error="content_filtered",
    ),
    Case(
        "gemini-blocked", GEMINI, "https://ai.google.dev/api/generate-content#PromptFeedback",
        sse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
             "usageMetadata": {"promptTokenCount": 6, "totalTokenCount": 6}}),
        usage=(6, None, None, None, None), finish=None, error="content_filtered",
    ),
    Case(
        "gemini-malformed-call", GEMINI, "https://ai.google.dev/api/generate-content#FinishReason",
        sse({"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL",
                             "finishMessage": "Malformed function call: f("}]}),
        finish=None, error="provider_stream_failed",
    ),
    Case(
        "gemini-length", GEMINI, "https://ai.google.dev/api/generate-content#FinishReason",
        sse(parts({"text": "Cut"}, finish="MAX_TOKENS")), text="Cut", finish="length",
    ),
    Case(
        "gemini-cut", GEMINI, "https://ai.google.dev/api/generate-content",
        sse(parts({"text": "Half"})), text="Half", finish=None, error="provider_stream_cut",
    ),
    Case(
        "gemini-error", GEMINI, "https://ai.google.dev/gemini-api/docs/troubleshooting",
        sse({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}),
        finish=None, error="provider_overloaded",
    ),
    Case(
        "gemini-array", GEMINI, "https://ai.google.dev/api/generate-content",
        json.dumps([parts({"text": "Hel"}), parts({"text": "lo"}, finish="STOP")], indent=2).encode(),
        text="Hello", content_type="application/json",
    ),
]  # fmt: skip

_CHAT_API = "https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion"
_END = {
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 4883583458,
    "prompt_eval_count": 26,
    "eval_count": 282,
}


def told(**words: object) -> dict[str, object]:
    return {"model": "m", "message": {"role": "assistant", "content": "", **words}, "done": False}


OLLAMA_CASES = [
    Case(
        "ollama-basic", OLLAMA, _CHAT_API, lines(told(content="The"), told(content=" sky"), _END),
        text="The sky", usage=(26, 282, None, None, None), content_type="application/x-ndjson",
    ),
    Case(
        "ollama-thinking", OLLAMA, "https://docs.ollama.com/capabilities/thinking",
        lines(told(thinking="Hm"), told(content="Yes"), {**_END, "done_reason": "length"}),
        text="Yes", reasoning="Hm", usage=(26, 282, None, None, None), finish="length",
    ),
    Case(
        "ollama-tools", OLLAMA, "https://docs.ollama.com/capabilities/tool-calling",
        lines(told(tool_calls=[{"function": {"name": "f", "arguments": {"city": "Tokyo"}}},
                               {"function": {"name": "g", "arguments": {}}}]), _END),
        calls=(("", "f", '{"city": "Tokyo"}'), ("", "g", "{}")), usage=(26, 282, None, None, None),
        finish="tool_calls",
    ),
    Case(
        "ollama-cached-prompt", OLLAMA, "https://github.com/ollama/ollama/issues/2068",
        lines(told(content="Hi"), {"done": True, "done_reason": "stop", "eval_count": 2}),
        text="Hi", usage=(None, 2, None, None, None),
    ),
    Case(
        "ollama-cached-count", OLLAMA, "https://github.com/stdapi-ai/stdapi.ai/issues/252",
        lines(told(content="Hi"), {**_END, "prompt_eval_cached_count": 20}),
        text="Hi", usage=(26, 282, None, 20, None),
    ),
    Case(
        "ollama-error", OLLAMA, "https://docs.ollama.com/api/errors",
        lines(told(content="Half"), {"error": "model runner has unexpectedly stopped"}),
        text="Half", finish=None, error="provider_stream_failed",
    ),
    Case(
        "ollama-cut", OLLAMA, _CHAT_API, lines(told(content="Half")),
        text="Half", finish=None, error="provider_stream_cut",
    ),
]  # fmt: skip
