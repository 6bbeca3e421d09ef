"""Pages for people in unusual circumstances."""

import pytest
from django.test import Client

from chat.models import Conversation
from providers.models import LanguageModel
from tests.data import a_conversation, a_person

pytestmark = pytest.mark.django_db


def test_a_server_whose_operator_switched_off_every_model_still_shows_its_pages(client: Client) -> None:
    alice = a_person()
    conversation: Conversation = a_conversation(owner=alice)
    LanguageModel.objects.update(enabled=False)
    client.force_login(alice)
    assert client.get("/").status_code == 200
    page = client.get(f"/c/{conversation.pk}/")
    assert page.status_code == 200
    assert "Hello" in page.content.decode()


def test_pages_of_conversations_that_are_not_ours_or_not_there_are_the_same(client: Client) -> None:
    conversation = a_conversation(owner=a_person("alice"))
    client.force_login(a_person("charlie"))
    missing = "00000000-0000-4000-8000-000000000000"
    answers = [client.get(f"/c/{id_}/") for id_ in (conversation.pk, missing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
