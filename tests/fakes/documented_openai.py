"""Chat Completions and Responses: OpenAI's pages, and those of servers that speak the same with an accent."""

import json
from typing import Any

from tests.fakes.documented import Case, chat, piece, sse

CHAT, RESPONSES = "openai_chat", "openai_responses"
_REFERENCE = "https://platform.openai.com/docs/api-reference/chat-streaming/streaming"
_FUNCTIONS = "https://platform.openai.com/docs/guides/function-calling#streaming"
_RESPONSES = "https://platform.openai.com/docs/api-reference/responses-streaming"
_ROTATED = "https://github.com/vercel/ai/blob/main/packages/openai/src/responses/__fixtures__"  # Copilot
DONE = "[DONE]"
LONG_ID = "call_" + "x" * 5495
PARIS, BOGOTA = '{"location":"Paris"}', '{"location":"Bogotá"}'
STOP, TOOLS = chat(finish="stop"), chat(finish="tool_calls")


def called(*pieces: dict[str, Any]) -> dict[str, Any]:
    return chat({"tool_calls": list(pieces)})


def thinking(text: str) -> dict[str, Any]:
    return chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]})


CHAT_CASES = [
    Case(
        "chat-basic", CHAT, _REFERENCE,
        sse(chat({"role": "assistant", "content": ""}), chat({"content": "Hello"}), STOP, DONE),
        text="Hello",
    ),
    Case(
        "chat-usage", CHAT, "https://platform.openai.com/docs/api-reference/chat/create#stream_options",
        sse(
            chat({"content": "Hi"}, usage=None), STOP,
            {"choices": [], "usage": {
                "prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 4},
            }}, DONE,
        ),
        text="Hi", usage=(19, 10, 4, 8, None),
    ),
    Case(
        "chat-parallel-tools", CHAT, _FUNCTIONS,
        sse(
            chat({"role": "assistant", "content": None}),
            called(piece(0, "call_a", "get_weather", "")),
            called(piece(0, None, None, '{"location"')), called(piece(0, None, None, ':"Paris"}')),
            called(piece(1, "call_b", "get_weather", "")), called(piece(1, None, None, BOGOTA)),
            TOOLS, DONE,
        ),
        calls=(("call_a", "get_weather", PARIS), ("call_b", "get_weather", BOGOTA)), finish="tool_calls",
    ),
    Case(
        "chat-tools-without-index", CHAT, "https://github.com/ollama/ollama/issues/7881",
        sse(called(piece(None, "a", "f", PARIS), piece(None, "b", "f", BOGOTA)), TOOLS, DONE),
        calls=(("a", "f", PARIS), ("b", "f", BOGOTA)), finish="tool_calls",
    ),
    Case(
        "chat-tools-all-index-0", CHAT, "https://github.com/ollama/ollama/issues/15457",
        sse(called(piece(0, "a", "f", PARIS)), called(piece(0, "b", "g", "{}")), STOP, DONE),
        calls=(("a", "f", PARIS), ("b", "g", "{}")), finish="tool_calls",
    ),
    Case(
        "chat-tools-without-id", CHAT, "https://github.com/sgl-project/sglang/issues/7048",
        sse(called(piece(0, None, "f", '{"a":')), called(piece(0, None, None, "1}")),
            called(piece(1, None, "f", "{}")), TOOLS, DONE),
        calls=(("", "f", '{"a":1}'), ("", "f", "{}")), finish="tool_calls",
    ),
    Case(
        "chat-tools-neither-id-nor-index", CHAT, "https://github.com/vercel/ai/issues/18440",
        sse(called(piece(0, None, "read", '{"path":"p0"}')), called(piece(0, None, "write", '{"path":"p1"}')),
            called(piece(0, None, "read", '{"path":"p2"}')), TOOLS, DONE),
        calls=(("", "read", '{"path":"p0"}'), ("", "write", '{"path":"p1"}'), ("", "read", '{"path":"p2"}')),
        finish="tool_calls",
    ),
    Case(
        "chat-tools-blank-id-later", CHAT, "https://github.com/vercel/ai/issues/18440",
        sse(called(piece(None, "a", "f", '{"x":')), called(piece(None, " ", "", "1}")), TOOLS, DONE),
        calls=(("a", "f", '{"x":1}'),), finish="tool_calls",
    ),
    Case(
        "chat-tools-index-0-in-fragments", CHAT, "https://github.com/LibreChat-AI/agents/pull/260",
        sse(called(piece(0, "a", "f", "")), called(piece(0, None, None, '{"x":')),
            called(piece(0, None, None, "1}")), called(piece(0, "b", "f", "")),
            called(piece(0, None, None, '{"y":2}')), TOOLS, DONE),
        calls=(("a", "f", '{"x":1}'), ("b", "f", '{"y":2}')), finish="tool_calls",
    ),
    Case(
        "chat-tools-id-on-every-chunk", CHAT, "https://github.com/LibreChat-AI/agents/pull/260",
        sse(called(piece(0, "a", "f", '{"x":')), called(piece(0, "a", "f", '{"y":2}}')), TOOLS, DONE),
        calls=(("a", "f", '{"x":{"y":2}}'),), finish="tool_calls",
    ),
    Case(
        "chat-tools-duplicate-ids", CHAT, "https://github.com/HKUDS/nanobot/pull/3943",
        sse(called(piece(0, "a", "f", PARIS)), called(piece(1, "a", "f", BOGOTA)), TOOLS, DONE),
        calls=(("a", "f", PARIS), ("a", "f", BOGOTA)), finish="tool_calls",
    ),
    Case(
        "chat-tools-no-arguments", CHAT, "https://github.com/pydantic/pydantic-ai/pull/1802",
        sse(called(piece(0, "a", "f", None)), called(piece(1, "b", "g", "")),
            called(piece(2, "c", "h", {"deep": [1, {"x": None}]})), TOOLS, DONE),
        calls=(("a", "f", ""), ("b", "g", ""), ("c", "h", '{"deep": [1, {"x": null}]}')),
        finish="tool_calls",
    ),
    Case(
        "chat-tools-invalid-json", CHAT, _FUNCTIONS,
        sse(called(piece(0, "a", "f", '{"x": tru')), called(piece(0, None, None, "e, }")), TOOLS, DONE),
        calls=(("a", "f", '{"x": true, }'),), finish="tool_calls",
    ),
    Case(
        "chat-tools-long-id", CHAT, "https://github.com/BerriAI/litellm/pull/16895",
        sse(called(piece(0, LONG_ID, "f", "{}")), TOOLS, DONE),
        calls=((LONG_ID, "f", "{}"),), finish="tool_calls",
    ),
    Case(
        "chat-legacy-function", CHAT, "https://platform.openai.com/docs/api-reference/chat/object",
        sse(chat({"function_call": {"name": "f", "arguments": ""}}),
            chat({"function_call": {"arguments": PARIS}}), chat(finish="function_call"), DONE),
        calls=(("", "f", PARIS),), finish="tool_calls",
    ),
    Case(
        "chat-refusal", CHAT, "https://platform.openai.com/docs/guides/structured-outputs#refusals",
        sse(chat({"refusal": "I'm sorry, "}), chat({"refusal": "I can't."}), STOP, DONE),
        refusal="I'm sorry, I can't.", finish=None, error="content_filtered",
    ),
    Case(
        "chat-annotations", CHAT, "https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat",
        sse(chat({"content": "News."}), chat({"annotations": [{"type": "url_citation", "url_citation": {
            "end_index": 5, "start_index": 0, "title": "A", "url": "https://a.example/"}}]}), STOP, DONE),
        text="News.", sources=("https://a.example/",),
    ),
    Case(
        "chat-deepseek", CHAT, "https://api-docs.deepseek.com/guides/reasoning_model",
        sse(chat({"role": "assistant", "content": None, "reasoning_content": "Let me "}),
            chat({"content": None, "reasoning_content": "think."}),
            chat({"content": "42", "reasoning_content": None}), chat({"content": ""}, "stop", usage={
                "prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30,
                "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4}), DONE),
        text="42", reasoning="Let me think.", usage=(10, 20, None, 6, None),
    ),
    Case(
        "chat-openrouter", CHAT, "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        b": OPENROUTER PROCESSING\n\n" + sse(
            chat({"content": "", "reasoning": "Hm", "reasoning_details": [
                {"type": "reasoning.text", "text": "Hm", "index": 0, "format": "anthropic-claude-v1"}]}),
            chat({"content": "", "reasoning_details": [
                {"type": "reasoning.text", "text": ", so", "index": 0},
                {"type": "reasoning.text", "signature": "c2ln", "index": 0}]}),
            chat({"content": "Yes"}), STOP,
            {"choices": [], "usage": {
                "prompt_tokens": 5, "completion_tokens": 6, "cost": 0.01,
                "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}}},
            DONE),
        text="Yes", reasoning="Hm, so", usage=(5, 6, None, 1, 2),
    ),
    Case(
        "chat-mistral", CHAT, "https://docs.mistral.ai/capabilities/reasoning",
        sse(thinking("It's a "), thinking("greeting"),
            chat({"content": [{"type": "text", "text": "Hello "}]}), chat({"content": "you"}), STOP, DONE),
        text="Hello you", reasoning="It's a greeting",
    ),
    Case(
        "chat-inline-think", CHAT, "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
        sse(chat({"content": "<thi"}), chat({"content": "nk>Hm</think>"}), chat({"content": "\n\nYes"}), STOP,
            DONE),
        text="Yes", reasoning="Hm",
    ),
    Case(
        "chat-vllm-both-fields", CHAT, "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
        sse(chat({"reasoning": "Hm", "reasoning_content": "Hm"}), chat({"content": "Yes"}), STOP, DONE),
        text="Yes", reasoning="Hm",
    ),
    Case(
        "chat-groq", CHAT, "https://console.groq.com/docs/text-chat#streaming-a-chat-completion",
        sse(chat({"content": "Hi"}, x_groq={"id": "req_1"}),
            chat({}, "stop", x_groq={"id": "req_1", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
            DONE),
        text="Hi", usage=(3, 4, None, None, None),
    ),
    Case(
        "chat-groq-compound", CHAT, "https://console.groq.com/docs/compound/built-in-tools",
        sse(chat({"executed_tools": [{"index": 0, "type": "search", "arguments": '{"query": "x"}'}]}),
            chat({"executed_tools": [{"index": 0, "type": "search", "arguments": '{"query": "x"}',
                                      "output": "Title: A"}]}), chat({"content": "Hi"}), STOP, DONE),
        text="Hi", tools=(("search", False), ("search", True)),
    ),
    Case(
        "chat-xai-reasoning-beside", CHAT, "https://docs.x.ai/docs/guides/reasoning",
        sse(chat({"content": "Hi"}), STOP, {"choices": [], "usage": {
            "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94}}}, DONE),
        text="Hi", usage=(32, 103, 94, None, None),
    ),
    Case(
        "chat-perplexity", CHAT, "https://docs.perplexity.ai/api-reference/chat-completions-post",
        sse(*(
            {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish,
                          "message": {"role": "assistant", "content": so_far}}],
             "search_results": [{"title": "A", "url": "https://a.example/"}],
             "citations": ["https://a.example/"], "usage": {"prompt_tokens": 2, "completion_tokens": count}}
            for text, so_far, finish, count in (("One ", "One ", None, 1), ("two", "One two", "stop", 2)))),
        text="One two", sources=("https://a.example/",), usage=(2, 2, None, None, None),
    ),
    Case(
        "chat-moonshot-usage-in-choice", CHAT, "https://platform.moonshot.ai/docs/api/chat",
        sse(chat({"content": "Hi"}), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop",
            "usage": {"prompt_tokens": 7, "completion_tokens": 2, "cached_tokens": 5}}]}, DONE),
        text="Hi", usage=(7, 2, None, 5, None),
    ),
    Case(
        "chat-azure", CHAT, "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming",
        sse({"id": "", "object": "", "created": 0, "model": "", "choices": [],
             "prompt_filter_results": [{"prompt_index": 0}]}, chat({"content": "Hi"}), STOP, DONE),
        text="Hi",
    ),
    Case(
        "chat-length", CHAT, "https://platform.openai.com/docs/api-reference/chat/object",
        sse(chat({"content": "Cut"}), chat(finish="length"), DONE), text="Cut", finish="length",
    ),
    Case(
        "chat-no-done", CHAT, "https://github.com/oobabooga/textgen/issues/4778",
        sse(chat({"content": "Hi"}), STOP), text="Hi",
    ),
    Case(
        "chat-no-finish-reason", CHAT, "https://github.com/vllm-project/vllm/issues/27572",
        sse(chat({"content": "Hi"}), DONE), text="Hi",
    ),
    Case(
        "chat-empty-finish-reason", CHAT, "https://github.com/ollama/ollama/issues/4357",
        sse(chat({"content": "Hi"}, ""), chat({"content": "!"}, ""), STOP, DONE), text="Hi!",
    ),
    Case(
        "chat-neither", CHAT, "https://github.com/vercel/ai/issues/19165",
        sse(chat({"content": "Half"})), text="Half", finish=None, error="provider_stream_cut",
    ),
    Case(
        "chat-error-first", CHAT, "https://openrouter.ai/docs/api-reference/errors",
        sse({"error": {"code": 429, "message": "Rate limited"}}), finish=None, error="provider_rate_limited",
    ),
    Case(
        "chat-error-midstream", CHAT, "https://openrouter.ai/docs/api-reference/errors",
        sse(chat({"content": "Half"}), {**chat({"content": ""}, "error"),
            "error": {"code": "server_error", "message": "Provider disconnected"}}, DONE),
        text="Half", finish=None, error="provider_stream_failed",
    ),
    Case(
        "chat-error-vllm", CHAT, "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        sse({"object": "error", "message": "This model's maximum context length is 4096 tokens.",
             "type": "BadRequestError", "param": None, "code": 400}, DONE),
        finish=None, error="context_overflow",
    ),
    Case(
        "chat-error-llama-cpp", CHAT, "https://github.com/ggml-org/llama.cpp/issues/16104",
        b'error: {"code":400,"message":"the request exceeds the available context size",'
        b'"type":"invalid_request_error"}\n\n' + sse(DONE),
        finish=None, error="context_overflow",
    ),
    Case(
        "chat-no-empty-lines", CHAT, "https://html.spec.whatwg.org/multipage/server-sent-events.html",
        sse(chat({"content": "Hel"}), chat({"content": "lo"}), STOP, DONE).replace(b"\n\n", b"\n"),
        text="Hello",
    ),
    Case(
        "chat-several-data-lines", CHAT, "https://html.spec.whatwg.org/multipage/server-sent-events.html",
        sse(chat({"content": "Hello"}), STOP, DONE).replace(b'"choices": ', b'"choices":\ndata: '),
        text="Hello",
    ),
    Case(
        "chat-not-streamed", CHAT, "https://platform.openai.com/docs/api-reference/chat/object",
        json.dumps({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Whole", "reasoning_content": "Hm"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2}}, indent=2).encode(),
        text="Whole", reasoning="Hm", usage=(1, 2, None, None, None), content_type="application/json",
    ),
    Case(
        "chat-wrong-content-type", CHAT, _REFERENCE,
        sse(chat({"content": "Hello"}), STOP, DONE), text="Hello", content_type="application/json",
    ),
    Case(
        "chat-broken-frame", CHAT, _REFERENCE,
        sse(chat({"content": "One"}), '{"choices": [{"delta": {"conte', chat({"content": " three"}), STOP,
            DONE),
        text="One three", finish=None, error="provider_stream_failed",
    ),
]  # fmt: skip


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **more}


def response(status: str, **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 36, "input_tokens_details": {"cached_tokens": 12}, "output_tokens": 87,
             "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 123}  # fmt: skip
    head = {"id": "resp_1", "object": "response", "status": status, "error": None, "incomplete_details": None}
    return event(status, response={**head, "output": [], "usage": usage, **more})


CREATED = event(
    "created", response={"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
)
COUNTS = (36, 87, 64, 12, None)


def said(text: str, *, at: int = 0) -> list[dict[str, Any]]:
    where = {"item_id": "msg_1", "output_index": at, "content_index": 0}
    item = {"id": "msg_1", "type": "message", "role": "assistant"}
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return [
        event("output_item.added", output_index=at, item={**item, "status": "in_progress", "content": []}),
        event("output_text.delta", **where, delta=text),
        event("output_text.done", **where, text=text),
        event("output_item.done", output_index=at, item={**item, "status": "completed", "content": content}),
    ]


def ran(item: dict[str, Any], *, at: int = 0, began: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    first = {**item, "status": "in_progress", **(began or {})}
    return [
        event("output_item.added", output_index=at, item=first),
        event("output_item.done", output_index=at, item={**item, "status": "completed"}),
    ]


_THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "encrypted_content": "gAAAA",
    "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
}
_WEATHER = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get_weather"}
_SEARCH = {"id": "ws_1", "type": "web_search_call", "action": {"type": "search", "query": "news"}}
_CODE = {"id": "ci_1", "type": "code_interpreter_call", "code": "1+1", "container_id": "c", "outputs": []}
_MCP = {
    "id": "mcp_1",
    "type": "mcp_call",
    "name": "roll",
    "server_label": "dice",
    "arguments": "{}",
    "output": "7",
    "error": None,
}
_CITED = {"type": "url_citation", "start_index": 0, "end_index": 5, "url": "https://a.example/", "title": "A"}

RESPONSES_CASES = [
    Case(
        "responses-basic", RESPONSES, _RESPONSES,
        sse(CREATED, *said("Hi there"), response("completed"), named=True), text="Hi there", usage=COUNTS,
    ),
    Case(
        "responses-reasoning", RESPONSES, "https://platform.openai.com/docs/guides/reasoning#reasoning-summaries",
        sse(CREATED,
            event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="One"),
            event("reasoning_summary_text.done", output_index=0, summary_index=0, text="One"),
            event("reasoning_summary_text.delta", output_index=0, summary_index=1, delta="Two"),
            event("output_item.done", output_index=0, item=_THOUGHT), *said("Hi", at=1),
            response("completed"), named=True),
        text="Hi", reasoning="OneTwo", usage=COUNTS,
    ),
    Case(
        "responses-open-reasoning", RESPONSES, "https://cookbook.openai.com/articles/gpt-oss/handle-raw-cot",
        sse(CREATED, event("reasoning_text.delta", output_index=0, content_index=0, delta="Raw"),
            event("reasoning_text.done", output_index=0, content_index=0, text="Raw"),
            *said("Hi", at=1), response("completed"), named=True),
        text="Hi", reasoning="Raw", usage=COUNTS,
    ),
    Case(
        "responses-call", RESPONSES, "https://platform.openai.com/docs/guides/function-calling?api-mode=responses",
        sse(CREATED, event("output_item.added", output_index=0, item={**_WEATHER, "arguments": ""}),
            event("function_call_arguments.delta", output_index=0, item_id="fc_1", delta='{"location"'),
            event("function_call_arguments.delta", output_index=0, item_id="fc_1", delta=':"Paris"}'),
            event("function_call_arguments.done", output_index=0, item_id="fc_1", arguments=PARIS),
            event("output_item.done", output_index=0, item={**_WEATHER, "arguments": PARIS}),
            response("completed"), named=True),
        calls=(("call_1", "get_weather", PARIS),), usage=COUNTS, finish="tool_calls",
    ),
    Case(
        "responses-rotated-ids", RESPONSES, _ROTATED,
        sse(CREATED, event("output_item.added", output_index=0,
                  item={**_WEATHER, "id": "x", "arguments": ""}),
            event("function_call_arguments.delta", output_index=0, item_id="y", delta=PARIS),
            event("output_item.done", output_index=0, item={**_WEATHER, "id": "z", "arguments": PARIS}),
            response("completed"), named=True),
        calls=(("call_1", "get_weather", PARIS),), usage=COUNTS, finish="tool_calls",
    ),
    Case(
        "responses-uncounted", RESPONSES, _RESPONSES,
        sse(CREATED, event("output_item.added", item={**_WEATHER, "arguments": ""}),
            event("function_call_arguments.delta", item_id="fc_1", delta=PARIS),
            event("output_item.done", item={**_WEATHER, "arguments": PARIS}),
            event("output_item.added", item={**_WEATHER, "id": "fc_2", "call_id": "call_2", "arguments": ""}),
            event("function_call_arguments.delta", item_id="fc_2", delta="{}"),
            response("completed"), named=True),
        calls=(("call_1", "get_weather", PARIS), ("call_2", "get_weather", "{}")), usage=COUNTS,
        finish="tool_calls",
    ),
    Case(
        "responses-provider-tools", RESPONSES, "https://platform.openai.com/docs/guides/tools-web-search",
        sse(CREATED, *ran(_SEARCH), *ran(_CODE, at=1), *ran(_MCP, at=2), *said("News.", at=3),
            event("output_text.annotation.added", output_index=3, content_index=0, annotation=_CITED),
            response("completed"), named=True),
        text="News.", sources=("https://a.example/",), usage=COUNTS,
        tools=(("web_search", False), ("web_search", True), ("code_interpreter", False),
               ("code_interpreter", True), ("roll", False), ("roll", True)),
    ),
    Case(
        "responses-refusal", RESPONSES, _RESPONSES,
        sse(CREATED, event("refusal.delta", output_index=0, content_index=0, delta="I can't."),
            event("refusal.done", output_index=0, content_index=0, refusal="I can't."),
            response("completed"), named=True),
        refusal="I can't.", usage=COUNTS, finish=None, error="content_filtered",
    ),
    Case(
        "responses-incomplete", RESPONSES, _RESPONSES,
        sse(CREATED, *said("Cut"), response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            named=True),
        text="Cut", usage=COUNTS, finish="length",
    ),
    Case(
        "responses-filtered", RESPONSES, _RESPONSES,
        sse(CREATED, *said("I"), response("incomplete", incomplete_details={"reason": "content_filter"}),
            named=True),
        text="I", usage=COUNTS, finish=None, error="content_filtered",
    ),
    Case(
        "responses-failed", RESPONSES, _RESPONSES,
        sse(CREATED,
            response("failed", error={"code": "rate_limit_exceeded", "message": "Slow."}, usage=None),
            named=True),
        finish=None, error="provider_rate_limited",
    ),
    Case(
        "responses-error", RESPONSES, _RESPONSES,
        sse(CREATED, *said("Half")[:2],
            {"type": "error", "code": "server_error", "message": "Oh", "param": None},
            named=True),
        text="Half", finish=None, error="provider_stream_failed",
    ),
    Case(
        "responses-cut", RESPONSES, _RESPONSES,
        sse(CREATED, *said("All of it"), named=True),
        text="All of it", finish=None, error="provider_stream_cut",
    ),
    Case(
        "responses-not-streamed", RESPONSES, "https://platform.openai.com/docs/api-reference/responses/object",
        json.dumps({"id": "r", "object": "response", "status": "completed", "error": None, "output": [
            {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {"id": "m", "type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "Whole", "annotations": []}]}],
            "usage": {"input_tokens": 1, "output_tokens": 2}}).encode(),
        text="Whole", reasoning="Hm", usage=(1, 2, None, None, None), content_type="application/json",
    ),
]  # fmt: skip
