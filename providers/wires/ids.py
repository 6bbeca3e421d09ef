"""Ids of calls as a provider will take them, where another one made them up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from providers.events import PromptMessage, Role
from providers.routing import ResolvedRoute
from providers.wires.base import state_for

OPENAI_ID_CHARACTERS_MAX = 64


def with_fitting_ids(
    messages: Sequence[PromptMessage], *, route: ResolvedRoute, fits: Callable[[str], bool]
) -> Iterator[PromptMessage]:
    """The messages, with ids replaced that are missing, repeated or not of the form that `fits` asks for.

    Results follow their calls. What a model's own state refers to is left as it is.
    """
    answers: list[tuple[str, str]] = []
    for place, message in enumerate(messages):
        if message.role is Role.TOOL:
            pair = next((pair for pair in answers if pair[0] == message.call_id), None)
            if pair is not None:
                answers.remove(pair)
                message = replace(message, call_id=pair[1])  # noqa: PLW2901 - the same message
        elif message.tool_calls:
            own = state_for(message, route=route) is not None
            calls = []
            seen: set[str] = set()
            for call in message.tool_calls:
                keeps = fits(call.id) and (own or call.id not in seen)
                # Nine letters and digits: nobody takes less (Mistral).
                calls.append(
                    call if keeps else replace(call, id=f"call{place % 1000:03}{call.index % 100:02}")
                )
                seen.add(call.id)
            answers = [(old.id, new.id) for old, new in zip(message.tool_calls, calls, strict=True)]
            message = replace(message, tool_calls=tuple(calls))  # noqa: PLW2901 - the same message
        yield message
