"""What is asked beside the answer goes to whom the conversation went to, and to nobody else."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from pytest_django import Settings

from betterchat.core.db import in_thread
from chat.models import Conversation, Turn, TurnState
from chat.turns.titles import make_title
from providers import keys
from providers.models import Endpoint, LanguageModel, Provider, Route, Usage
from tests.chat.running import bounded, run
from tests.data import a_person, send, the_turn
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.django_db(transaction=True)

MODEL, OWN_MODEL = "house:model", "byok:lab:hello"
# The answer and the title; the demo model is offered too, but never asked over a network.
BOTH = 2


@dataclass
class Upstreams:
    """Two endpoints of the operator that serve one model, one that serves another, and a person's own."""

    first: FakeUpstream
    second: FakeUpstream
    other: FakeUpstream
    own: FakeUpstream

    def counts(self) -> tuple[int, int, int, int]:
        return len(self.first.calls), len(self.second.calls), len(self.other.calls), len(self.own.calls)


@pytest.fixture
def upstreams(settings: Settings) -> Iterator[Upstreams]:
    with ExitStack() as stack:
        four = Upstreams(*(stack.enter_context(FakeUpstream()) for _ in range(4)))
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{four.own.port}"]
        yield four


def a_turn(upstreams: Upstreams, *, model: str, first_says: str = "hello") -> Turn:
    alice = a_person()
    served = LanguageModel.objects.create(id=MODEL, name="House")
    another = LanguageModel.objects.create(id="other:model", name="Other")
    routes = [
        (served, upstreams.first, first_says, 1),
        (served, upstreams.second, "hello", 2),
        (another, upstreams.other, "hello", 1),
    ]
    for number, (language_model, upstream, name, priority) in enumerate(routes):
        endpoint = Endpoint.objects.create(
            name=f"e{number}",
            provider=Provider.OPENAI_COMPATIBLE,
            base_url=upstream.openai_url,
            allow_private=True,
        )
        Route.objects.create(
            language_model=language_model, endpoint=endpoint, provider_model=name, priority=priority
        )
    lab = keys.add_server(
        alice, slug="lab", display_name="Lab", base_url=upstreams.own.openai_url, key="", force=True
    )
    keys.add_models(lab, ["hello"])
    return the_turn(Conversation.objects.get(pk=send(alice, model=model).conversation_id))


async def answered_and_titled(turn: Turn) -> Turn:
    turn = await run(turn)
    await bounded(make_title(turn.pk))
    return turn


async def test_a_title_is_asked_of_the_endpoint_that_answered(upstreams: Upstreams) -> None:
    turn = await answered_and_titled(await in_thread(a_turn)(upstreams, model=MODEL))
    assert turn.state == TurnState.COMPLETED
    assert upstreams.counts() == (BOTH, 0, 0, 0)


async def test_after_a_failure_the_title_stays_with_the_endpoint_that_answered(upstreams: Upstreams) -> None:
    turn = await answered_and_titled(await in_thread(a_turn)(upstreams, model=MODEL, first_says="status-500"))
    assert turn.state == TurnState.COMPLETED
    assert upstreams.counts() == (1, BOTH, 0, 0)


async def test_a_person_with_an_own_key_is_titled_with_it(upstreams: Upstreams) -> None:
    turn = await answered_and_titled(await in_thread(a_turn)(upstreams, model=OWN_MODEL))
    assert turn.state == TurnState.COMPLETED
    assert upstreams.counts() == (0, 0, 0, BOTH)
    assert await in_thread(lambda: set(Usage.objects.values_list("own_key", flat=True)))() == {True}


async def test_where_the_endpoint_is_gone_nobody_else_is_asked(upstreams: Upstreams) -> None:
    turn = await run(await in_thread(a_turn)(upstreams, model=MODEL))
    await in_thread(Endpoint.objects.filter(name="e0").update)(enabled=False)
    await bounded(make_title(turn.pk))
    assert upstreams.counts() == (1, 0, 0, 0)
