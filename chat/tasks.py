"""The jobs that workers run. Each is a name for one function of a room; found by procrastinate."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app as jobs

from betterchat.core.db import in_thread
from chat.conversations import purge_deleted
from chat.turns.jobs import BACKGROUND_QUEUE, MAKE_TITLE, PURGE_DELETED, RUN_TURN, TURNS_QUEUE
from chat.turns.process import recorder, warm_up
from chat.turns.runner import run_turn
from chat.turns.titles import make_title
from providers.environment import sync_from_environment

# A database that is away for a moment is no reason to give up what was asked for.
_WHEN_BACK = RetryStrategy(max_attempts=10, wait=2, retry_exceptions=(OperationalError, InterfaceError))


@jobs.task(name=RUN_TURN, queue=TURNS_QUEUE, retry=_WHEN_BACK)
async def run_turn_job(turn_id: str) -> None:
    await run_turn(UUID(turn_id), recorder=recorder())


@jobs.task(name=MAKE_TITLE, queue=BACKGROUND_QUEUE, retry=_WHEN_BACK)
async def make_title_job(turn_id: str) -> None:
    await make_title(UUID(turn_id))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="sync_environment", queue=BACKGROUND_QUEUE, queueing_lock="sync_environment")
async def sync_environment_job(timestamp: int) -> None:
    """A local Ollama may come and go."""
    await in_thread(sync_from_environment)()
    await warm_up()


@jobs.periodic(cron="17 * * * *")
@jobs.task(name=PURGE_DELETED, queue=BACKGROUND_QUEUE, queueing_lock=PURGE_DELETED)
async def purge_deleted_job(timestamp: int) -> None:
    await in_thread(purge_deleted)(before=timezone.now() - timedelta(days=settings.TRASH_DAYS))


@jobs.periodic(cron="47 * * * *")
@jobs.task(name="purge_jobs", queue=BACKGROUND_QUEUE, queueing_lock="purge_jobs")
async def purge_jobs_job(timestamp: int) -> None:
    """Finished jobs leave with their end; failed ones are kept a week for the operator."""
    await jobs.job_manager.delete_old_jobs(nb_hours=24 * 7, include_failed=True, include_cancelled=True)
