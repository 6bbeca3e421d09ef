"""Demo answers offline, from a script, and says that it is no AI."""

import socket

import pytest

from providers import demo
from providers.events import Finished, FinishReason, ModelEvent, Purpose, ReasoningDelta, TextDelta
from providers.models import Provider
from tests.providers.conftest import a_request, a_route, asked


async def said(text: str, *, purpose: Purpose = Purpose.ANSWER) -> list[ModelEvent]:
    route = a_route("", "demo", provider=Provider.DEMO, key="")
    events, error = await asked(route, a_request(text, purpose=purpose))
    assert error is None
    assert events[-1] == Finished(FinishReason.STOP)
    return events


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize(
    "text", ["Hello", "help", "show me code", "a table", "maths!", "reasoning", "a long one"]
)
async def test_it_says_that_it_is_no_ai(text: str) -> None:
    answer = text_of(await said(text))
    assert "not an AI" in answer or "no AI" in answer or "not by an AI" in answer


async def test_the_tour_shows_reasoning_code_a_table_and_maths() -> None:
    events = await said("Hello")
    assert isinstance(events[0], ReasoningDelta)
    answer = text_of(events)
    for shown in ("```python", "| --- |", "$e^{i\\pi} + 1 = 0$", "\n$$\n", "# Hello", "- This answer"):
        assert shown in answer


@pytest.mark.parametrize("text", ["count 500", "please count 500", "long 500", "COUNT 500."])
async def test_it_counts_to_any_number_and_says_nothing_else(text: str) -> None:
    events = await said(text)
    assert text_of(events) == " ".join(str(number) for number in range(1, 501))
    assert len(events) == 501


async def test_a_title_is_made_of_the_first_words() -> None:
    assert text_of(await said("how do **I** make soup? Tell me, please", purpose=Purpose.TITLE)) == (
        "How do I make soup? Tell"
    )


async def test_a_title_comes_from_the_person_and_not_from_the_instruction() -> None:
    asking = "Write a title of 2 to 6 words.\n\nPerson: soup for tomorrow\n\nAnswer: # Hello"
    assert text_of(await said(asking, purpose=Purpose.TITLE)) == "Soup for tomorrow"


def test_a_title_is_never_empty_or_long() -> None:
    assert demo.title_of(" \n ") == "A conversation with Demo"
    assert len(demo.title_of("w" * 500)) <= demo.TITLE_CHARACTERS_MAX


async def test_it_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("Demo opened a connection.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    await said("Hello")
