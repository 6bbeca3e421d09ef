"""The circuit breaker of endpoints: one that keeps failing is asked last until it has rested.

Kept in the cache, so that all workers know at once. It only changes the order: an endpoint that is the only
one is asked all the same, and where the cache is away, nothing is known of failures.
"""

import logging
from typing import Protocol

from django.core.cache import cache
from redis.exceptions import RedisError

from betterchat.core.errors import ErrorCode

logger = logging.getLogger("betterchat.providers")

FAILURES_TO_OPEN = 3
WINDOW_SECONDS = 60
REST_SECONDS = 30

# Failures of an endpoint, where another one may do better; not of the request.
FAILS_OVER = frozenset(
    {
        ErrorCode.PROVIDER_KEY_REFUSED,
        ErrorCode.PROVIDER_PAYMENT_REQUIRED,
        ErrorCode.PROVIDER_FORBIDDEN,
        ErrorCode.PROVIDER_MODEL_NOT_FOUND,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.PROVIDER_SILENT,
        ErrorCode.PROVIDER_RATE_LIMITED,
        ErrorCode.PROVIDER_FAILED,
        ErrorCode.PROVIDER_OVERLOADED,
        ErrorCode.PROVIDER_UNREACHABLE,
        ErrorCode.PROVIDER_NOT_AN_API,
        ErrorCode.PROVIDER_STREAM_CUT,
        ErrorCode.PROVIDER_STREAM_FAILED,
        ErrorCode.ADDRESS_REFUSED,
    }
)
# Those that say nothing of the endpoint's other models.
_OF_ONE_MODEL = frozenset({ErrorCode.PROVIDER_FORBIDDEN, ErrorCode.PROVIDER_MODEL_NOT_FOUND})


class _Route(Protocol):
    @property
    def endpoint_id(self) -> int: ...


def note_failure(endpoint_id: int, code: ErrorCode) -> None:
    """Count a failed call. The third one within a minute lets the endpoint rest for half a minute."""
    if code not in FAILS_OVER - _OF_ONE_MODEL:
        return
    try:
        cache.add(_failures(endpoint_id), 0, WINDOW_SECONDS)
        if cache.incr(_failures(endpoint_id)) >= FAILURES_TO_OPEN:
            cache.set(_rests(endpoint_id), True, REST_SECONDS)
            logger.warning("endpoint %s rests for %s s after failures", endpoint_id, REST_SECONDS)
    except (RedisError, OSError, ValueError) as error:  # ValueError: the count expired in between
        logger.warning("a failure could not be counted: %s", type(error).__name__)


def note_success(endpoint_id: int) -> None:
    """A call ended well: what failed before counts no more."""
    try:
        cache.delete_many([_failures(endpoint_id), _rests(endpoint_id)])
    except (RedisError, OSError) as error:
        logger.warning("a success could not be noted: %s", type(error).__name__)


def resting(endpoint_ids: list[int]) -> set[int]:
    """Those of the endpoints that are asked last for now."""
    try:
        found = cache.get_many([_rests(endpoint_id) for endpoint_id in endpoint_ids])
    except (RedisError, OSError) as error:
        logger.warning("breakers can't be read: %s", type(error).__name__)
        return set()
    return {endpoint_id for endpoint_id in endpoint_ids if _rests(endpoint_id) in found}


def rested_last[R: _Route](routes: tuple[R, ...]) -> tuple[R, ...]:
    """The routes in their order, those of resting endpoints behind the others."""
    if len(routes) < 2:
        return routes
    tired = resting([route.endpoint_id for route in routes])
    return tuple(sorted(routes, key=lambda route: route.endpoint_id in tired))


def _failures(endpoint_id: int) -> str:
    return f"endpoint-failures:{endpoint_id}"


def _rests(endpoint_id: int) -> str:
    return f"endpoint-rests:{endpoint_id}"
