"""After an assignment: views read to the end as of then, so that what a partition's former owner wrote is seen."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from streams.tables.view import View, ViewFailed

log = logging.getLogger(__name__)

#: How long one wait for the end takes before it is said that it goes on (seconds).
REACH_SECONDS = 60.0

#: How soon the end of a topic is asked for again that could not be told (seconds).
AGAIN_SECONDS = 1.0


class CatchUp:
    """``generation`` tells the consumer group's as this worker knows it; ``then`` is called when the views have caught
    up with an assignment, ``on_fatal`` with what must end the worker."""

    def __init__(
        self,
        views: Sequence[View],
        generation: Callable[[], int],
        *,
        then: Callable[[], None],
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._views, self._generation, self._then, self._on_fatal = views, generation, then, on_fatal
        #: Of the newest assignment that anybody asked for.
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def wait(self, generation: int) -> None:
        """Until the views have caught up with this assignment; at once for one that is over."""
        task = self.begin(generation)
        if task is None:
            return
        if not task.done():
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    def begin(self, generation: int) -> "asyncio.Task[None] | None":
        """Begin with the group's newest assignment, unless that is under way. None for one that is over."""
        if generation not in self._under_way and generation == self._generation():
            task = asyncio.create_task(self._catch_up())
            task.add_done_callback(self._ended)
            for former in self._under_way.values():
                former.cancel()
            self._under_way = {generation: task}
        return self._under_way.get(generation)

    async def _catch_up(self) -> None:
        for view in self._views:
            await view.until_ready()
            while not await self._read_to_its_end(view):
                pass
        self._then()

    async def _read_to_its_end(self, view: View) -> bool:
        try:
            if await view.reached(await view.end_offsets(), seconds=REACH_SECONDS):
                return True
            log.warning("still reading %s to its end", view.topic)
        except ViewFailed as error:
            # A broker that has just come back may not know its partitions yet.
            log.warning("%s; it is asked again", error)
            await asyncio.sleep(AGAIN_SECONDS)
        return False

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fatal(error)
