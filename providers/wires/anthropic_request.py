"""Requests of Anthropic Messages: https://platform.claude.com/docs/en/api/messages."""

import json
import re
from collections.abc import Iterable

from providers.events import Effort, ModelRequest, PromptMessage, Purpose, Role, ToolSpec
from providers.routing import ResolvedRoute
from providers.wires.base import HttpRequest, state_for
from providers.wires.effort import (
    claude_budget,
    claude_effort,
    claude_takes_budget,
    claude_takes_temperature,
)
from providers.wires.frames import dicts_of, parsed_object
from providers.wires.ids import with_fitting_ids

VERSION = "2023-06-01"
# `max_tokens` is required. Without a limit of the model's own, what all of them allow; room for thoughts.
OUTPUT_TOKENS_ASSUMED = 8_192
OUTPUT_TOKENS_ASSUMED_THINKING = 64_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")

type _Block = dict[str, object]


def build_request(request: ModelRequest, route: ResolvedRoute) -> HttpRequest:
    limit = _limit(request, route)
    body: dict[str, object] = {"model": route.provider_model, "max_tokens": limit, "stream": True}
    thinking = _thinking(request.effort, model=route.provider_model, limit=limit)
    body |= thinking
    messages = _messages(with_fitting_ids(request.messages, route=route, fits=_fits), route=route)
    system: list[_Block] = [
        {"type": "text", "text": m.text} for m in request.messages if m.role is Role.SYSTEM and m.text
    ]
    if request.purpose is Purpose.ANSWER:
        _mark_for_cache(system, messages)
    body["messages"] = messages
    if system:
        body["system"] = system
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    takes_temperature = "thinking" not in thinking and claude_takes_temperature(route.provider_model)
    if request.temperature is not None and takes_temperature:
        body["temperature"] = request.temperature
    headers = {"anthropic-version": VERSION} | ({"x-api-key": route.key} if route.key else {})
    if "thinking" in thinking and request.tools and claude_takes_budget(route.provider_model):
        headers["anthropic-beta"] = "interleaved-thinking-2025-05-14"
    return HttpRequest("/v1/messages", headers, json.dumps(body).encode())


def _fits(id_: str) -> bool:
    return bool(_ID.fullmatch(id_))


def _limit(request: ModelRequest, route: ResolvedRoute) -> int:
    known = request.max_output_tokens or route.max_output_tokens
    thinks = request.effort not in {None, Effort.OFF}
    return known or (OUTPUT_TOKENS_ASSUMED_THINKING if thinks else OUTPUT_TOKENS_ASSUMED)


def _thinking(effort: Effort | None, *, model: str, limit: int) -> dict[str, object]:
    """A budget for models that take one, `adaptive` with an effort for those that decide themselves."""
    if effort is None:
        return {}
    if claude_takes_budget(model) or "claude" not in model:
        budget = None if effort is Effort.OFF else claude_budget(effort, max_tokens=limit)
        return {} if budget is None else {"thinking": {"type": "enabled", "budget_tokens": budget}}
    config: dict[str, object] = {"output_config": {"effort": claude_effort(effort)}}
    if effort is Effort.OFF:
        return config  # thinking is off unless asked for, and some refuse to hear `disabled`
    return config | {"thinking": {"type": "adaptive", "display": "summarized"}}


def _messages(prompt: Iterable[PromptMessage], *, route: ResolvedRoute) -> list[_Block]:
    """Roles alternate: what several messages of one role say becomes one, tool results first."""
    messages: list[_Block] = []
    for message in prompt:
        if message.role is Role.SYSTEM:
            continue
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        blocks = _blocks(message, route=route)
        last = messages[-1] if messages else None
        if last is not None and last["role"] == role and isinstance(content := last["content"], list):
            content += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})
    return messages


def _blocks(message: PromptMessage, *, route: ResolvedRoute) -> list[_Block]:
    if message.role is Role.TOOL:
        result: _Block = {"type": "tool_result", "tool_use_id": message.call_id, "content": message.text}
        return [result | {"is_error": True}] if message.failed else [result]
    if kept := list(dicts_of(state_for(message, route=route))):
        return kept
    blocks: list[_Block] = [{"type": "text", "text": message.text}] if message.text.strip() else []
    for call in message.tool_calls:
        told = {"id": call.id, "name": call.name, "input": parsed_object(call.arguments)}
        blocks.append({"type": "tool_use", **told})
    return blocks


def _mark_for_cache(system: list[_Block], messages: list[_Block]) -> None:
    """The prefix up to each mark is kept: https://platform.claude.com/docs/en/build-with-claude/prompt-caching

    Marked are the instructions, and the last two messages of the person's side: the last one is read by
    the next call, the one before finds what the call before had written, however much came in between.
    """
    asked = [message for message in messages if message["role"] == "user"]
    places = [system, *(message["content"] for message in asked[-2:])]
    for blocks in places:
        if isinstance(blocks, list) and blocks:
            blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}


def _tool(tool: ToolSpec) -> _Block:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
