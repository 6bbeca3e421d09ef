"""Two transactions on one row: the second waits for the first, and must then see what it did."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from chat.models import Conversation, Message, TitleSource, Turn, TurnState
from chat.protocol.parts import TextPart, encode_parts
from chat.turns import titles
from chat.turns.lifecycle import Checkpoint, save_checkpoints
from tests.data import a_conversation, a_person, the_turn

pytestmark = pytest.mark.django_db(transaction=True)


def overlapping(first: Callable[[], object], second: Callable[[], object]) -> None:
    """Commit `first` while `second` waits for it."""

    def run() -> None:
        try:
            second()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        deadline = time.monotonic() + 10
        while not someone_waits():
            assert time.monotonic() < deadline, "the second did not wait for the first"
    thread.join(10)


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_checkpoint_that_waits_for_the_end_does_not_overwrite_it() -> None:
    turn = the_turn(a_conversation(owner=a_person()))
    Turn.objects.filter(pk=turn.pk).update(state=TurnState.RUNNING, attempt=1)
    late = Checkpoint(turn.pk, turn.answer_id, attempt=1, sequence=3, parts=encode_parts([TextPart("Hal")]))

    def finish() -> None:
        Turn.objects.filter(pk=turn.pk).update(state=TurnState.COMPLETED)
        Message.objects.filter(pk=turn.answer_id).update(
            parts=encode_parts([TextPart("Half and half")]), attempt=1, sequence=4, text_sha256="x"
        )

    overlapping(finish, lambda: save_checkpoints([late]))
    assert Message.objects.get(pk=turn.answer_id).decoded_parts == [TextPart("Half and half")]


def test_a_title_of_the_model_that_waits_for_one_given_by_hand_does_not_overwrite_it() -> None:
    conversation = a_conversation(owner=a_person())
    turn = the_turn(conversation)

    def rename() -> None:
        mine = Conversation.objects.filter(pk=conversation.pk)
        mine.update(title="By hand", title_source=TitleSource.MANUAL)

    overlapping(rename, lambda: titles._store_title(turn.pk, "By the model"))
    conversation.refresh_from_db()
    assert conversation.title == "By hand"
