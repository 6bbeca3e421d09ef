"""The channel layer for room events: Channels' own for Redis, whose listeners outlive Redis."""

import asyncio
import logging
import random
from typing import Any

from channels_redis.core import RedisChannelLayer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

EVENTS_LOST = "events.lost"
RETRY_SECONDS = 1.0


class RoomLayer(RedisChannelLayer):  # type: ignore[misc] # channels_redis has no types
    """Where the connection breaks, Channels ends every socket that listens with an uncaught error.

    Here `receive` waits for Redis and then returns a message of type `events.lost`: what was sent
    meanwhile did not arrive, and the groups may be forgotten.
    """

    async def receive(self, channel: str) -> dict[str, Any]:
        try:
            message: dict[str, Any] = await super().receive(channel)
        except (RedisError, OSError) as error:
            logger.warning("room events can't be heard: %s", type(error).__name__)
            await self._wait_for_redis()
            return {"type": EVENTS_LOST}
        return message

    async def _wait_for_redis(self) -> None:
        while True:
            # A random while: all sockets of the process wait here together.
            await asyncio.sleep(RETRY_SECONDS * random.uniform(0.2, 1))  # noqa: S311
            try:
                await self.connection(0).ping()
            except (RedisError, OSError):
                continue
            return
