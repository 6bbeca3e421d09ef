"""The worker's way to the database: one that waits where procrastinate's own would end the worker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, LiteralString

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
_RETRY_SECONDS = 0.5


class PatientConnector(PsycopgConnector):
    """Asks again while the database is away, for a minute.

    procrastinate stops its worker on the first failed query of a side task, and with it every answer that
    is being written. A query whose commit was not heard of is made twice. Callers bear that, but for the
    fetching of jobs: the one fetched unheard stays with this worker, not run, until the worker ends.
    """

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        try:
            await _patiently(lambda: super(PatientConnector, self).execute_query_async(query, **arguments))
        except ConnectorException as error:
            # A job that was given to another worker while we could not be heard has no end to be stored.
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                raise
            logger.info("a job went on elsewhere")

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        return await _patiently(
            lambda: super(PatientConnector, self).execute_query_one_async(query, **arguments)
        )

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[dict[str, Any]]:
        return await _patiently(
            lambda: super(PatientConnector, self).execute_query_all_async(query, **arguments)
        )

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Meanwhile jobs are found by polling."""
        names = list(channels)
        while True:
            try:
                await super().listen_notify(on_notification=on_notification, channels=names)
            except ConnectorException as error:
                if not _is_away(error):
                    raise
                await asyncio.sleep(_RETRY_SECONDS)


async def _patiently[R](ask: Callable[[], Awaitable[R]]) -> R:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except ConnectorException as error:
            if not _is_away(error) or loop.time() > deadline:
                raise
            logger.warning("the database is away: %s", type(error.__cause__).__name__)
            await asyncio.sleep(_RETRY_SECONDS)


def _is_away(error: ConnectorException) -> bool:
    """No connection, or one that broke; not a query that was refused."""
    return isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError)
