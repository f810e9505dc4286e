"""Faust's consumer with the gaps closed that lose or repeat work. Registered as ``safekafka://``.

What stock faust-streaming 0.15.3 does, and this file mends (each was reproduced):

* at a rebalance it forgets acknowledged offsets before it commits them: ``commit_now`` runs first;
* it may commit past a record that is still being worked on: ``_new_offset`` is capped by the lowest such record;
* it neither drains nor bounds the work in flight at a rebalance or at SIGTERM: ``drains`` run first;
* it acknowledges what its streams skip while partitions move: ``ack`` takes only what was delivered;
* nothing tells a worker that was frozen that its partitions are another's by now: the ``lease``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, ClassVar

from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

SCHEME = "safekafka"

Drain = Callable[[], Awaitable[None]]


class LeaseThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread, which notes when the group coordinator last heard from us."""

    #: Monotonic time of *sending* the last heartbeat, or of the join, that the coordinator accepted: it can't
    #: have given our partitions away before that time plus the session time-out.
    heard_at = 0.0

    async def on_start(self) -> None:
        await super().on_start()
        coordinator = self._consumer._coordinator
        beat, joined = coordinator._do_heartbeat, coordinator._on_join_complete

        async def do_heartbeat() -> bool:
            sent_at, generation = time.monotonic(), coordinator.generation
            accepted: bool = await beat()
            # A join may have come in between: then this heartbeat speaks for an older generation.
            if accepted and generation == coordinator.generation:
                self.heard_at = sent_at
            return accepted

        async def on_join_complete(*args: Any) -> Any:
            self.heard_at = time.monotonic()
            return await joined(*args)

        coordinator._do_heartbeat, coordinator._on_join_complete = do_heartbeat, on_join_complete


class Consumer(driver.Consumer):
    #: Run, in turn, before partitions go: at a rebalance and at SIGTERM. Each is bounded in time.
    drains: ClassVar[list[Drain]] = []

    #: Run before the first record of an assignment can arrive: later, they would give up what is taken on already.
    resumes: ClassVar[list[Callable[[], None]]] = []

    #: From the first drain to the next assignment: what is delivered meanwhile is not to be worked on.
    leaving = False

    #: Counts what moves the read position; a batch carries the count of when it came.
    _epoch = _batch_epoch = 0

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        records = await super()._getmany(active_partitions, timeout)
        self._batch_epoch = self._epoch
        return records

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        async for tp, message in super().getmany(timeout):
            # The rest of a batch that came before a rebalance would be delivered as the new generation's: Faust takes
            # what lies between the committed offset and it for a gap, and drops what is read again as known.
            if self._batch_epoch == self._epoch or self._is_changelog_tp(tp):
                yield tp, message

    async def perform_seek(self) -> None:
        self._epoch += 1
        await super().perform_seek()
        self._epoch += 1

    def ack(self, message: Any) -> bool:
        # Faust acknowledges what its streams skip while partitions move, though nobody worked on it: the commit
        # before the revocation would go over it. What was delivered is tracked.
        return bool(message.tracked and super().ack(message))

    def _new_consumer_thread(self) -> LeaseThread:
        return LeaseThread(self, loop=self.loop, beacon=self.beacon)

    def lease_age(self) -> float:
        """Seconds since the coordinator last heard from us; another owner is possible once it reaches the session
        time-out."""
        return time.monotonic() - float(self._thread.heard_at)

    async def commit_now(self) -> None:
        # commit() returns without committing while another commit runs: the newest acks would be forgotten.
        while self._commit_fut is not None:
            await self.maybe_wait_for_commit_to_finish()
        await self.commit()

    async def _drain(self) -> None:
        self.leaving = True
        for drain in self.drains:
            await drain()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self._drain()
        await self.commit_now()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        for resume in self.resumes:
            resume()
        self.leaving = False
        await super().on_partitions_assigned(assigned, generation_id)

    async def wait_empty(self) -> None:
        # SIGTERM comes here, and not to on_partitions_revoked.
        await self._drain()
        # What is left was given up by the drains; Faust would wait for it without a bound, and the group for us.
        self._unacked_messages.clear()
        await super().wait_empty()

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        in_work = min((m.offset for m in list(self._unacked_messages) if m.tp == tp and not m.acked), default=None)
        held = [offset for offset in acked if in_work is not None and offset >= in_work]
        if not held:
            return self._passable(tp)
        acked[:] = [offset for offset in acked if offset < in_work]
        try:
            return self._passable(tp) if acked else None
        finally:
            acked.extend(held)

    def _passable(self, tp: TP) -> int | None:
        offset: int | None = super()._new_offset(tp)
        return offset


class Transport(driver.Transport):
    Consumer = Consumer


def register(aliases: Iterable[str] = (SCHEME,)) -> None:
    """Make ``safekafka://host:port`` a broker address that Faust understands."""
    for alias in aliases:
        drivers.TRANSPORTS.aliases[alias] = f"{__name__}:Transport"


async def bounded(tasks: set[asyncio.Task[Any]], seconds: float) -> set[asyncio.Task[Any]]:
    """Wait for tasks at most this long; returns those that were late (still running)."""
    if not tasks:
        return set()
    _, late = await asyncio.wait(tasks, timeout=seconds)
    return late
