"""Answers with own keys go on while the real command wraps those keys anew, is killed, and resumes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from pytest_django import Settings

from accounts.models import User
from betterchat.core import sealed
from betterchat.core.db import in_thread
from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.secrets import MasterKeys, new_master_key
from chat.models import Conversation, Turn, TurnState
from chat.turns.recorder import Recorder
from chat.turns.runner import run_turn
from providers import keys
from providers.models import Credential, Endpoint, Provider
from providers.routing import resolve
from tests.chat.running import a_worker
from tests.data import a_person, send, the_turn
from tests.fakes.upstream import FakeUpstream
from tests.processes import ROOT, clean_environment

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = new_master_key(), new_master_key()
OLD_ID, NEW_ID = OLD.partition(":")[0], NEW.partition(":")[0]
PEOPLE, ROWS = 3, 400
KEY = "sk-own-0123456789-wxyz"
SECONDS_MAX = 90


@pytest.fixture
def upstream(settings: Settings) -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{fake.port}"]
        yield fake


def people(upstream: FakeUpstream) -> list[User]:
    """Each with a server and a key of their own, and with many more rows between them."""
    found = []
    for number in range(PEOPLE):
        person = a_person(f"person{number}")
        server = keys.add_server(
            person,
            slug="lab",
            display_name="Lab",
            base_url=upstream.openai_url,
            key=f"{KEY}-{number}",
            force=True,
        )
        keys.add_models(server, ["slow-3"])
        found.append(person)
        more_keys_of(person)
    return found


@transaction.atomic
def more_keys_of(person: User) -> None:
    for row in range(ROWS // PEOPLE):
        more = Endpoint.objects.create(
            owner=person,
            name=f"s{row}",
            provider=Provider.OPENAI_COMPATIBLE,
            base_url="https://x.example.org/v1",
        )
        keys.store_key(more, f"{KEY}-{row}")


async def test_no_turn_fails_while_the_keys_are_rotated(upstream: FakeUpstream, settings: Settings) -> None:
    settings.MASTER_KEYS = MasterKeys(OLD)
    persons = await in_thread(people)(upstream)
    settings.MASTER_KEYS = MasterKeys(f"{NEW},{OLD}")
    over = asyncio.Event()
    async with asyncio.timeout(SECONDS_MAX), a_worker() as recorder, asyncio.TaskGroup() as group:
        talks = [group.create_task(talk(person, over, recorder=recorder)) for person in persons]
        while len(upstream.calls) < PEOPLE:
            await asyncio.sleep(0.01)
        first = await asyncio.to_thread(rotation)
        try:
            while not (await moved()) > 20:
                await asyncio.sleep(0.001)
        finally:
            first.kill()
            await asyncio.to_thread(first.wait, 10)
        assert await moved() < await in_thread(Credential.objects.count)()
        answered = len(upstream.calls)
        second = await asyncio.to_thread(rotation)
        assert await asyncio.to_thread(second.wait, 60) == 0
        while len(upstream.calls) < answered + 2 * PEOPLE:
            await asyncio.sleep(0.01)
        over.set()
    states = [state for talk_ in talks for state in talk_.result()]
    assert len(states) > 3 * PEOPLE
    assert set(states) == {TurnState.COMPLETED}
    sent = {call.headers["Authorization"] for call in upstream.calls}
    assert sent == {f"Bearer {KEY}-{number}" for number in range(PEOPLE)}
    await in_thread(check_the_old_key_opens_nothing)(persons, settings)


async def talk(person: User, over: asyncio.Event, *, recorder: Recorder) -> list[str]:
    """One turn after another, until it is over; how each ended."""
    states = []
    while not over.is_set():
        turn = await in_thread(begun)(person)
        await run_turn(turn.pk, recorder=recorder)
        states.append((await in_thread(Turn.objects.get)(pk=turn.pk)).state)
    return states


def begun(person: User) -> Turn:
    done = send(person, model="byok:lab:slow-3")
    return the_turn(Conversation.objects.get(pk=done.conversation_id))


def rotation() -> subprocess.Popen[bytes]:
    before, _, after = django_settings.DATABASE_URL.rpartition("/betterchat?")
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "rotate_keys", "--batch", "1"],
        env={
            **clean_environment(),
            "BETTERCHAT_DATA_DIR": os.environ["BETTERCHAT_DATA_DIR"],
            "DATABASE_URL": f"{before}/{connection.settings_dict['NAME']}?{after}",
            "MASTER_KEYS": f"{NEW},{OLD}",
        },
        stdout=subprocess.DEVNULL,
    )


async def moved() -> int:
    return (await in_thread(sealed.counts_by_key)()).get(NEW_ID, 0)


def check_the_old_key_opens_nothing(persons: list[User], settings: Settings) -> None:
    assert set(sealed.counts_by_key()) == {NEW_ID}
    settings.MASTER_KEYS = MasterKeys(NEW)
    assert sealed.unopened_rows() == []
    settings.MASTER_KEYS = MasterKeys(OLD)
    assert len(sealed.unopened_rows()) == Credential.objects.count()
    for person in persons:
        with pytest.raises(UserFacingError) as failure:
            resolve("byok:lab:slow-3", user_id=person.pk)
        assert failure.value.code is ErrorCode.KEY_UNREADABLE
