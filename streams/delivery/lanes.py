"""One order at a time, many orders at once: per-key sequencing with a bounded number of workers.

A lane holds the waiting records of one order. A worker takes all that wait in a lane, carries them out, and goes on to
the next lane that has work: an order whose calls take long costs one worker, never a partition.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Draining(Exception):
    """Give the records up without an acknowledgement: their partition leaves, and its next owner gets them again."""


class Lanes(Generic[T]):
    """``handle(key, batch)`` carries a batch out; it may raise Draining. Any other exception goes to ``on_error``,
    and its records stay unacknowledged."""

    def __init__(
        self,
        handle: Callable[[str, list[T]], Awaitable[None]],
        *,
        workers: int,
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._handle, self._limit, self._on_error = handle, workers, on_error
        self._lanes: dict[str, deque[T]] = {}
        self._ready: deque[str] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._protected: set[asyncio.Task[None]] = set()
        #: Set while partitions are leaving; every wait inside a handler ends with Draining then.
        self.draining = asyncio.Event()

    def put(self, key: str, item: T) -> None:
        """Queue a record behind the others of its key; while partitions leave it is dropped, for it comes again."""
        if self.draining.is_set():
            # It would lie here until the partitions are another's, and then be carried out.
            return
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(item)
            return
        self._lanes[key] = deque((item,))
        self._ready.append(key)
        self._start_worker()

    def _start_worker(self) -> None:
        if self._ready and len(self._running) < self._limit and not self.draining.is_set():
            task = asyncio.create_task(self._work())
            self._running.add(task)
            task.add_done_callback(self._finished)

    async def _work(self) -> None:
        while self._ready and not self.draining.is_set():
            key = self._ready.popleft()
            lane = self._lanes[key]
            batch = list(lane)
            lane.clear()
            with suppress(Draining):
                await self._handle(key, batch)
            # A lane without work is forgotten; one with new work goes to the back of the queue, so that one busy
            # order can't keep a worker from the others.
            if lane and not self.draining.is_set():
                self._ready.append(key)
            elif self._lanes.get(key) is lane:
                # One that outlived a drain must not take away the lane that its key has since.
                del self._lanes[key]

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._protected.discard(task)
        if task.cancelled():
            if not self.draining.is_set():
                # Something it waited for was cancelled: in silence its records would hold up the partition for ever.
                self._on_error(RuntimeError("a record was given up: what it waited for was cancelled"))
        elif (error := task.exception()) is not None:
            self._on_error(error)
        # A record that came between a worker's last look and this call counted on it.
        self._start_worker()

    @contextmanager
    def protected(self) -> Iterator[None]:
        """While a create is under way its task is not cancelled: a PUT that nobody waits for is a doubt."""
        task = asyncio.current_task()
        assert task is not None
        self._protected.add(task)
        try:
            yield
        finally:
            self._protected.discard(task)

    async def until(self, waited: Awaitable[object], seconds: float | None = None) -> None:
        """Wait for something, or for this long; raises Draining as soon as partitions leave."""
        work = asyncio.ensure_future(waited)
        if self.draining.is_set():
            work.cancel()
            raise Draining
        drain = asyncio.ensure_future(self.draining.wait())
        try:
            await asyncio.wait({work, drain}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if drain.done() and not work.done():
                raise Draining
            if work.done():
                work.result()
        finally:
            for task in (work, drain):
                task.cancel()

    async def pause(self, seconds: float) -> None:
        """Sleep; raises Draining as soon as partitions leave."""
        await self.until(asyncio.sleep(seconds))

    async def drain(self, grace: float, create_grace: float) -> None:
        """Stop taking lanes; let what runs end within ``grace`` seconds, creates within ``create_grace``."""
        self.draining.set()
        if self._running:
            await asyncio.wait(set(self._running), timeout=grace)
        for task in self._running - self._protected:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=max(0.0, create_grace - grace))
        late = set(self._running)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5.0)
        self._lanes.clear()
        self._ready.clear()

    def resume(self) -> None:
        """Partitions were assigned again."""
        self.draining.clear()
