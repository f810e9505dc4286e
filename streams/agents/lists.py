"""Willow's own lists for the planner: read at start, every ten minutes, once more before ``unmapped_`` is said."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable

from streams.planning.lists import Listed, WillowLists
from streams.willow import JobType, WillowClient, WillowError

log = logging.getLogger(__name__)

REFRESH_SECONDS = 600.0

#: After an attempt, good or not, none is made for an unmapped value for this long: a portfolio of wrong values would
#: ask for each.
FRESH_SECONDS = 15.0

#: How long after its begin a read is waited for by a record of an unmapped value; the records behind it wait with it.
WAIT_SECONDS = 5.0

#: Between attempts while Willow does not answer.
RETRY_SECONDS = 2.0


class Lists:
    """``current`` is None until they were read; the planner waits for that. ``clock`` is monotonic seconds."""

    def __init__(self, client: WillowClient, *, clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._reading: asyncio.Task[bool] | None = None
        self._begun_at = self._ended_at = -math.inf
        self._known = asyncio.Event()
        self.current: WillowLists | None = None
        self.problem: str | None = None

    async def get(self) -> WillowLists:
        """The newest lists; waits for the first ones."""
        await self._known.wait()
        assert self.current is not None
        return self.current

    async def newer(self, than: WillowLists) -> WillowLists:
        """Read once more, unless that was tried just now; those in hand if Willow does not answer within WAIT_SECONDS.
        The read goes on, and no later record waits for it again."""
        if self.current is than:
            reading = self._reading
            if reading is None and self._clock() - self._ended_at > FRESH_SECONDS:
                reading = self._read()
            left = self._begun_at + WAIT_SECONDS - self._clock()
            if reading is not None and left > 0:
                done, _ = await asyncio.wait({reading}, timeout=left)
                if done and not reading.cancelled():
                    reading.result()  # a fault of ours is raised, not passed over
        return await self.get()

    async def keep(self) -> None:
        """For ever: read at start and every ten minutes."""
        try:
            while True:
                good = await self._read()
                await asyncio.sleep(REFRESH_SECONDS if good else RETRY_SECONDS)
        finally:
            if self._reading is not None:
                self._reading.cancel()

    def _read(self) -> "asyncio.Task[bool]":
        """One read at a time: the one that goes on, else a new one."""
        if self._reading is None:
            self._begun_at = self._clock()
            self._reading = asyncio.create_task(self._try_to_read())
        return self._reading

    async def _try_to_read(self) -> bool:
        try:
            self.current = await read_lists(self._client)
        except WillowError as error:
            if self.problem is None:
                what = "planning waits for them" if self.current is None else "planning goes on with those in hand"
                log.warning("Willow's lists can't be read, %s: %s", what, error.with_remedy)
            self.problem = error.with_remedy
            return False
        finally:
            self._reading, self._ended_at = None, self._clock()
        self.problem = None
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
