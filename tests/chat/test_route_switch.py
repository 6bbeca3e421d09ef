"""Another endpoint serves a model from now on: ids, conversations and statistics stay as they are."""

import pytest
from django.db.models import Count, Sum

from betterchat.core.db import in_thread
from chat.models import Conversation, Message
from chat.protocol.parts import plain_text
from providers.models import Endpoint, LanguageModel, Provider, Route, Usage
from tests.chat.running import run
from tests.data import a_model, a_person, send, the_turn
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "acme:rocket"


def statistics() -> list[dict[str, object]]:
    """As an operator sums them: by model."""
    sums = Usage.objects.values("language_model_id").annotate(calls=Count("pk"), spent=Sum("output_tokens"))
    return [dict(row) for row in sums.order_by("language_model_id")]


@pytest.mark.parametrize("farewell", ["switched off", "deleted"])
async def test_switching_the_endpoint_changes_no_id_history_or_statistics(farewell: str) -> None:
    with FakeUpstream() as first, FakeUpstream() as second:

        def at_the_first() -> Conversation:
            a_model(
                MODEL,
                provider=Provider.OPENAI_COMPATIBLE,
                provider_model="hello",
                base_url=first.openai_url,
            )
            alice = a_person()
            done = send(alice, "One", model=MODEL)
            return Conversation.objects.select_related("owner").get(pk=done.conversation_id)

        conversation = await in_thread(at_the_first)()
        turn = await run(await in_thread(the_turn)(conversation))
        answer = turn.answer

        def move() -> tuple[object, ...]:
            before = (
                list(Message.objects.order_by("pk").values()),
                list(Usage.objects.values()),
                statistics(),
            )
            old = Route.objects.get()
            endpoint = Endpoint.objects.create(
                name="other",
                provider=Provider.OPENAI_COMPATIBLE,
                base_url=second.openai_url,
                allow_private=True,
            )
            Route.objects.create(
                language_model_id=MODEL, endpoint=endpoint, provider_model="hello", priority=5
            )
            if farewell == "deleted":
                old.delete()
            else:
                Route.objects.filter(pk=old.pk).update(enabled=False)
            after = (
                list(Message.objects.order_by("pk").values()),
                list(Usage.objects.values()),
                statistics(),
            )
            assert after == before
            assert [model.pk for model in LanguageModel.objects.all()] == [MODEL]
            send(
                conversation.owner,
                "Two",
                conversation=conversation.pk,
                after=answer.pk,
                model=MODEL,
            )
            return before

        before = await in_thread(move)()
        calls_of_the_first = len(first.calls)
        turn = await run(await in_thread(the_turn)(conversation))

        def check() -> None:
            assert turn.conversation_id == conversation.pk
            assert plain_text(turn.answer.decoded_parts) == plain_text(answer.decoded_parts)
            assert (turn.model_id, turn.answer.model_id, answer.model_id) == (MODEL, MODEL, MODEL)
            assert list(Usage.objects.order_by("pk").values())[:1] == before[1]
            assert [row["calls"] for row in statistics()] == [2]
            assert Usage.objects.order_by("pk")[1].endpoint == Endpoint.objects.get(name="other")

        await in_thread(check)()
        assert len(first.calls) == calls_of_the_first
        assert second.calls
