"""What each wire is asked: effort, limits, tools, results, thoughts sent back, marks for the cache."""

import json
from dataclasses import replace
from typing import Any

import pytest

from providers.events import (
    Effort,
    ModelRequest,
    PromptMessage,
    ProviderState,
    Purpose,
    Role,
    ToolCall,
    ToolSpec,
)
from providers.models import Provider, Wire
from providers.wires.registry import NATIVE_WIRES
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import KEY, a_route, asked

pytestmark = pytest.mark.usefixtures("_sessions")
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
WEATHER = ToolSpec("get_weather", "The weather.", SCHEMA)
CALL = ToolCall(0, "call_1", "get_weather", '{"at": "Oslo"}')


def a_request(*messages: PromptMessage, **more: Any) -> ModelRequest:
    return ModelRequest("test:model", messages or (PromptMessage(Role.USER, "Hi"),), Purpose.ANSWER, **more)


def a_tool_round(state: ProviderState | None = None) -> tuple[PromptMessage, ...]:
    return (
        PromptMessage(Role.SYSTEM, "Be brief."),
        PromptMessage(Role.USER, "Rain?"),
        PromptMessage(Role.ASSISTANT, "", tool_calls=(CALL,), state=state),
        PromptMessage(Role.TOOL, "Sun.", call_id="call_1", tool_name="get_weather"),
    )


async def sent(upstream: FakeUpstream, request: ModelRequest, model: str, **route: Any) -> dict[str, Any]:
    """The body that arrived."""
    await asked(a_route(upstream, model, **route), request)
    return upstream.calls[-1].body


def dug(body: Any, path: str) -> Any:
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


type Asked = dict[str, Any]
OPENAI: Asked = {"provider": Provider.OPENAI}
OPENAI_CHAT: Asked = {"provider": Provider.OPENAI, "wire": Wire.OPENAI_CHAT}
CLAUDE: Asked = {"provider": Provider.ANTHROPIC}
GEMINI: Asked = {"provider": Provider.GEMINI}
XAI: Asked = {"provider": Provider.XAI}
OLLAMA: Asked = {"provider": Provider.OLLAMA}
OFF, MINIMAL, LOW, MEDIUM, HIGH, MAX = Effort
EFFORTS: list[tuple[dict[str, Any], str, Effort, str, object]] = [
    (OPENAI, "gpt-6-luna", OFF, "reasoning", {"effort": "none"}),
    (OPENAI, "gpt-6-luna", HIGH, "reasoning", {"effort": "high", "summary": "auto"}),
    (OPENAI, "gpt-6-luna", MAX, "reasoning.effort", "xhigh"),
    (OPENAI, "gpt-5-mini", OFF, "reasoning.effort", "minimal"),
    (OPENAI, "o3", MINIMAL, "reasoning.effort", "low"),
    (OPENAI, "o3", MAX, "reasoning.effort", "high"),
    (OPENAI, "gpt-4.1-mini", HIGH, "reasoning", None),
    (OPENAI_CHAT, "o4-mini", MEDIUM, "reasoning_effort", "medium"),
    (OPENAI_CHAT, "gpt-4o", MEDIUM, "reasoning_effort", None),
    ({}, "any", OFF, "reasoning_effort", "none"),
    ({}, "any", MAX, "reasoning_effort", "high"),
    ({"provider": Provider.OPENROUTER}, "any", HIGH, "reasoning", {"effort": "high"}),
    ({"provider": Provider.OPENROUTER}, "any", OFF, "reasoning", {"effort": "none"}),
    (XAI, "grok-4.3", OFF, "reasoning_effort", "none"),
    (XAI, "grok-4.7", OFF, "reasoning_effort", "low"),
    (XAI, "grok-4.7", MEDIUM, "reasoning_effort", "medium"),
    (XAI, "grok-code-fast-1", MEDIUM, "reasoning_effort", None),
    (CLAUDE, "claude-sonnet-4-5", LOW, "thinking", {"type": "enabled", "budget_tokens": 10_000}),
    (CLAUDE, "claude-sonnet-4-5", MEDIUM, "thinking.budget_tokens", 32_000),
    (CLAUDE, "claude-opus-4-5-20251101", OFF, "thinking", None),
    (CLAUDE, "claude-sonnet-5-5", HIGH, "thinking", {"type": "adaptive", "display": "summarized"}),
    (CLAUDE, "claude-sonnet-5-5", HIGH, "output_config", {"effort": "high"}),
    (CLAUDE, "claude-opus-4-6", MAX, "output_config", {"effort": "max"}),
    (CLAUDE, "claude-sonnet-5-5", OFF, "thinking", None),
    (GEMINI, "gemini-2.5-flash", LOW, "generationConfig.thinkingConfig.thinkingBudget", 2_048),
    (GEMINI, "gemini-2.5-flash", MEDIUM, "generationConfig.thinkingConfig.thinkingBudget", 8_192),
    (GEMINI, "gemini-2.5-flash", HIGH, "generationConfig.thinkingConfig.thinkingBudget", 16_384),
    (GEMINI, "gemini-2.5-flash", OFF, "generationConfig.thinkingConfig.thinkingBudget", 0),
    (GEMINI, "gemini-2.5-pro", OFF, "generationConfig.thinkingConfig.thinkingBudget", 128),
    (GEMINI, "gemini-3.8-flash", OFF, "generationConfig.thinkingConfig.thinkingLevel", "minimal"),
    (GEMINI, "gemini-3.1-pro", MINIMAL, "generationConfig.thinkingConfig.thinkingLevel", "low"),
    (GEMINI, "gemini-4-argon", MAX, "generationConfig.thinkingConfig.thinkingLevel", "high"),
    (OLLAMA, "qwen3", OFF, "think", False),
    (OLLAMA, "qwen3", HIGH, "think", True),
    (OLLAMA, "gpt-oss:20b", MAX, "think", "high"),
    ({"provider": Provider.LITELLM}, "any", HIGH, "reasoning_effort", "high"),
]


@pytest.mark.parametrize(("route", "model", "effort", "path", "expected"), EFFORTS)
async def test_effort_is_said_in_the_words_of_the_provider(
    upstream: FakeUpstream, route: dict[str, Any], model: str, effort: Effort, path: str, expected: object
) -> None:
    body = await sent(upstream, a_request(effort=effort), model, **route)
    assert dug(body, path) == expected


@pytest.mark.parametrize("route", [OPENAI, OPENAI_CHAT, {}, XAI, CLAUDE, GEMINI, OLLAMA])
async def test_without_a_choice_the_provider_decides(upstream: FakeUpstream, route: dict[str, Any]) -> None:
    body = await sent(upstream, a_request(), "any", **route)
    fields = {"reasoning", "reasoning_effort", "thinking", "output_config", "think", "generationConfig"}
    assert not fields & set(body)


@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("limit", [1, 500, 2_000, 8_192, 16_000, 64_000, 128_000])
async def test_a_budget_is_below_the_output(upstream: FakeUpstream, effort: Effort, limit: int) -> None:
    request = a_request(effort=effort, max_output_tokens=limit)
    body = await sent(upstream, request, "claude-sonnet-4-5", **CLAUDE)
    budget = dug(body, "thinking.budget_tokens")
    assert budget is None or 1024 <= budget < body["max_tokens"] == limit
    body = await sent(upstream, request, "gemini-2.5-flash", **GEMINI)
    assert dug(body, "generationConfig.thinkingConfig.thinkingBudget") < limit


# Provider and model, and where the body says what was asked for. Numbers are budgets.
SAID: list[tuple[Asked, str, str]] = [
    (OPENAI, "gpt-6-luna", "reasoning.effort"),
    (OPENAI, "gpt-5-mini", "reasoning.effort"),
    (OPENAI, "o3", "reasoning.effort"),
    (OPENAI_CHAT, "o4-mini", "reasoning_effort"),
    ({}, "house-model", "reasoning_effort"),
    ({"provider": Provider.OPENROUTER}, "anthropic/claude-sonnet-4.5", "reasoning.effort"),
    (XAI, "grok-4.3", "reasoning_effort"),
    (XAI, "grok-3-mini", "reasoning_effort"),
    (CLAUDE, "claude-sonnet-4-5", "thinking.budget_tokens"),
    (CLAUDE, "claude-haiku-4-5-20251001", "thinking.budget_tokens"),
    (CLAUDE, "someone-elses-model", "thinking.budget_tokens"),
    (CLAUDE, "claude-opus-4-6", "output_config.effort"),
    (CLAUDE, "claude-sonnet-5-5", "output_config.effort"),
    (GEMINI, "gemini-2.5-flash", "generationConfig.thinkingConfig.thinkingBudget"),
    (GEMINI, "gemini-2.5-pro", "generationConfig.thinkingConfig.thinkingBudget"),
    (GEMINI, "gemini-3.8-flash", "generationConfig.thinkingConfig.thinkingLevel"),
    (GEMINI, "gemini-3.1-pro", "generationConfig.thinkingConfig.thinkingLevel"),
    (OLLAMA, "qwen3", "think"),
    (OLLAMA, "gpt-oss:20b", "think"),
]
EFFORT_WORDS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
LEAST_OUTPUT_OF_GEMINI = 65_536


@pytest.mark.parametrize(("route", "model", "path"), SAID)
@pytest.mark.parametrize("output", [None, 256, 1_024, 4_096, 8_192, 32_000, 128_000])
def test_every_effort_on_every_wire_is_a_word_or_a_budget_below_the_models_output(
    route: Asked, model: str, path: str, output: int | None
) -> None:
    resolved = replace(
        a_route("http://127.0.0.1:9", model, **route), max_output_tokens=output, reasoning=True
    )
    wire = NATIVE_WIRES[resolved.spoken_wire]
    budgets: list[int] = []
    for effort in Effort:
        body = json.loads(wire.build_request(a_request(effort=effort), resolved).body)
        told = dug(body, path)
        if "udget" not in path:
            assert isinstance(told, bool) or told in EFFORT_WORDS, (effort, told)
        elif told is not None:
            assert 0 <= told < (output or body.get("max_tokens") or LEAST_OUTPUT_OF_GEMINI), (effort, told)
            budgets.append(told)
    assert budgets == sorted(budgets), "more effort is never less room to think"
    if "udget" in path and (output is None or output > 64_000):
        assert len(set(budgets)) >= 4, "there is room, and every effort has the same budget"


STATES = {
    Wire.OPENAI_CHAT: '{"reasoning_content": "Hm", "reasoning_details": [{"type": "reasoning.text"}]}',
    Wire.OPENAI_RESPONSES: '[{"type": "reasoning", "encrypted_content": "gAAAA"}, {"type": "function_call"}]',
    Wire.ANTHROPIC: '[{"type": "thinking", "thinking": "Hm", "signature": "EqQB"}, {"type": "tool_use"}]',
    Wire.GEMINI: '[{"functionCall": {"name": "get_weather"}, "thoughtSignature": "c2ln"}]',
    Wire.OLLAMA: '{"thinking": "Hm"}',
}
ROUTES: dict[Wire, dict[str, Any]] = {
    Wire.OPENAI_CHAT: {},
    Wire.OPENAI_RESPONSES: OPENAI,
    Wire.ANTHROPIC: CLAUDE,
    Wire.GEMINI: GEMINI,
    Wire.OLLAMA: OLLAMA,
}
MARKS = {
    Wire.OPENAI_CHAT: "reasoning_details",
    Wire.OPENAI_RESPONSES: "gAAAA",
    Wire.ANTHROPIC: "EqQB",
    Wire.GEMINI: "c2ln",
    Wire.OLLAMA: "thinking",
}


@pytest.mark.parametrize("wire", STATES)
async def test_a_models_state_goes_back_to_it_and_to_nobody_else(upstream: FakeUpstream, wire: Wire) -> None:
    state = ProviderState(wire, "m", STATES[wire])
    request = a_request(*a_tool_round(state), tools=(WEATHER,))
    assert MARKS[wire] in str(await sent(upstream, request, "m", **ROUTES[wire]))
    assert MARKS[wire] not in str(await sent(upstream, request, "another", **ROUTES[wire]))
    for other in set(ROUTES) - {wire}:
        assert MARKS[wire] not in str(await sent(upstream, request, "m", **ROUTES[other]))


async def test_a_tool_round_on_every_wire(upstream: FakeUpstream) -> None:
    request = a_request(*a_tool_round(), tools=(WEATHER,))
    schema = WEATHER.schema
    chat = await sent(upstream, request, "m")
    function = {"name": CALL.name, "arguments": CALL.arguments}
    assert chat["messages"][2]["tool_calls"][0]["function"] == function
    assert chat["messages"][3] == {"role": "tool", "content": "Sun.", "tool_call_id": "call_1"}
    assert chat["tools"][0]["function"]["parameters"] == schema
    responses = await sent(upstream, request, "m", **OPENAI)
    kinds = [item.get("type") for item in responses["input"]]
    assert kinds == [None, None, "function_call", "function_call_output"]
    assert responses["input"][3]["call_id"] == responses["input"][2]["call_id"] == "call_1"
    assert responses["tools"][0]["parameters"] == schema
    assert responses["store"] is False
    claude = await sent(upstream, request, "m", **CLAUDE)
    assert [message["role"] for message in claude["messages"]] == ["user", "assistant", "user"]
    assert claude["messages"][1]["content"][0]["input"] == {"at": "Oslo"}
    assert claude["messages"][2]["content"][0]["tool_use_id"] == "call_1"
    assert claude["tools"][0]["input_schema"] == schema
    gemini = await sent(upstream, request, "m", **GEMINI)
    assert [content["role"] for content in gemini["contents"]] == ["user", "model", "user"]
    assert gemini["contents"][1]["parts"][0]["functionCall"]["args"] == {"at": "Oslo"}
    assert gemini["contents"][2]["parts"][0]["functionResponse"]["response"] == {"output": "Sun."}
    assert gemini["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == schema
    ollama = await sent(upstream, request, "m", **OLLAMA)
    assert ollama["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"at": "Oslo"}
    assert ollama["messages"][3] == {"role": "tool", "content": "Sun.", "tool_name": "get_weather"}


@pytest.mark.parametrize("id_", ["", "x" * 5500, "spaces are not allowed!"])
async def test_ids_that_a_provider_refuses_are_replaced_in_pairs(upstream: FakeUpstream, id_: str) -> None:
    calls = (ToolCall(0, id_, "f", "{}"), ToolCall(1, id_, "g", "not json"))
    messages = (
        PromptMessage(Role.USER, "Go"),
        PromptMessage(Role.ASSISTANT, "", tool_calls=calls),
        PromptMessage(Role.TOOL, "one", call_id=id_, tool_name="f"),
        PromptMessage(Role.TOOL, "two", call_id=id_, tool_name="g", failed=True),
    )
    claude = await sent(upstream, a_request(*messages), "m", **CLAUDE)
    asked_for = [block["id"] for block in claude["messages"][1]["content"]]
    results = claude["messages"][2]["content"]
    assert len(set(asked_for)) == 2
    assert [block["tool_use_id"] for block in results] == asked_for
    assert [block["content"] for block in results] == ["one", "two"]
    assert results[1]["is_error"] is True
    chat = await sent(upstream, a_request(*messages), "m")
    pairs = [call["id"] for call in chat["messages"][1]["tool_calls"]]
    assert len(set(pairs)) == 2
    assert [message["tool_call_id"] for message in chat["messages"][2:]] == pairs


async def test_claude_is_told_what_to_keep(upstream: FakeUpstream) -> None:
    request = a_request(
        PromptMessage(Role.SYSTEM, "Be brief."),
        PromptMessage(Role.USER, "One"),
        PromptMessage(Role.ASSISTANT, "Yes"),
        PromptMessage(Role.USER, "Two"),
    )
    body = await sent(upstream, request, "claude-haiku-4-5", **CLAUDE)
    mark = {"type": "ephemeral"}
    assert body["system"][-1]["cache_control"] == mark
    assert [m["content"][-1].get("cache_control") for m in body["messages"]] == [mark, None, mark]
    title = ModelRequest("test:model", request.messages, Purpose.TITLE)
    assert "cache_control" not in str(await sent(upstream, title, "claude-haiku-4-5", **CLAUDE))


@pytest.mark.parametrize(
    ("route", "header", "value"),
    [
        ({}, "Authorization", f"Bearer {KEY}"),
        (OPENAI, "Authorization", f"Bearer {KEY}"),
        (CLAUDE, "x-api-key", KEY),
        (GEMINI, "x-goog-api-key", KEY),
    ],
)
async def test_the_key_is_in_its_header_and_nowhere_else(
    upstream: FakeUpstream, route: dict[str, Any], header: str, value: str
) -> None:
    await sent(upstream, a_request(), "m", **route)
    [call] = upstream.calls
    assert call.headers.pop(header) == value
    assert KEY not in str(call)


LOOPS: list[tuple[str, Asked, str, object]] = [
    (
        "anthropic-thinking", CLAUDE, "messages",
        [{"type": "thinking", "thinking": "Let me see.", "signature": "EqQB"},
         {"type": "redacted_thinking", "data": "EmwK"}, {"type": "text", "text": "27"}],
    ),
    (
        "gemini-parallel-calls", GEMINI, "contents",
        [{"functionCall": {"name": "f", "args": {"location": "Bogotá"}}, "thoughtSignature": "c2ln"},
         {"functionCall": {"name": "g"}}, {"text": ""}],
    ),
    (
        "responses-reasoning", OPENAI, "input",
        {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA",
         "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}]},
    ),
    (
        "chat-openrouter", {}, "messages",
        [{"type": "reasoning.text", "text": "Hm, so", "index": 0, "format": "anthropic-claude-v1",
          "signature": "c2ln"}],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("case", "route", "field", "expected"), LOOPS)
async def test_what_was_told_to_keep_goes_back_unchanged(
    upstream: FakeUpstream, case: str, route: Asked, field: str, expected: object
) -> None:
    events, _ = await asked(a_route(upstream, case, **route))
    [state] = [event for event in events if isinstance(event, ProviderState)]
    request = a_request(
        PromptMessage(Role.USER, "Hi"),
        PromptMessage(Role.ASSISTANT, "Yes", state=state),
        PromptMessage(Role.USER, "Go on"),
    )
    said = (await sent(upstream, request, case, **route))[field][1]
    if isinstance(expected, list):
        said = said.get("reasoning_details") or said.get("content") or said.get("parts")
    assert said == expected
