"""Requests of Chat Completions, and what some who imitate it want beside."""

import json
import re
from urllib.parse import urlsplit

from providers.events import Effort, ModelRequest, PromptMessage, Purpose, Role, ToolSpec
from providers.models.endpoint import Provider
from providers.routing import ResolvedRoute
from providers.wires.base import HttpRequest, bearer, state_for
from providers.wires.effort import (
    compatible_effort,
    is_openai_reasoning,
    openai_effort,
    openrouter_effort,
    xai_effort,
)
from providers.wires.frames import dict_of, dicts_of
from providers.wires.ids import OPENAI_ID_CHARACTERS_MAX, with_fitting_ids

_MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}")


def build_request(request: ModelRequest, route: ResolvedRoute) -> HttpRequest:
    own, mistral = route.provider is Provider.OPENAI, _is_mistral(route)

    def fits(id_: str) -> bool:
        if mistral:
            return bool(_MISTRAL_ID.fullmatch(id_))
        return bool(id_) and (not own or len(id_) <= OPENAI_ID_CHARACTERS_MAX)

    body: dict[str, object] = {
        "model": route.provider_model,
        "messages": [
            openai_message(message, route=route)
            for message in with_fitting_ids(request.messages, route=route, fits=fits)
        ],
        "stream": True,
    }
    if not mistral:  # which counts by itself and refuses fields that it doesn't know
        body["stream_options"] = {"include_usage": True}
    if request.max_output_tokens is not None:
        # Reasoning models of OpenAI refuse `max_tokens`, most imitations don't know the other.
        body["max_completion_tokens" if own else "max_tokens"] = request.max_output_tokens
    if request.temperature is not None and not (own and route.reasoning):
        body["temperature"] = request.temperature
    if request.tools:
        body["tools"] = [openai_tool(tool) for tool in request.tools]
    headers = bearer(route.key)
    if route.provider is Provider.OPENROUTER:
        headers["X-Title"] = "Better Chat"
        if request.purpose is Purpose.ANSWER and route.provider_model.startswith("anthropic/"):
            _mark_for_cache(body["messages"])
    body |= _effort(request.effort, route)
    return HttpRequest("/chat/completions", headers, json.dumps(body).encode())


def _is_mistral(route: ResolvedRoute) -> bool:
    """Its own API, which checks what it is sent: https://docs.mistral.ai/api/endpoint/chat."""
    return (urlsplit(route.base_url).hostname or "").endswith(".mistral.ai")


def _effort(effort: Effort | None, route: ResolvedRoute) -> dict[str, object]:
    model = route.provider_model
    match route.provider:
        case Provider.OPENAI:
            told = openai_effort(effort, model=model) if is_openai_reasoning(model) else None
        case Provider.XAI:
            told = xai_effort(effort, model=model)
        case Provider.OPENROUTER:
            told = openrouter_effort(effort)
            return {"reasoning": {"effort": told}} if told else {}
        case _:
            told = compatible_effort(effort)
    return {"reasoning_effort": told} if told else {}


def openai_message(message: PromptMessage, *, route: ResolvedRoute) -> dict[str, object]:
    sent: dict[str, object] = {"role": message.role.value, "content": message.text}
    if message.role is Role.TOOL:
        return sent | {"tool_call_id": message.call_id}
    state = dict_of(state_for(message, route=route))
    if details := state.get("reasoning_details"):
        sent["reasoning_details"] = details
    if not message.tool_calls:
        return sent
    # DeepSeek, Kimi and others want their thoughts back while tools work, and refuse them afterwards.
    if thoughts := state.get("reasoning_content"):
        sent["reasoning_content"] = thoughts
    elif thoughts := state.get("thinking"):  # https://docs.mistral.ai/capabilities/reasoning
        part = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
        sent["content"] = [part, *([{"type": "text", "text": message.text}] if message.text else [])]
    extras = dict_of(state.get("extra_content"))
    sent["tool_calls"] = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
            **({"extra_content": extra} if (extra := extras.get(str(call.index))) is not None else {}),
        }
        for call in message.tool_calls
    ]
    return sent


def openai_tool(tool: ToolSpec) -> dict[str, object]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def _mark_for_cache(messages: object) -> None:
    """Where OpenRouter passes marks on: https://openrouter.ai/docs/features/prompt-caching."""
    marked = [m for m in dicts_of(messages) if m["role"] in {"system", "user"} and m["content"]]
    for message in {id(m): m for m in (*marked[:1], *marked[-1:])}.values():
        part = {"type": "text", "text": message["content"], "cache_control": {"type": "ephemeral"}}
        message["content"] = [part]
