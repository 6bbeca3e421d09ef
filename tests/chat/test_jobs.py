"""Jobs live and die with the transaction that makes them, in every kind of process."""

import asyncio
import uuid
from datetime import datetime, timedelta

import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app as jobs
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.jobs import Status
from psycopg.conninfo import make_conninfo

from betterchat.connector import PatientConnector
from betterchat.core.db import in_thread
from chat.turns.jobs import defer_run

pytestmark = pytest.mark.django_db(transaction=True)


class Fault(Exception):
    pass


def own_conninfo() -> str:
    """Of the database of this test run."""
    database = settings.DATABASES["default"]
    return make_conninfo(
        host=database["HOST"], user=database["USER"], password=database["PASSWORD"], dbname=database["NAME"]
    )


def defer_and_fail() -> None:
    with transaction.atomic():
        defer_run(uuid.uuid4())
        assert ProcrastinateJob.objects.count() == 1
        raise Fault


async def test_a_rolled_back_job_does_not_exist_in_a_process_that_runs_a_worker() -> None:
    connector = PsycopgConnector(conninfo=own_conninfo())
    async with jobs.with_connector(connector).open_async() as app:
        worker = asyncio.create_task(
            app.run_worker_async(wait=True, install_signal_handlers=False, fetch_job_polling_interval=0.1)
        )
        with pytest.raises(Fault):
            await in_thread(defer_and_fail)()
        assert await in_thread(ProcrastinateJob.objects.count)() == 0
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_worker_outlives_the_end_of_all_its_connections() -> None:
    """procrastinate's own connector would stop it, and with it every answer that is being written."""
    connector = PatientConnector(conninfo=own_conninfo(), kwargs={"application_name": "patient"})
    async with jobs.with_connector(connector).open_async() as app:
        worker = asyncio.create_task(
            app.run_worker_async(
                install_signal_handlers=False, fetch_job_polling_interval=0.1, update_heartbeat_interval=0.1
            )
        )
        async with asyncio.timeout(20):
            while not await in_thread(heartbeat)() or not await in_thread(end_connections)():
                await asyncio.sleep(0.05)
            ended = timezone.now()
            while (heard := await in_thread(heartbeat)()) is None or heard < ended + timedelta(seconds=1):
                await asyncio.sleep(0.05)
        assert not worker.done()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_the_end_of_a_job_that_went_on_elsewhere_is_no_failure() -> None:
    async with jobs.with_connector(PatientConnector(conninfo=own_conninfo())).open_async() as app:
        await app.job_manager.finish_job_by_id_async(job_id=0, status=Status.SUCCEEDED, delete_job=True)


def heartbeat() -> datetime | None:
    workers = ProcrastinateWorker.objects.order_by("-id")
    return workers.values_list("last_heartbeat", flat=True).first()


def end_connections() -> int:
    """How many connections of the worker were ended, its listener's among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FILTER (WHERE query LIKE 'LISTEN%%')"
            " FROM pg_stat_activity WHERE application_name = 'patient'"
        )
        return int(cursor.fetchone()[0])


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
