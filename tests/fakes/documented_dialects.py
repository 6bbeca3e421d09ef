"""Accents that are met in the wild: from pages of providers, and from threads in which people show them."""

import json

from tests.fakes.documented import REFUSED, Case, block, chat, lines, message, parts, piece, sse
from tests.fakes.documented_openai import (
    CHAT,
    COUNTS,
    CREATED,
    DONE,
    PARIS,
    RESPONSES,
    STOP,
    TOOLS,
    called,
    event,
    response,
    said,
)
from tests.fakes.documented_others import ANTHROPIC, GEMINI, OLLAMA, told

_GEMINI_AS_OPENAI = "https://ai.google.dev/gemini-api/docs/openai"
_VIBE = "https://github.com/HKUDS/Vibe-Trading/pull/308"
_MINIMAX = "https://platform.minimax.io/docs/api-reference/errorcode"
_REFERENCE = "https://platform.openai.com/docs/api-reference/responses-streaming"
_MESSAGES = "https://platform.claude.com/docs/en/build-with-claude/streaming"
_USED = (25, 15, None, None, None)


def ended(reason: str, *, text: str = "Hm") -> bytes:
    return sse(chat({"content": text}), chat(finish=reason), DONE)


CHAT_DIALECTS = [
    Case(
        "dialect-together-eos", CHAT, "https://docs.together.ai/docs/chat-overview", ended("eos"),
        text="Hm",
    ),
    Case(
        "dialect-gemini-safety", CHAT, _VIBE, ended("SAFETY"),
        text="Hm", finish=None, error="content_filtered",
    ),
    Case(
        "dialect-gemini-recitation", CHAT, _VIBE, ended("RECITATION"),
        text="Hm", finish=None, error="content_filtered",
    ),
    Case(
        "dialect-gemini-colon", CHAT, _GEMINI_AS_OPENAI, ended("content_filter: PROHIBITED_CONTENT"),
        text="Hm", finish=None, error="content_filtered",
    ),
    Case(
        "dialect-gemini-malformed-call", CHAT, _GEMINI_AS_OPENAI,
        sse(chat({"role": "assistant", "extra_content": {"google": {"thought_signature": "s"}}},
                 "function_call_filter: MALFORMED_FUNCTION_CALL"),
            {"choices": [], "usage": {"prompt_tokens": 910, "completion_tokens": 0}}, DONE),
        usage=(910, 0, None, None, None), finish=None, error="provider_stream_failed",
    ),
    Case(
        "dialect-gemini-thought-tags", CHAT, _GEMINI_AS_OPENAI + "#thinking",
        sse(chat({"content": "<thou"}), chat({"content": "ght>Hm</thou"}), chat({"content": "ght>Yes"}), STOP,
            DONE),
        text="Yes", reasoning="Hm",
    ),
    Case(
        "dialect-zai-sensitive", CHAT, "https://docs.z.ai/api-reference/llm/chat-completion",
        ended("sensitive"), text="Hm", finish=None, error="content_filtered",
    ),
    Case(
        "dialect-zai-network", CHAT, "https://docs.z.ai/api-reference/llm/chat-completion",
        ended("network_error"), text="Hm", finish=None, error="provider_stream_failed",
    ),
    Case(
        "dialect-zai-window", CHAT, "https://docs.z.ai/api-reference/llm/chat-completion",
        ended("model_context_window_exceeded"), text="Hm", finish="length",
    ),
    Case(
        "dialect-bedrock-guardrail", CHAT,
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html",
        ended("guardrail_intervened"), text="Hm", finish=None, error="content_filtered",
    ),
    Case(
        "dialect-watsonx-limit", CHAT,
        "https://ibm.github.io/watsonx-ai-node-sdk/enums/1_7_x.WatsonXAI.TextChatResultChoiceStream.Constants.FinishReason.html",
        ended("time_limit"), text="Hm", finish=None, error="provider_stream_failed",
    ),
    Case(
        "dialect-minimax-balance", CHAT, _MINIMAX,
        json.dumps({"id": "0", "choices": None, "created": 1, "model": "m", "usage": {"total_tokens": 0},
                    "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}).encode(),
        usage=REFUSED, finish=None, error="provider_payment_required", content_type="application/json",
    ),
    Case(
        "dialect-minimax-key", CHAT, _MINIMAX,
        sse({"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}}),
        finish=None, error="provider_key_refused",
    ),
    Case(
        "dialect-minimax-fine", CHAT, "https://platform.minimax.io/docs/api-reference/text-openai-api",
        sse(chat({"content": "Hi"}), chat({}, "stop"),
            {"object": "chat.completion", "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
             "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
             "base_resp": {"status_code": 0, "status_msg": ""}}),
        text="Hi", usage=(3, 1, None, None, None),
    ),
    Case(
        "dialect-groq-error", CHAT, "https://github.com/groq/groq-python/blob/main/src/groq/types/chat",
        sse(chat({"content": "Half"}), chat({}, None, x_groq={"id": "req_1", "error": "over capacity"}),
            DONE),
        text="Half", finish=None, error="provider_stream_failed",
    ),
    Case(
        "dialect-groq-tool-failed", CHAT, "https://console.groq.com/docs/tool-use/local-tool-calling",
        b"event: error\n" + sse({"error": {"message": "Failed.", "type": "invalid_request_error",
            "code": "tool_use_failed", "failed_generation": "{", "status_code": 400}}),
        finish=None, error="provider_bad_request",
    ),
    Case(
        "dialect-lm-studio-overflow", CHAT, "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/237",
        b"event: error\n" + sse({"error": {"message": "Trying to keep the first 5000 tokens when context the "
            "overflows. However, the model is loaded with context length of only 4096 tokens."}}),
        finish=None, error="context_overflow",
    ),
    Case(
        "dialect-databricks", CHAT,
        "https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models",
        sse(chat({"role": "assistant", "content": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}]}),
            chat({"content": [{"type": "reasoning", "summary": [
                {"type": "summary_text", "text": "", "signature": "c2ln"}]}]}),
            chat({"content": [{"type": "text", "text": "Yes"}]}), STOP, DONE),
        text="Yes", reasoning="Hm",
    ),
    Case(
        "dialect-mistral-closed-thinking", CHAT, "https://docs.mistral.ai/capabilities/reasoning",
        sse(chat({"role": "assistant", "content": ""}),
            chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
            chat({"content": [{"type": "thinking", "thinking": [], "closed": True}]}),
            chat({"content": "Yes"}), chat({"content": ""}, "stop", usage={
                "prompt_tokens": 5, "total_tokens": 9, "completion_tokens": 4}), DONE),
        text="Yes", reasoning="Hm", usage=(5, 4, None, None, None),
    ),
    Case(
        "dialect-mistral-references", CHAT, "https://docs.mistral.ai/agents/connectors/websearch",
        sse(chat({"content": [
            {"type": "text", "text": "It rains"},
            {"type": "tool_reference", "tool": "web_search", "title": "A", "url": "https://a.example/"},
            {"type": "text", "text": "."}, {"type": "reference", "reference_ids": [1]}]}), STOP, DONE),
        text="It rains.", sources=("https://a.example/",),
    ),
    Case(
        "dialect-mistral-error", CHAT, "https://github.com/dnakov/anon-kode/issues/53",
        json.dumps({"object": "error", "message": {"detail": [
            {"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]},
            "type": "invalid_request_error", "param": None, "code": None}).encode(),
        usage=REFUSED, finish=None, error="provider_bad_request", content_type="application/json",
    ),
    Case(
        "dialect-two-choices", CHAT, "https://platform.openai.com/docs/api-reference/chat/object",
        json.dumps({"choices": [
            {"finish_reason": "tool_calls", "message": {"role": "assistant", "content": "I'll look."}},
            {"finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": PARIS}}]}}]}).encode(),
        text="I'll look.", calls=(("a", "f", PARIS),), finish="tool_calls", content_type="application/json",
    ),
    Case(
        "dialect-index-as-text", CHAT, "https://github.com/vercel/ai/issues/18440",
        sse(called({"index": "0", "id": "a", "function": {"name": "f", "arguments": '{"x":'}}),
            called({"index": "1", "id": "b", "function": {"name": "g", "arguments": "{}"}}),
            called({"index": "0", "function": {"arguments": "1}"}}), TOOLS, DONE),
        calls=(("a", "f", '{"x":1}'), ("b", "g", "{}")), finish="tool_calls",
    ),
    Case(
        "dialect-index-from-one", CHAT, "https://docs.litellm.ai/docs/providers/anthropic",
        sse(chat({"content": "Okay."}), called(piece(1, "a", "f", "")), called(piece(1, None, None, PARIS)),
            TOOLS, DONE),
        text="Okay.", calls=(("a", "f", PARIS),), finish="tool_calls",
    ),
    Case(
        "dialect-null-everything", CHAT, "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        sse(chat({"role": "assistant", "content": None, "refusal": None, "tool_calls": None,
                  "reasoning_content": None, "reasoning": None, "function_call": None, "annotations": None}),
            {"choices": [{"index": 0, "delta": None, "finish_reason": None}], "usage": None, "error": None},
            chat({"content": "Hi", "tool_calls": []}), {"choices": None}, {}, STOP, DONE),
        text="Hi",
    ),
    Case(
        "dialect-azure-filtered", CHAT,
        "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter",
        sse({"choices": [], "prompt_filter_results": []}, chat({"content": "I"}),
            {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {},
                          "content_filter_offsets": {"check_offset": 44}}], "usage": None},
            chat(finish="content_filter", content_filter_results={"hate": {"filtered": True}}), DONE),
        text="I", finish=None, error="content_filtered",
    ),
    Case(
        "dialect-sglang-abort", CHAT, "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        ended("abort"), text="Hm", finish=None, error="provider_stream_failed",
    ),
    Case(
        "dialect-llama-cpp-timings", CHAT, "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        sse(chat({"role": "assistant", "content": None}), {"choices": [], "prompt_progress": {"total": 9}},
            chat({"reasoning_content": "Hm"}), chat({"content": "Yes"}), chat(finish="stop"),
            {"choices": [], "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11},
             "timings": {"cache_n": 4, "prompt_n": 5}}, DONE),
        text="Yes", reasoning="Hm", usage=(9, 2, None, None, None),
    ),
    Case(
        "dialect-magistral-tags", CHAT, "https://huggingface.co/mistralai/Magistral-Small-2509",
        sse(chat({"content": "[THINK]Hm[/TH"}), chat({"content": "INK]Yes"}), STOP, DONE),
        text="Yes", reasoning="Hm",
    ),
    Case(
        "dialect-openrouter-encrypted", CHAT, "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        sse(chat({"reasoning": "Hm", "reasoning_details": [
                {"type": "reasoning.summary", "summary": "Hm", "index": 0}]}),
            chat({"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1",
                                         "format": "openai-responses-v1", "index": 0}]}),
            chat({"content": "Yes", "role": "assistant"}, "stop", usage={
                "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.1,
                "cost_details": {"upstream_inference_cost": None}, "is_byok": False}), DONE),
        text="Yes", reasoning="Hm", usage=(3, 4, None, None, None),
    ),
    Case(
        "dialect-openrouter-choice-error", CHAT, "https://openrouter.ai/docs/api-reference/errors",
        sse({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error",
                          "error": {"code": 502, "message": "Upstream error", "metadata": {}}}]}, DONE),
        finish=None, error="provider_failed",
    ),
    Case(
        "dialect-file-annotation", CHAT, "https://openrouter.ai/docs/features/multimodal/pdfs",
        sse(chat({"content": "Hi", "annotations": [{"type": "file", "file": {"hash": "h", "content": []}}]}),
            chat({"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example/",
                "title": None, "content": "x"}}]}), STOP, DONE),
        text="Hi", sources=("https://a.example/",),
    ),
]  # fmt: skip

_PARIS_CALL = {"type": "function_call", "name": "f"}


def call_item(number: int, arguments: str) -> dict[str, object]:
    return {**_PARIS_CALL, "id": f"fc_{number}", "call_id": f"call_{number}", "arguments": arguments}


RESPONSES_DIALECTS = [
    Case(
        "dialect-responses-one-index", RESPONSES, "https://github.com/BerriAI/litellm/pull/36375",
        sse(CREATED, *said("Okay.")[:2], *(
            frame for n in (1, 2, 3) for frame in (
                event("output_item.added", output_index=0, item=call_item(n, "")),
                event("function_call_arguments.delta", output_index=0, item_id=f"fc_{n}", delta=PARIS),
                event("output_item.done", output_index=0, item=call_item(n, PARIS)),
            )), *said("Okay.")[2:], response("completed"), named=True),
        text="Okay.", calls=tuple((f"call_{n}", "f", PARIS) for n in (1, 2, 3)), usage=COUNTS,
        finish="tool_calls",
    ),
    Case(
        "dialect-responses-unindexed-text", RESPONSES, "https://github.com/lemonade-sdk/lemonade/issues/3607",
        sse(CREATED, event("output_text.delta", item_id="msg_1", delta="Hi"),
            response("completed", output=[{"id": "msg_1", "type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}]), named=True),
        text="Hi", usage=COUNTS,
    ),
    Case(
        "dialect-responses-openrouter", RESPONSES,
        "https://openrouter.ai/docs/api/reference/responses/basic-usage",
        sse(event("created", response={"id": "r", "object": "response", "status": "in_progress"}),
            event("output_item.added", output_index=0, item={"type": "message", "id": "m", "content": []}),
            event("content_part.added", output_index=0, content_index=0, part={"type": "output_text"}),
            event("content_part.delta", response_id="r", output_index=0, content_index=0, delta="Hi"),
            event("output_item.done", output_index=0, item={"type": "message", "id": "m", "content": [
                {"type": "output_text", "text": "Hi", "annotations": []}]}),
            event("done", response={"id": "r", "status": "completed",
                                    "usage": {"input_tokens": 1, "output_tokens": 2}}), DONE),
        text="Hi", usage=(1, 2, None, None, None),
    ),
    Case(
        "dialect-responses-status-lags", RESPONSES, _REFERENCE,
        sse(CREATED, *said("Hi"), event("completed", response={"id": "r", "status": "in_progress"}),
            named=True),
        text="Hi",
    ),
    Case(
        "dialect-responses-completed-incomplete", RESPONSES,
        "https://github.com/vllm-project/agentic-api/pull/277",
        sse(CREATED, *said("Cut"), event("completed", response={"id": "r", "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"}}), named=True),
        text="Cut", finish="length",
    ),
    Case(
        "dialect-responses-error-object", RESPONSES, _REFERENCE + "/error",
        sse(CREATED, {"type": "error", "sequence_number": 2, "error": {
            "type": "invalid_request_error", "code": "context_length_exceeded", "param": "input",
            "message": "Your input exceeds the context window of this model."}}, named=True),
        finish=None, error="context_overflow",
    ),
    Case(
        "dialect-responses-overloaded", RESPONSES, _REFERENCE + "/response/failed",
        sse(CREATED, response("failed", error={"code": "server_is_overloaded", "message": "Busy."},
                              usage=None), named=True),
        finish=None, error="provider_overloaded",
    ),
    Case(
        "dialect-responses-flagged", RESPONSES, _REFERENCE + "/response/failed",
        sse(CREATED, response("failed", usage=None, error={"code": "invalid_prompt", "message":
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy."}),
            named=True),
        finish=None, error="content_filtered",
    ),
    Case(
        "dialect-responses-text-at-end", RESPONSES, _REFERENCE,
        sse(CREATED, event("output_text.done", output_index=0, content_index=0, item_id="m", text="Hi"),
            event("content_part.done", output_index=0, content_index=0,
                  part={"type": "output_text", "text": "Hi"}),
            response("completed"), named=True),
        text="Hi", usage=COUNTS,
    ),
    Case(
        "dialect-responses-tool-kinds", RESPONSES, _REFERENCE,
        sse(CREATED,
            event("output_item.added", output_index=0, item={"id": "l", "type": "mcp_list_tools"}),
            event("mcp_list_tools.in_progress", output_index=0, item_id="l"),
            event("output_item.done", output_index=0, item={"id": "l", "type": "mcp_list_tools"}),
            event("output_item.added", output_index=1, item={"id": "c", "type": "code_interpreter_call"}),
            event("code_interpreter_call_code.delta", output_index=1, item_id="c", delta="1+1"),
            event("output_item.done", output_index=1, item={"id": "c", "type": "code_interpreter_call",
                                                            "code": "1+1", "outputs": []}),
            event("web_search_call.searching", output_index=2, item_id="w"),
            *said("Two.", at=3), response("completed"), named=True),
        text="Two.", usage=COUNTS,
        tools=(("mcp_list_tools", False), ("mcp_list_tools", True),
               ("code_interpreter", False), ("code_interpreter", True)),
    ),
    Case(
        "dialect-responses-keepalive", RESPONSES, _REFERENCE,
        sse(CREATED, {"type": "keepalive", "sequence_number": 3}, *said("Hi"), response("completed"),
            named=True),
        text="Hi", usage=COUNTS,
    ),
]  # fmt: skip

_HI = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"})
_CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}

ANTHROPIC_DIALECTS = [
    Case(
        "dialect-anthropic-unclosed", ANTHROPIC, "https://github.com/BerriAI/litellm/pull/28868",
        message(_HI[:2], block(1, _CALL, {"type": "input_json_delta", "partial_json": PARIS})[:2],
                stop="tool_use"),
        text="Hi", calls=(("toolu_1", "f", PARIS),), usage=_USED, finish="tool_calls",
    ),
    Case(
        "dialect-anthropic-text-in-call", ANTHROPIC, "https://github.com/sgl-project/sglang/issues/24293",
        message(block(0, _CALL, {"type": "input_json_delta", "partial_json": '{"location":'},
                      {"type": "text_delta", "text": "Hi"},
                      {"type": "input_json_delta", "partial_json": '"Paris"}'}), stop="tool_use"),
        text="Hi", calls=(("toolu_1", "f", PARIS),), usage=_USED, finish="tool_calls",
    ),
    Case(
        "dialect-anthropic-no-call", ANTHROPIC, "https://github.com/earendil-works/pi/issues/9681",
        message(stop="tool_use"), usage=_USED, finish=None, error="answer_empty",
    ),
    Case(
        "dialect-anthropic-proxy-error", ANTHROPIC, "https://github.com/coder/aibridge/issues/56",
        sse({"error": {"message": "Rate limited", "type": "None", "param": "None", "code": "429"}}),
        finish=None, error="provider_rate_limited",
    ),
    Case(
        "dialect-anthropic-tool-use-of-its-own", ANTHROPIC, _MESSAGES,
        message(block(0, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash_code_execution",
                          "input": {}}, {"type": "input_json_delta", "partial_json": '{"command":"ls"}'}),
                block(1, {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1",
                          "content": {"type": "bash_code_execution_result", "stdout": "a"}}),
                block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "One."}),
                container={"id": "c"}),
        text="One.", tools=(("bash_code_execution", False), ("bash_code_execution", True)), usage=_USED,
    ),
    Case(
        "dialect-anthropic-search-error", ANTHROPIC,
        "https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool#errors",
        message(block(0, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
                block(1, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {
                    "type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}}),
                [{"type": "ping"}], block(2, {"type": "text", "text": ""},
                                          {"type": "text_delta", "text": "No."})),
        text="No.", tools=(("web_search", False), ("web_search", True)), usage=_USED,
    ),
    Case(
        "dialect-anthropic-late-counts", ANTHROPIC, "https://docs.z.ai/devpack/tool/claude",
        message(_HI, usage={"input_tokens": 0, "output_tokens": 0}).replace(
            b'"usage": {"output_tokens": 15}',
            b'"usage": {"input_tokens": 40, "output_tokens": 15, "cache_read_input_tokens": 12}'),
        text="Hi", usage=(52, 15, None, 12, None),
    ),
    Case(
        "dialect-anthropic-refused-why", ANTHROPIC,
        "https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons",
        message(stop="refusal", stop_details={"type": "refusal", "category": "cyber",
                                              "explanation": "Not that."}),
        refusal="Not that.", usage=_USED, finish=None, error="content_filtered",
    ),
    Case(
        "dialect-anthropic-empty-turn", ANTHROPIC,
        "https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons#empty-responses-with-end-turn",
        message(), usage=_USED, finish=None, error="answer_empty",
    ),
]  # fmt: skip

_PRETTY = json.dumps({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, indent=2)

GEMINI_DIALECTS = [
    Case(
        "dialect-gemini-bare-error", GEMINI, "https://github.com/googleapis/python-genai/issues/1162",
        sse(parts({"text": "Half"})) + _PRETTY.encode(),
        text="Half", finish=None, error="provider_stream_failed",
    ),
    Case(
        "dialect-gemini-second-candidate", GEMINI, "https://ai.google.dev/api/generate-content",
        sse({"candidates": [{"content": {"parts": [{"text": "One"}], "role": "model"}},
                            {"content": {"parts": [{"text": "Two"}], "role": "model"}, "index": 1}]},
            {"candidates": [{"finishReason": "STOP"}, {"finishReason": "SAFETY", "index": 1}]}),
        text="One",
    ),
    Case(
        "dialect-gemini-thought-call", GEMINI, "https://ai.google.dev/gemini-api/docs/thought-signatures",
        sse(parts({"text": "Hm", "thought": True}),
            parts({"functionCall": {"id": "7f", "name": "f", "args": {"location": "Paris"}},
                   "thoughtSignature": "c2ln"}, finish="STOP")),
        reasoning="Hm", calls=(("7f", "f", '{"location": "Paris"}'),), finish="tool_calls",
    ),
    Case(
        "dialect-gemini-no-parts", GEMINI, "https://ai.google.dev/api/generate-content#FinishReason",
        sse({"candidates": [{"content": {"role": "model"}, "finishReason": "OTHER"}],
             "usageMetadata": {"promptTokenCount": 2, "thoughtsTokenCount": 9}}),
        usage=(2, 9, 9, None, None), finish=None, error="answer_empty",
    ),
    Case(
        "dialect-vertex-retrieved", GEMINI,
        "https://cloud.google.com/vertex-ai/generative-ai/docs/grounding/grounding-with-vertex-ai-search",
        sse(parts({"text": "Yes."}), parts({"text": ""}, finish="STOP", createTime="2026-01-01T00:00:00Z",
            candidate={"avgLogprobs": -0.1, "groundingMetadata": {
                "retrievalQueries": ["x"], "groundingChunks": [
                    {"retrievedContext": {"uri": "https://a.example/doc", "title": "Doc"}}],
                "groundingSupports": [{"segment": {"endIndex": 4, "text": "Yes."},
                                       "groundingChunkIndices": [0], "confidenceScores": [0.9]}]}})),
        text="Yes.", sources=("https://a.example/doc",),
    ),
]  # fmt: skip

_OLLAMA_API = "https://github.com/ollama/ollama/blob/main/docs/api.md"
_ENDED = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}

OLLAMA_DIALECTS = [
    Case(
        "dialect-ollama-load", OLLAMA, _OLLAMA_API + "#load-a-model-1",
        lines({**_ENDED, "done_reason": "load"}), finish=None, error="answer_empty",
        content_type="application/x-ndjson",
    ),
    Case(
        "dialect-ollama-calls-apart", OLLAMA, "https://docs.ollama.com/capabilities/tool-calling",
        lines(told(thinking="Hm"),
              told(tool_calls=[{"id": "call_1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}
                               ]),
              told(tool_calls=[{"id": "call_2", "function": {"index": 1, "name": "g", "arguments": {}}}]),
              _ENDED),
        reasoning="Hm", calls=(("call_1", "f", '{"a": 1}'), ("call_2", "g", "{}")), finish="tool_calls",
    ),
    Case(
        "dialect-ollama-cloud-refuses", OLLAMA, "https://docs.ollama.com/cloud",
        lines({"StatusCode": 401, "Status": "401 Unauthorized", "error": "unauthorized"}),
        finish=None, error="provider_key_refused",
    ),
    Case(
        "dialect-ollama-no-model", OLLAMA, "https://docs.ollama.com/api/errors",
        lines({"error": "model 'x' not found"}), finish=None, error="provider_model_not_found",
    ),
    Case(
        "dialect-ollama-think-tags", OLLAMA, "https://docs.ollama.com/capabilities/thinking",
        lines(told(content="<think>"), told(content="Hm</think>"), told(content="Yes"), _ENDED),
        text="Yes", reasoning="Hm",
    ),
]  # fmt: skip

DIALECT_CASES = [
    *CHAT_DIALECTS,
    *RESPONSES_DIALECTS,
    *ANTHROPIC_DIALECTS,
    *GEMINI_DIALECTS,
    *OLLAMA_DIALECTS,
]
