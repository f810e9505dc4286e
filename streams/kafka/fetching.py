"""The thread in which aiokafka runs: fetches and seeks, tagged so that the one can be told from before the other, and
the lease."""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from aiokafka.errors import NoOffsetForPartitionError
from aiokafka.protocol.group import SyncGroupRequest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

#: What a commit may take (seconds).
COMMIT_SECONDS = 5.0

#: What the consumer may take to leave its group and to close its connections (seconds).
STOP_SECONDS = 10.0


class Spot(NamedTuple):
    """Offsets of one partition, as the broker said at one moment."""

    committed: int | None
    earliest: int
    end: int


class Mark(NamedTuple):
    """When a record was fetched: what was fetched before its partition was sought must not be delivered after it."""

    generation: int
    """The group's."""
    sought: int
    """How often the partition had been sought, for a changelog; for the others the ``epoch``."""


class Fetched(NamedTuple):
    tp: TP
    mark: Mark
    records: list[Any]


def awake_or_not() -> float:
    """Seconds since some moment, those included in which the machine was suspended: the coordinator counts them too.
    Where the system has no such clock (Linux has), they are not."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class FetchThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread: it notes when the group coordinator last heard from us, and tags what it fetches."""

    #: When the last heartbeat, or the join's last request, was *sent* that the coordinator accepted (``awake_or_not``):
    #: it can't have given our partitions away before that time plus the session time-out.
    heard_at = 0.0
    _synced_at = 0.0

    #: Counts the seeks of the streams' partitions; changed in this thread only, as the positions are.
    epoch = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        #: How often each changelog partition was sought: Faust's recovery seeks them one by one.
        self.sought: Counter[TP] = Counter()
        #: Fetched and not taken over by the main thread yet; bounded, since it is emptied before each fetch.
        self.fetched: deque[Fetched] = deque()

    async def on_start(self) -> None:
        await super().on_start()
        coordinator = self._consumer._coordinator
        beat, joined, send = coordinator._do_heartbeat, coordinator._on_join_complete, coordinator._send_req

        async def do_heartbeat() -> bool:
            sent_at, generation = awake_or_not(), coordinator.generation
            accepted: bool = await beat()
            # A join may have come in between: then this heartbeat speaks for an older generation.
            if accepted and generation == coordinator.generation:
                self.heard_at = sent_at
            return accepted

        async def send_req(request: Any) -> Any:
            if isinstance(request, SyncGroupRequest):
                self._synced_at = awake_or_not()
            return await send(request)

        async def on_join_complete(*args: Any) -> Any:
            # Not now: who was frozen before he read the answer may have lost the partitions that it gives him.
            self.heard_at = self._synced_at
            return await joined(*args)

        coordinator._do_heartbeat, coordinator._on_join_complete = do_heartbeat, on_join_complete
        coordinator._send_req = send_req

    async def on_thread_stop(self) -> None:
        # While a broker is away aiokafka is hit by its own cancellation here, and Faust would wait a minute for it.
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await super().on_thread_stop()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                committed: bool = await super()._commit(offsets)
                return committed
        except TimeoutError:
            # aiokafka asks for the coordinator for ever, and a stop would wait for it. What was not committed is
            # committed with the next, or comes again.
            return False

    async def _fetch_records(self, consumer: Any, active_partitions: set[TP], **limits: Any) -> Mapping[TP, list[Any]]:
        try:
            records = await super()._fetch_records(consumer, active_partitions, **limits)
        except NoOffsetForPartitionError:
            # Assigned a moment ago and not sought yet.
            return {}
        for tp, batch in records.items():
            # Here, and not where the call returns: a caller that was cancelled meanwhile would lose them.
            sought = self.sought[tp] if self.consumer._is_changelog_tp(tp) else self.epoch
            self.fetched.append(Fetched(tp, Mark(self.app.consumer_generation_id, sought), batch))
        return {}

    async def spots(self, partitions: Collection[TP]) -> dict[TP, Spot]:
        """Where the group and the logs stand."""
        spots: dict[TP, Spot] = await self.call_thread(self._spots, partitions)
        return spots

    async def _spots(self, partitions: Collection[TP]) -> dict[TP, Spot]:
        consumer = self._ensure_consumer()
        theirs = {tp: driver.ensure_aiokafka_TP(tp) for tp in partitions}
        committed = await consumer._coordinator.fetch_committed_offsets(list(theirs.values()))
        earliest = await consumer.beginning_offsets(list(theirs.values()))
        ends = await consumer.end_offsets(list(theirs.values()))
        return {tp: Spot(_known(committed.get(their)), earliest[their], ends[their]) for tp, their in theirs.items()}

    async def seek_all(self, starts: Mapping[TP, int]) -> int:
        """Seek; returns the epoch of what is fetched from now on. Raises IllegalStateError if one was revoked."""
        epoch: int = await self.call_thread(self._seek_all, starts)
        return epoch

    async def _seek_all(self, starts: Mapping[TP, int]) -> int:
        # No await in between: what was fetched before the seek must not carry the new epoch, nor the other way round.
        for tp, offset in starts.items():
            self._ensure_consumer().seek(driver.ensure_aiokafka_TP(tp), offset)
        self.epoch += 1
        return self.epoch

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        self.sought.update(partitions.keys())
        await super()._seek_wait(consumer, partitions)


def _known(committed: Any) -> int | None:
    return None if committed is None or committed.offset < 0 else committed.offset
