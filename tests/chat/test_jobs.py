"""Jobs live and die with the transaction that makes them, in every kind of process."""

import asyncio
import uuid

import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app as jobs
from procrastinate.contrib.django.models import ProcrastinateJob

from betterchat.core.db import in_thread
from chat.turns.jobs import defer_run

pytestmark = pytest.mark.django_db(transaction=True)


class Fault(Exception):
    pass


def defer_and_fail() -> None:
    with transaction.atomic():
        defer_run(uuid.uuid4())
        assert ProcrastinateJob.objects.count() == 1
        raise Fault


async def test_a_rolled_back_job_does_not_exist_in_a_process_that_runs_a_worker() -> None:
    database = settings.DATABASES["default"]
    connector = PsycopgConnector(
        kwargs={
            "host": database["HOST"],
            "user": database["USER"],
            "password": database["PASSWORD"],
            "dbname": database["NAME"],
        }
    )
    async with jobs.with_connector(connector).open_async() as app:
        worker = asyncio.create_task(
            app.run_worker_async(wait=True, install_signal_handlers=False, fetch_job_polling_interval=0.1)
        )
        with pytest.raises(Fault):
            await in_thread(defer_and_fail)()
        assert await in_thread(ProcrastinateJob.objects.count)() == 0
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_an_idle_listener_of_the_channel_layer_outlives_the_clients_timeout() -> None:
    """redis-py 8 would end a blocking read after 5 s, and with it the socket that waits."""
    layer = get_channel_layer()
    assert layer is not None
    name = await layer.new_channel()
    await layer.group_add("idle", name)
    waiting = asyncio.create_task(layer.receive(name))
    done, _ = await asyncio.wait({waiting}, timeout=7)
    assert not done
    await layer.group_send("idle", {"type": "hello"})
    async with asyncio.timeout(10):
        assert await waiting == {"type": "hello"}
