"""`manage.py worker`: runs turns and periodic jobs. Start as many as wanted."""

import asyncio
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor

import psycopg_pool
import redis
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition

from betterchat.connector import PatientConnector
from betterchat.core import env
from betterchat.datafolder import require_secret
from betterchat.embedded.lifeline import exit_within, follow_parent
from chat.turns.process import running_worker

_POLL_SECONDS = 0.5  # the release of a lock sends no notification
_HEARTBEAT_SECONDS = 2.0
_STALLED_SECONDS = 8.0
_GRACE_SECONDS = 5.0
_EXIT_SECONDS = 3.0


class Command(BaseCommand):
    help = "Run one worker process."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, default=500, help="turns written at the same time")

    def handle(self, *, concurrency: int, **_options: object) -> None:
        follow_parent()
        require_secret(settings.DATA_DIR)
        try:
            uvloop.run(_work(concurrency=concurrency))
        except* (ConnectorException, psycopg_pool.PoolTimeout, DatabaseError):
            sys.exit("error: the worker lost its database, or never reached it.")
        except* redis.RedisError:
            sys.exit("error: the worker lost Redis, or never reached it.")
        exit_within(_EXIT_SECONDS)


async def _work(*, concurrency: int) -> None:
    """Work until SIGTERM or SIGINT: then fetch nothing more, give running jobs a moment, cancel the rest.

    The worker runs on a copy of the app with a connector of its own. Replacing the connector of `jobs`
    itself would store jobs outside the transaction that makes them (see `core.db.defer_job`).
    """
    threads = ThreadPoolExecutor(max_workers=env.number("DATABASE_POOL", 16), thread_name_prefix="database")
    asyncio.get_running_loop().set_default_executor(threads)
    connector = PatientConnector(
        conninfo=settings.DATABASE_URL_DIRECT,
        min_size=1,
        max_size=6,
        kwargs={"application_name": "betterchat-worker", "connect_timeout": 10},
    )
    async with jobs.with_connector(connector).open_async() as app, running_worker(app):
        await app.run_worker_async(
            concurrency=concurrency,
            fetch_job_polling_interval=_POLL_SECONDS,
            abort_job_polling_interval=_POLL_SECONDS,
            update_heartbeat_interval=_HEARTBEAT_SECONDS,
            stalled_worker_timeout=_STALLED_SECONDS,
            shutdown_graceful_timeout=_GRACE_SECONDS,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
        )
