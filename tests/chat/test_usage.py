"""What an answer used and cost reaches the tabs: of each turn, and of the whole conversation."""

import asyncio
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from betterchat.core.db import in_thread
from chat import conversations
from chat.broadcast import ToRoom
from chat.models import Conversation, Generation, Turn, TurnState
from chat.protocol.events import ConversationSnapshot, TurnFinished
from chat.protocol.parts import written_text
from chat.protocol.usage import ConversationUsage, TurnUsage
from chat.queries import snapshot
from chat.spending import turn_usages
from chat.turns import control, lifecycle
from chat.turns.lifecycle import Ending
from chat.turns.runner import run_turn
from chat.turns.start import retry_turn
from chat.turns.titles import make_title
from providers.models import Endpoint, Price, Provider, Purpose, Route, Usage
from tests.chat.running import a_worker, bounded, run, stored
from tests.data import DEMO, a_conversation, a_model, a_person, send, the_turn
from tests.fakes.upstream import FakeUpstream
from tests.fakes.wires import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "fake:priced"
# 6 fresh, 5 cached, 7 out: 6 x 2.5 + 5 x 0.25 + 7 x 10 = 86.25 micro-dollars
ONE_CALL_MICROUSD = 86


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as running:
        yield running


@pytest.fixture(autouse=True)
def fast_demo(settings: Settings) -> None:
    settings.DEMO_TOKENS_PER_SECOND = 2000


def a_priced_model(
    upstream: FakeUpstream, behaviour: str = "hello", *, provider: Provider = Provider.OPENAI_COMPATIBLE
) -> Route:
    base_url = upstream.url if provider is Provider.ANTHROPIC else upstream.openai_url
    a_model(MODEL, provider=provider, provider_model=behaviour, base_url=base_url)
    route = Route.objects.get(language_model=MODEL)
    Price.objects.create(route=route, input=Decimal("2.5"), output=Decimal(10), cached_input=Decimal("0.25"))
    return route


def a_turn(upstream: FakeUpstream, behaviour: str = "hello", **model: Provider) -> Turn:
    a_priced_model(upstream, behaviour, **model)
    return the_turn(Conversation.objects.get(pk=send(a_person(), "Hello there", model=MODEL).conversation_id))


def retried(turn: Turn) -> Turn:
    """Another answer to the same message, beside the one there is."""
    owner = turn.conversation.owner
    retry_turn(
        owner,
        conversation_id=turn.conversation_id,
        turn_id=uuid.uuid4(),
        message_id=turn.message_id,
        model_id="",
    )
    return the_turn(turn.conversation)


def seen(turn: Turn) -> ConversationSnapshot:
    return snapshot(turn.conversation.owner, turn.conversation_id)


def used(turn: Turn) -> TurnUsage:
    usage = turn_usages([turn.pk])[turn.pk]
    assert usage in [known.usage for known in seen(turn).turns]
    return usage


async def test_an_answer_tells_what_it_used_as_the_ledger_has_it(upstream: FakeUpstream) -> None:
    turn = await run(await in_thread(a_turn)(upstream))

    def check() -> None:
        row = Usage.objects.get()
        assert row.cost_microusd == ONE_CALL_MICROUSD
        usage = used(turn)
        assert usage == TurnUsage(
            calls=1,
            input_tokens=INPUT_TOKENS,
            output_tokens=OUTPUT_TOKENS,
            cached_tokens=CACHED_TOKENS,
            reasoning_tokens=REASONING_TOKENS,
            cost_microusd=ONE_CALL_MICROUSD,
            estimated=False,
            own_key=False,
            served_by=["127.0.0.1"],
            first_token_ms=row.first_token_ms,
            duration_ms=row.duration_ms,
        )

    await in_thread(check)()


async def test_another_answer_adds_though_the_first_is_not_shown_any_more(upstream: FakeUpstream) -> None:
    first = await run(await in_thread(a_turn)(upstream))
    await run(await in_thread(retried)(first))

    def check() -> None:
        found = seen(first)
        assert first.answer_id not in [message.id for message in found.messages]
        assert found.conversation.usage == ConversationUsage(
            calls=2,
            input_tokens=2 * INPUT_TOKENS,
            output_tokens=2 * OUTPUT_TOKENS,
            cost_microusd=2 * ONE_CALL_MICROUSD,
            unknown_cost_calls=0,
            estimated_calls=0,
        )

    await in_thread(check)()


def test_the_end_of_a_turn_tells_both_the_turn_and_the_total() -> None:
    a_model()
    turn = the_turn(a_conversation(owner=a_person()))
    lifecycle.claim(turn.pk)
    a_call(turn, cost_microusd=5)
    broadcasts = lifecycle.finish(turn.pk, attempt=1, sequence=1, parts=[], ending=Ending(TurnState.STOPPED))
    told = [b.event for b in broadcasts if isinstance(b, ToRoom)]
    assert isinstance(told[0], TurnFinished)
    assert told[0].turn.usage == used(turn)
    assert told[0].conversation_usage == seen(turn).conversation.usage
    assert told[0].conversation_usage.cost_microusd == 5


async def test_a_turn_that_runs_tells_nothing_yet() -> None:
    turn = await in_thread(lambda: the_turn(a_conversation(owner=a_person())))()

    def check() -> None:
        assert [known.usage for known in seen(turn).turns] == [None]
        assert seen(turn).conversation.usage.calls == 0

    await in_thread(check)()


async def test_demo_costs_nothing_and_counts_nothing() -> None:
    turn = await run(await in_thread(lambda: the_turn(a_conversation(owner=a_person(), text="long 5")))())
    usage = await in_thread(used)(turn)
    assert (usage.cost_microusd, usage.input_tokens, usage.estimated) == (0, None, False)


async def stopped_in_the_middle(turn: Turn) -> Turn:
    async with a_worker() as recorder:
        running = asyncio.create_task(run_turn(turn.pk, recorder=recorder))
        while not (await stored(turn.pk)).answer.parts:
            await asyncio.sleep(0.05)
        owner = await in_thread(lambda: turn.conversation.owner)()
        await in_thread(control.stop_turn)(owner, conversation_id=turn.conversation_id, turn_id=turn.pk)
        await control.call_out((turn.pk,))
        await bounded(running)
    return await stored(turn.pk)


async def test_what_a_stopped_answer_used_is_estimated_and_says_so(upstream: FakeUpstream) -> None:
    turn = await stopped_in_the_middle(await in_thread(a_turn)(upstream, "forever"))
    usage = await in_thread(used)(turn)
    assert usage.estimated
    assert usage.input_tokens == -(-len("Hello there") // 4)
    assert usage.output_tokens == -(-len(written_text(turn.answer.decoded_parts)) // 4)
    expected = usage.input_tokens * Decimal("2.5") + usage.output_tokens * 10
    assert usage.cost_microusd == int(expected + Decimal("0.5"))


async def test_what_was_reported_before_a_stop_stays_as_it_is(
    upstream: FakeUpstream,
) -> None:
    turn = await in_thread(a_turn)(upstream, "forever", provider=Provider.ANTHROPIC)
    usage = await in_thread(used)(await stopped_in_the_middle(turn))
    assert usage.input_tokens == INPUT_TOKENS + CACHED_TOKENS
    assert usage.cached_tokens == CACHED_TOKENS
    assert usage.output_tokens
    assert usage.estimated


async def test_an_answer_that_was_cut_is_estimated(upstream: FakeUpstream) -> None:
    turn = await run(await in_thread(a_turn)(upstream, "half"))
    usage = await in_thread(used)(turn)
    assert (usage.estimated, usage.output_tokens) == (True, -(-len("Half an answer") // 4))


async def test_an_endpoint_that_refused_adds_a_call_and_no_cost(upstream: FakeUpstream) -> None:
    def arrange() -> Turn:
        turn = a_turn(upstream)
        refusing = Endpoint.objects.create(
            name="refusing",
            provider=Provider.OPENAI_COMPATIBLE,
            base_url=upstream.openai_url.replace("127.0.0.1", "localhost"),
            allow_private=True,
        )
        Route.objects.create(
            language_model_id=MODEL, endpoint=refusing, provider_model="status-401", priority=1
        )
        return turn

    usage = await in_thread(used)(await run(await in_thread(arrange)()))
    assert (usage.calls, usage.cost_microusd, usage.input_tokens) == (2, ONE_CALL_MICROUSD, INPUT_TOKENS)
    assert (usage.served_by, usage.estimated) == (["localhost", "127.0.0.1"], False)


async def test_titles_are_on_the_persons_account_and_not_in_the_conversations_total(
    upstream: FakeUpstream,
) -> None:
    turn = await run(await in_thread(a_turn)(upstream))
    async with a_worker():
        await bounded(make_title(turn.pk))

    def check() -> None:
        title = Usage.objects.get(purpose=Purpose.TITLE)
        assert (title.cost_microusd, title.user) == (ONE_CALL_MICROUSD, turn.message.author)
        assert seen(turn).conversation.usage.calls == 1

    await in_thread(check)()


def a_call(turn: Turn, **known: object) -> None:
    columns: dict[str, object] = {"language_model_id": DEMO, "provider_model": "demo", "duration_ms": 10}
    usage = Usage.objects.create(user=turn.conversation.owner, purpose=Purpose.ANSWER, **(columns | known))
    number = turn.generations.count() + 1
    Generation.objects.create(turn=turn, attempt=1, number=number, usage=usage)


def test_one_unknown_makes_the_turns_sum_unknown_and_the_total_says_of_how_many_calls() -> None:
    turn = the_turn(a_conversation(owner=a_person()))
    a_call(turn, input_tokens=10, output_tokens=1, cached_tokens=4, cost_microusd=7, own_key=True)
    a_call(turn, input_tokens=20, output_tokens=None, estimated=True)
    Generation.objects.create(turn=turn, attempt=1, number=3)  # still running, or its worker was killed
    usage = turn_usages([turn.pk])[turn.pk]
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (2, 30, None)
    assert (usage.cached_tokens, usage.reasoning_tokens, usage.cost_microusd) == (4, None, None)
    assert (usage.estimated, usage.own_key, usage.served_by) == (True, True, [])
    total = seen(turn).conversation.usage
    assert total == ConversationUsage(
        calls=2, input_tokens=30, output_tokens=1, cost_microusd=7, unknown_cost_calls=1, estimated_calls=1
    )


def test_a_snapshot_takes_the_same_number_of_queries_however_much_was_used() -> None:
    turn = the_turn(a_conversation(owner=a_person()))
    Turn.objects.update(state=TurnState.COMPLETED)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            seen(turn)
        return len(captured)

    a_call(turn, endpoint=Endpoint.objects.get())
    few = queries()
    for _ in range(20):
        a_call(turn, endpoint=Endpoint.objects.get())
    assert queries() == few


def test_a_deleted_conversation_leaves_what_it_used_on_the_account() -> None:
    turn = the_turn(a_conversation(owner=a_person()))
    a_call(turn, cost_microusd=7)
    conversations.delete(turn.conversation.owner, turn.conversation_id)
    Conversation.objects.all().delete()
    assert Usage.objects.get().cost_microusd == 7
