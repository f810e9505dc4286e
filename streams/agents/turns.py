"""Taking turns at a ticket that several orders name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streams.delivery.lanes import Lanes


class Turns:
    """Within this worker. Holds as many tickets as lanes have workers, at most: each worker has one turn at a time."""

    def __init__(self, lanes: Lanes[Any]) -> None:
        self._lanes = lanes
        self._taken: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def of(self, ticket_id: str) -> AsyncIterator[None]:
        """Wait for the turn and keep it; raises Draining if partitions leave before it comes."""
        while (ended := self._taken.get(ticket_id)) is not None:
            await self._lanes.until(ended.wait())
        self._taken[ticket_id] = ended = asyncio.Event()
        try:
            yield
        finally:
            del self._taken[ticket_id]
            ended.set()
