"""Who may write: only the attempt that took a turn last."""

import asyncio
import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from betterchat.core.db import in_thread

logger = logging.getLogger(__name__)

RETRY_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)


class Fenced(Exception):
    """Another worker has the turn, or it has ended."""


async def patiently[**P, R](fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function of the database; one that restarts meanwhile is waited for, about a minute."""
    for seconds in RETRY_SECONDS:
        try:
            return await in_thread(fn)(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the database is waited for: %s", type(error).__name__)
            await asyncio.sleep(seconds)
    return await in_thread(fn)(*args, **kwargs)
