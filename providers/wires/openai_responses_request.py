"""Requests of OpenAI Responses: https://platform.openai.com/docs/api-reference/responses/create."""

import json
from collections.abc import Iterator

from providers.events import Effort, ModelRequest, PromptMessage, Role, ToolSpec
from providers.routing import ResolvedRoute
from providers.wires.base import HttpRequest, bearer, state_for
from providers.wires.effort import is_openai_reasoning, openai_effort
from providers.wires.frames import dicts_of
from providers.wires.ids import OPENAI_ID_CHARACTERS_MAX, with_fitting_ids


def build_request(request: ModelRequest, route: ResolvedRoute) -> HttpRequest:
    """Nothing is stored there: what the model thought comes encrypted and goes along with the next call."""
    model = route.provider_model
    body: dict[str, object] = {
        "model": model,
        "input": [
            item
            for message in with_fitting_ids(request.messages, route=route, fits=_fits)
            for item in _items(message, route=route)
        ],
        "stream": True,
        "store": False,
    }
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = request.max_output_tokens
    if is_openai_reasoning(model) and (route.reasoning or request.effort is not None):
        body["include"] = ["reasoning.encrypted_content"]
        if told := openai_effort(request.effort, model=model):
            quiet = request.effort is Effort.OFF
            body["reasoning"] = {"effort": told} if quiet else {"effort": told, "summary": "auto"}
    elif request.temperature is not None:
        body["temperature"] = request.temperature
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    return HttpRequest("/responses", bearer(route.key), json.dumps(body).encode())


def _fits(id_: str) -> bool:
    return 0 < len(id_) <= OPENAI_ID_CHARACTERS_MAX


def _items(message: PromptMessage, *, route: ResolvedRoute) -> Iterator[dict[str, object]]:
    if message.role is Role.TOOL:
        yield {"type": "function_call_output", "call_id": message.call_id, "output": message.text}
        return
    items = list(dicts_of(state_for(message, route=route)))
    if items:
        # Thoughts that came without their encrypted form live only on OpenAI's side, where nothing is stored.
        # What they led to is then known there by no id: https://github.com/openai/openai-agents-python/issues/1660
        kept = [item for item in items if item.get("type") != "reasoning" or item.get("encrypted_content")]
        whole = len(kept) == len(items)
        yield from (item if whole else {k: v for k, v in item.items() if k != "id"} for item in kept)
        return
    if message.text or not message.tool_calls:
        yield {"role": message.role.value, "content": message.text}
    for call in message.tool_calls:
        told = {"call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}
        yield {"type": "function_call", **told}


def _tool(tool: ToolSpec) -> dict[str, object]:
    told = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "strict": False, **told}
