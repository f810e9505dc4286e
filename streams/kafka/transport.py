"""Faust's consumer with the gaps closed that lose or repeat work. Registered as ``safekafka://``.

What stock faust-streaming 0.15.3 does, and this file mends (each was reproduced):

* at a rebalance it forgets acknowledged offsets before it commits them: ``commit_now`` runs first;
* its arithmetic of acknowledged offsets commits past records in work, past what its streams skip while partitions
  move, and past what it takes for a gap: the ``Ledger`` alone says what may be committed;
* what it fetched before a seek it delivers after it, and what it fetched after a seek it may drop: each fetch is
  tagged in the consumer's thread, where the seeks are made, and waits in a queue until it is delivered;
* at the end of a recovery it empties its queues once more, after it has begun to fill them: nothing but what the
  recovery reads is delivered before that;
* a committed offset of 0, or none, is not sought at all, and one that the topic no longer holds is passed over in
  silence: every partition is sought explicitly, and missing records end the worker;
* it neither drains nor bounds the work in flight at a rebalance or at SIGTERM: the drain runs first;
* nothing tells a worker that was frozen that its partitions are another's by now: the ``lease``.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aiokafka.errors import IllegalStateError, OffsetOutOfRangeError
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.delivery.offsets import Ledger
from streams.kafka.fetching import Fetched, FetchThread, Mark, Spot, awake_or_not
from streams.kafka.record import RUN_RECORDS, ConsumerRecord

SCHEME = "safekafka"

#: While partitions are leaving the fetcher looks this often whether they have left (seconds).
LEAVING_POLL_SECONDS = 0.05


class MissingRecords(Exception):
    """The group stands at an offset that its topic no longer holds (or does not hold yet)."""

    remedy = (
        "Raise the topic's retention if the worker was merely away for too long. To go on with what is there: "
        "`willow-sync worker --accept-gap`, which writes the gap down; then send the missing changes again (backfill)."
    )


class LostOnTheWay(Exception):
    """A record was fetched and did not reach its agent, though a later one did. Nothing was committed past it."""

    remedy = "Start the worker again: it goes on at that record. It is a fault of ours: please report it with the log."


async def _no_drain() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the consumer asks of the worker."""

    drain: Callable[[], Awaitable[None]] = _no_drain
    """Run before partitions go: at a rebalance and at SIGTERM. Bounded in time."""
    resume: Callable[[], None] = lambda: None
    """Run before the first record of an assignment can arrive: later, it would give up what is taken on already."""
    fatal: Callable[[BaseException], None] = lambda _: None
    """Something that must end the worker."""
    gap: Callable[[TP, int, int], None] | None = None
    """Called for each gap (partition, first missing offset, the one to go on with) that the operator accepts; None:
    a gap is fatal."""


class Consumer(driver.Consumer):
    hooks: ClassVar[Hooks] = Hooks()

    #: From the first drain to the next assignment: what is delivered meanwhile is not to be worked on.
    leaving = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger: Ledger[TP] = Ledger()
        #: Fetched, in the order of delivery, and not delivered yet.
        self._undelivered: deque[Fetched] = deque()
        #: Of these the changelogs that the recovery under way reads.
        self._recovered: deque[Fetched] = deque()
        self._epoch = 0

    def _new_consumer_thread(self) -> FetchThread:
        return FetchThread(self, loop=self.loop, beacon=self.beacon)

    # -- fetching ------------------------------------------------------------------------------------------------

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Hand over what was fetched, once. What is left when Faust stops listening comes with the next call."""
        if self.leaving:
            await asyncio.sleep(LEAVING_POLL_SECONDS)
            return
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        if self._next() is None and not self.should_stop:
            await self._fetch(timeout)
        while self.flow_active and not (self.leaving or self.should_stop) and (queue := self._next()) is not None:
            tp, mark, fetched = queue.popleft()
            if self._is_changelog_tp(tp):
                if mark == Mark(self.app.consumer_generation_id, self._thread.sought[tp]):
                    yield tp, self._to_message(tp, fetched[0])
            elif run := [self._record(tp, item) for item in fetched if self.ledger.take(tp, item.offset)]:
                # Faust's own filter and its gaps stay out of it: both go by this.
                self._read_offset[tp] = None
                message = self._to_message(tp, fetched[-1])
                message.key, message.value = None, run
                yield tp, message

    def _record(self, tp: TP, fetched: Any) -> ConsumerRecord:
        return ConsumerRecord(
            tp,
            fetched.offset,
            self.app.consumer_generation_id,
            fetched.key,
            fetched.value,
            fetched.headers or (),
            fetched.timestamp,
        )

    def _next(self) -> deque[Fetched] | None:
        """The queue whose head is to be delivered now; None if nothing is."""
        if self._recovered:
            return self._recovered
        # Faust empties its own queues at the end of a recovery: all but what the recovery reads would be lost there,
        # with nothing to show for it.
        return self._undelivered if self._undelivered and not self.app.rebalancing else None

    async def _fetch(self, timeout: float) -> None:
        try:
            await self._wait_next_records(timeout)
        except OffsetOutOfRangeError as error:
            self.hooks.fatal(MissingRecords(f"records were deleted before they were read: {error}"))
            await asyncio.sleep(timeout)
            return
        waiting: list[Fetched] = []
        taken: dict[TP, list[Fetched]] = {}
        while self._thread.fetched:
            fetched = self._thread.fetched.popleft()
            if self._is_changelog_tp(fetched.tp) or fetched.mark.sought == self._epoch:
                taken.setdefault(fetched.tp, []).extend(self._runs(fetched))
                self.app.monitor.track_tp_end_offset(fetched.tp, self.highwater(fetched.tp))
            elif fetched.mark.sought > self._epoch:
                # Fetched after a seek whose answer is still on its way here.
                waiting.append(fetched)
        self._thread.fetched.extendleft(reversed(waiting))
        recovering = self.app.tables.recovery.active_tps if self.app.rebalancing else ()
        for tp, run in self.scheduler.iterate(taken):
            (self._recovered if tp in recovering else self._undelivered).append(run)

    def _runs(self, fetched: Fetched) -> Iterator[Fetched]:
        # Faust reads changelogs itself: record by record.
        length = 1 if self._is_changelog_tp(fetched.tp) else RUN_RECORDS
        for start in range(0, len(fetched.records), length):
            yield fetched._replace(records=fetched.records[start : start + length])

    async def perform_seek(self) -> None:
        """Seek each partition that is read by streams: to its committed offset, or if it is being read to where that
        stands."""
        mine = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        generation = self.app.consumer_generation_id
        if self.leaving or not mine:
            return
        spots = await self._thread.spots(mine)
        try:
            starts = {tp: self._start(tp, spot) for tp, spot in spots.items()}
        except MissingRecords as error:
            return self.hooks.fatal(error)
        try:
            epoch = await self._thread.seek_all(starts)
        except IllegalStateError:
            # Partitions were revoked meanwhile; their next assignment seeks again.
            return None
        if self.leaving or self.app.consumer_generation_id != generation:
            return None
        self._epoch = epoch
        self._undelivered = deque(item for item in self._undelivered if self._is_changelog_tp(item.tp))
        for tp, start in starts.items():
            self.ledger.open(tp, start)
        return None

    def _start(self, tp: TP, spot: Spot) -> int:
        reading = self.ledger.position(tp)
        if reading is not None:
            return reading
        if spot.committed is None or spot.earliest <= spot.committed <= spot.end:
            return spot.earliest if spot.committed is None else spot.committed
        if self.hooks.gap is None:
            raise MissingRecords(
                f"the group stands at offset {spot.committed} of {tp.topic}/{tp.partition}, "
                f"which holds {spot.earliest} to {spot.end - 1}"
            )
        self.hooks.gap(tp, spot.committed, spot.earliest)
        return spot.earliest

    # -- what becomes of a record ----------------------------------------------------------------------------------

    def reached(self, record: ConsumerRecord) -> None:
        """The record reached its agent."""
        lost = self.ledger.reach(record.tp, record.offset)
        if lost is not None:
            where = f"{record.topic}/{record.partition}"
            self.hooks.fatal(LostOnTheWay(f"record {lost} of {where} did not reach its agent, {record.offset} did"))

    def finish(self, record: ConsumerRecord) -> list[int]:
        """The record's outcome is durable. Returns the offsets of its partition that may be committed by that."""
        return self.ledger.finish(record.tp, record.offset)

    def ack(self, message: Any) -> bool:
        # Faust acknowledges what its streams skip while partitions move, though nobody worked on it.
        return False

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        return None

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        return [tp for tp, _ in self.ledger.committable()]

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        return dict(self.ledger.committable())

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if not await super()._commit(offsets):
            return False
        for tp, offset in offsets.items():
            self.ledger.reported(tp, offset)
        return True

    def lags(self) -> Iterator[tuple[tuple[str, str], float]]:
        """Topic and partition, and how many of its records are not committed yet."""
        for tp, offset in self.ledger.standing():
            # None until its first fetch.
            yield (tp.topic, str(tp.partition)), max(0, (self.highwater(tp) or offset) - offset)

    async def commit_now(self) -> None:
        # commit() returns without committing while another commit runs: the newest acks would be forgotten.
        while self._commit_fut is not None:
            await self.maybe_wait_for_commit_to_finish()
        await self.commit()

    # -- rebalances ------------------------------------------------------------------------------------------------

    def lease_age(self) -> float:
        """Seconds since the coordinator last heard from us; another owner is possible once it reaches the session
        time-out."""
        return awake_or_not() - float(self._thread.heard_at)

    async def _drain(self) -> None:
        self.leaving = True
        await self.hooks.drain()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self._drain()
        await self.commit_now()
        await super().on_partitions_revoked(revoked)
        self.ledger.close()
        self._undelivered.clear()
        self._recovered.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.hooks.resume()
        self.leaving = False
        await super().on_partitions_assigned(assigned, generation_id)

    async def wait_empty(self) -> None:
        # SIGTERM comes here, and not to on_partitions_revoked.
        await self._drain()
        # What is left was given up by the drain; Faust would wait for it without a bound, and the group for us.
        self._unacked_messages.clear()
        await super().wait_empty()


class Transport(driver.Transport):
    Consumer = Consumer


def register(aliases: Iterable[str] = (SCHEME,)) -> None:
    """Make ``safekafka://host:port`` a broker address that Faust understands."""
    for alias in aliases:
        drivers.TRANSPORTS.aliases[alias] = f"{__name__}:Transport"
