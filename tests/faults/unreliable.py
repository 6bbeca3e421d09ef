"""A channel layer as bad as a network: of 100 events it loses 5, repeats 5 and delays 5 behind others."""

import asyncio
import random
from typing import Any

from chat.sockets.layer import RoomLayer

SHARE = 0.05
DELAY_SECONDS = 0.3


class UnreliableLayer(RoomLayer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._late: set[asyncio.Task[None]] = set()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        fate = random.random()
        if fate < SHARE:
            return
        if fate < 2 * SHARE:
            await super().group_send(group, message)
        elif fate < 3 * SHARE:
            task = asyncio.create_task(self._send_late(group, message))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return
        await super().group_send(group, message)

    async def _send_late(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        await super().group_send(group, message)
