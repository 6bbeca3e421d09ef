"""Five rounds of a signed tool loop on every wire that signs, with a restart after each round."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from django.db import connection

from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode
from providers.events import (
    Effort,
    Finished,
    FinishReason,
    ModelRequest,
    PromptMessage,
    ProviderState,
    Purpose,
    Role,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from providers.gateway import ResolvedRoute, close_sessions
from providers.models import Provider, Wire
from tests.fakes.loops import ROUNDS
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

pytestmark = [pytest.mark.usefixtures("_sessions"), pytest.mark.django_db(transaction=True)]

LOOK = ToolSpec("look", "Looks.", {"type": "object", "properties": {"z": {"type": "string"}}})
ROUTES: dict[str, dict[str, Any]] = {
    "anthropic": {"provider": Provider.ANTHROPIC},
    "responses": {"provider": Provider.OPENAI, "reasoning": True},
    "gemini": {"provider": Provider.GEMINI, "reasoning": True},
    "openrouter": {"provider": Provider.OPENROUTER, "model": "anthropic/loop"},
    "deepseek": {"provider": Provider.OPENAI_COMPATIBLE},
}
ALL = pytest.mark.parametrize("wire", ROUTES)


def the_route(upstream: FakeUpstream, wire: str) -> ResolvedRoute:
    options = dict(ROUTES[wire])
    return a_route(upstream, options.pop("model", "loop"), **options)


def a_request(messages: list[PromptMessage]) -> ModelRequest:
    return ModelRequest(
        "test:loop",
        tuple(messages),
        Purpose.ANSWER,
        tools=(LOOK,),
        effort=Effort.HIGH,
        max_output_tokens=9_000,
    )


def through_postgres(message: PromptMessage) -> PromptMessage:
    """What a restart leaves: JSON in a column that sorts keys and rewrites numbers as it likes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [json.dumps(asdict(message))])
        kept = json.loads(cursor.fetchone()[0])
    state = kept["state"]
    return PromptMessage(
        Role(kept["role"]),
        kept["text"],
        tool_calls=tuple(ToolCall(**call) for call in kept["tool_calls"]),
        state=ProviderState(Wire(state["wire"]), state["model"], state["data"]),
    )


async def a_round(upstream: FakeUpstream, wire: str, messages: list[PromptMessage]) -> None:
    """Asks, then adds what came and what the tool brought."""
    events, error = await asked(the_route(upstream, wire), a_request(messages))
    assert error is None, upstream.calls[-1].body
    assert events[-1] == Finished(FinishReason.TOOL_CALLS)
    [state] = [event for event in events if isinstance(event, ProviderState)]
    [call] = [event for event in events if isinstance(event, ToolCall)]
    assert json.loads(call.arguments)["a"] == len(messages) // 2 + 1
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    said = PromptMessage(Role.ASSISTANT, text, tool_calls=(call,), state=state)
    messages.append(await in_thread(through_postgres)(said))
    messages.append(PromptMessage(Role.TOOL, "Seen.", call_id=call.id, tool_name=call.name))
    await close_sessions()


@ALL
async def test_five_signed_rounds_come_back_unchanged(upstream: FakeUpstream, wire: str) -> None:
    messages = [PromptMessage(Role.USER, "Go")]
    for _ in range(ROUNDS):
        await a_round(upstream, wire, messages)
    events, error = await asked(the_route(upstream, wire), a_request(messages))
    assert error is None
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Done."
    assert events[-1] == Finished(FinishReason.STOP)
    assert len(upstream.calls) == ROUNDS + 1


@ALL
async def test_a_single_changed_character_is_refused(upstream: FakeUpstream, wire: str) -> None:
    """So that the test above can fail."""
    messages = [PromptMessage(Role.USER, "Go")]
    await a_round(upstream, wire, messages)
    state = messages[1].state
    assert state is not None
    changed = state.data.replace("Thought 1", "Thought 2").replace("One 1", "One 2")
    assert changed != state.data
    messages[1] = replace(messages[1], state=replace(state, data=changed))
    _, error = await asked(the_route(upstream, wire), a_request(messages))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_BAD_REQUEST
