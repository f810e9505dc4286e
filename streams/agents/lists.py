"""Willow's own lists for the planner: read at start, every ten minutes, once more before ``unmapped_`` is said."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from streams.planning.lists import Listed, WillowLists
from streams.willow import JobType, WillowClient, WillowError

log = logging.getLogger(__name__)

REFRESH_SECONDS = 600.0

#: Lists younger than this are not read again for an unmapped value: a portfolio of wrong values would ask for each.
FRESH_SECONDS = 15.0

#: Between attempts while Willow does not answer.
RETRY_SECONDS = 2.0


class Lists:
    """``current`` is None until they were read; the planner waits for that. ``clock`` is monotonic seconds."""

    def __init__(self, client: WillowClient, *, clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._read_at = 0.0
        self._lock = asyncio.Lock()
        self._known = asyncio.Event()
        self.current: WillowLists | None = None
        self.problem: str | None = None

    async def get(self) -> WillowLists:
        """The newest lists; waits for the first ones."""
        await self._known.wait()
        assert self.current is not None
        return self.current

    async def newer(self, than: WillowLists) -> WillowLists:
        """Read once more, unless they are fresh; those in hand if Willow does not answer."""
        async with self._lock:
            if self.current is than and self._clock() - self._read_at > FRESH_SECONDS:
                await self._try_to_read()
        return await self.get()

    async def keep(self) -> None:
        """For ever: read at start and every ten minutes."""
        while True:
            async with self._lock:
                good = await self._try_to_read()
            await asyncio.sleep(REFRESH_SECONDS if good else RETRY_SECONDS)

    async def _try_to_read(self) -> bool:
        try:
            self.current = await read_lists(self._client)
        except WillowError as error:
            if self.problem is None:
                log.warning("Willow's lists can't be read, planning waits for them: %s", error)
            self.problem = str(error)
            return False
        self.problem = None
        self._read_at = self._clock()
        self._known.set()
        return True


async def read_lists(client: WillowClient) -> WillowLists:
    """All five. Raises WillowError."""
    statuses, priorities = await client.statuses(), await client.priorities()
    categories, job_types = await client.categories(), await client.job_types()
    services = await client.services_needed()
    return WillowLists(
        statuses=tuple(Listed(item.id, item.name) for item in statuses),
        priorities=tuple(Listed(item.id, item.name) for item in priorities),
        categories=tuple(Listed(c.id, c.name, c.is_active, frozenset(c.locations)) for c in categories),
        job_types=tuple(_plain(job_types)),
        services=tuple(
            Listed(s.id, s.name, s.is_active, frozenset(s.locations), category_id=s.category_id) for s in services
        ),
    )


def _plain(entries: Iterable[JobType]) -> Iterable[Listed]:
    return (Listed(item.id, item.name, item.is_active) for item in entries)
