"""The consumer's mends (faust-streaming 0.15.3), on the real class with as much of Faust around it as it looks at."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from faust.transport import drivers
from faust.transport.consumer import IntervalTree
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.kafka import transport
from streams.kafka.transport import Consumer, LeaseThread, bounded, register

P0, P1 = TP("intents", 0), TP("intents", 1)


class InWork:
    """A message as the consumer tracks it."""

    def __init__(self, offset: int, tp: TP = P0) -> None:
        self.tp, self.offset, self.acked = tp, offset, False


class Bookkeeping(Consumer):
    """The consumer without a broker: only what it knows of offsets."""

    def __init__(self, committed: int | None = None) -> None:
        self._acked: defaultdict[TP, list[int]] = defaultdict(list)
        self._acked_index: defaultdict[TP, set[int]] = defaultdict(set)
        self._gap: defaultdict[TP, IntervalTree] = defaultdict(IntervalTree)
        self._committed_offset: defaultdict[TP, int | None] = defaultdict(lambda: committed)
        self._unacked_messages: set[InWork] = set()
        self._commit_fut: asyncio.Future[None] | None = None
        self.calls: list[str] = []

    def take(self, *offsets: int) -> list[InWork]:
        taken = [InWork(offset) for offset in offsets]
        self._unacked_messages.update(taken)
        return taken

    def finish(self, message: InWork) -> None:
        message.acked = True
        self._unacked_messages.discard(message)
        self._acked[message.tp].append(message.offset)
        self._acked_index[message.tp].add(message.offset)

    def new_offset(self) -> int | None:
        return self._new_offset(P0)

    def commit_while_there_is_more(self) -> int | None:
        """Faust passes a gap and what lies behind it in commits that follow each other."""
        found = None
        while (offset := self.new_offset()) is not None:
            if self._should_commit(P0, offset):
                found = self._committed_offset[P0] = offset
        return found


def test_nothing_acknowledged_nothing_to_commit() -> None:
    consumer = Bookkeeping()
    assert consumer.new_offset() is None
    consumer.take(0, 1)
    assert consumer.new_offset() is None


def test_as_far_as_all_is_done() -> None:
    consumer = Bookkeeping()
    for message in consumer.take(0, 1, 2):
        consumer.finish(message)
    assert consumer.new_offset() == 3


def test_never_past_one_in_work() -> None:
    consumer = Bookkeeping()
    first, second, third, fourth = consumer.take(0, 1, 2, 3)
    consumer.finish(third)
    assert consumer.new_offset() is None, "stock Faust says 3 here: 0 and 1 would be lost"
    consumer.finish(first)
    assert consumer.new_offset() == 1
    consumer._committed_offset[P0] = 1
    consumer.finish(second)
    assert consumer.new_offset() == 3
    consumer._committed_offset[P0] = 3
    consumer.finish(fourth)
    assert consumer.new_offset() == 4


def test_the_first_after_the_committed_one_is_not_skipped() -> None:
    """Stock Faust allows a gap of one before it (faust-streaming/faust#606)."""
    consumer = Bookkeeping(committed=10)
    _, second = consumer.take(10, 11)
    consumer.finish(second)
    assert consumer.new_offset() is None


def test_a_gap_in_the_log_is_passed() -> None:
    consumer = Bookkeeping(committed=10)
    first, second, third = consumer.take(10, 14, 15)
    consumer._gap[P0].addi(11, 15)
    consumer.finish(first)
    assert consumer.commit_while_there_is_more() == 11
    consumer.finish(third)
    assert consumer.commit_while_there_is_more() is None, "14 is in work"
    consumer.finish(second)
    assert consumer.commit_while_there_is_more() == 16


def test_work_in_another_partition_holds_nothing() -> None:
    consumer = Bookkeeping()
    consumer._unacked_messages.add(InWork(0, P1))
    (message,) = consumer.take(0)
    consumer.finish(message)
    assert consumer.new_offset() == 1


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_any_order_of_ends_no_unfinished_one_is_passed_and_all_is_committed_at_last(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, 5))
    gaps = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=12))
    offsets = [start + sum(gaps[:at]) for at in range(len(gaps))]
    consumer = Bookkeeping(committed=start or None)
    messages = consumer.take(*offsets)
    for before, after in itertools.pairwise(offsets):
        if after - before > 1:
            consumer._gap[P0].addi(before + 1, after + 1)
    committed = start
    while messages:
        ended: InWork = data.draw(st.sampled_from(messages))
        messages.remove(ended)
        consumer.finish(ended)
        committed = consumer.commit_while_there_is_more() or committed
        assert committed <= min((message.offset for message in messages), default=committed)
    assert committed == offsets[-1] + 1


# -- partitions that go and come -------------------------------------------------------------------------------------


@pytest.fixture
def faust(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Faust's own consumer does at these moments is noted, not done."""

    def noting(name: str) -> Any:
        async def note(self: Bookkeeping, *_: Any, **__: Any) -> None:
            self.calls.append(f"{name} unacked={len(self._unacked_messages)} leaving={self.leaving}")

        return note

    for name in ("on_partitions_revoked", "on_partitions_assigned", "wait_empty", "commit"):
        monkeypatch.setattr(driver.Consumer, name, noting(name))


@pytest.fixture
def drains() -> Iterator[list[Any]]:
    before, Consumer.drains = Consumer.drains, []
    yield Consumer.drains
    Consumer.drains = before


@pytest.mark.usefixtures("faust")
async def test_a_rebalance_drains_and_commits_before_faust_forgets(drains: list[Any]) -> None:
    consumer = Bookkeeping()

    async def drain() -> None:
        consumer.calls.append(f"drain leaving={consumer.leaving}")

    drains += [drain, drain]
    await consumer.on_partitions_revoked({P0})
    assert consumer.calls == [
        "drain leaving=True",
        "drain leaving=True",
        "commit unacked=0 leaving=True",
        "on_partitions_revoked unacked=0 leaving=True",
    ]
    await consumer.on_partitions_assigned({P0}, 2)
    assert consumer.calls[-1] == "on_partitions_assigned unacked=0 leaving=False"


@pytest.mark.usefixtures("faust", "drains")
async def test_nothing_is_waited_for_that_the_drains_gave_up() -> None:
    """Faust waits without a bound: a rebalance, and SIGTERM, hung on one record that nobody works on."""
    consumer = Bookkeeping()
    consumer.take(0, 1)
    await consumer.wait_empty()
    assert consumer.calls == ["wait_empty unacked=0 leaving=True"]


@pytest.mark.usefixtures("faust")
async def test_a_commit_under_way_does_not_swallow_the_last_one() -> None:
    consumer = Bookkeeping()
    under_way: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    consumer._commit_fut = under_way
    last = asyncio.create_task(consumer.commit_now())
    await asyncio.sleep(0)
    assert consumer.calls == []
    consumer._commit_fut = None
    under_way.set_result(None)
    await last
    assert consumer.calls == ["commit unacked=0 leaving=False"]


# -- the lease -------------------------------------------------------------------------------------------------------


class Coordinator:
    """Answers heartbeats as it is told to; a join may come in between."""

    def __init__(self) -> None:
        self.generation, self.accepts, self.rejoins = 1, True, False

    async def _do_heartbeat(self) -> bool:
        if self.rejoins:
            self.generation += 1
        return self.accepts

    async def _on_join_complete(self, *_: Any) -> str:
        return "joined"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Rig:
    def __init__(self) -> None:
        self.coordinator = Coordinator()
        self.thread = LeaseThread.__new__(LeaseThread)
        self.thread._consumer = type("HasCoordinator", (), {"_coordinator": self.coordinator})()
        self.consumer = Bookkeeping()
        self.consumer._thread = self.thread


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    async def started(self: Any) -> None:
        return None

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", started)
    made = Rig()
    await made.thread.on_start()
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(transport, "time", made)
    return made


async def test_a_lease_counts_from_the_sending_of_a_heartbeat(rig: Rig, clock: Clock) -> None:
    assert rig.consumer.lease_age() == 100.0, "no lease before the first join"
    assert await rig.coordinator._on_join_complete() == "joined"
    clock.now = 107.0
    assert rig.consumer.lease_age() == 7.0
    assert await rig.coordinator._do_heartbeat()
    clock.now = 108.0
    assert rig.consumer.lease_age() == 1.0


@pytest.mark.parametrize("how", ["refused", "overtaken by a join"])
async def test_a_heartbeat_that_says_nothing_of_this_generation_renews_nothing(
    rig: Rig, clock: Clock, how: str
) -> None:
    await rig.coordinator._on_join_complete()
    clock.now = 107.0
    rig.coordinator.accepts = how != "refused"
    rig.coordinator.rejoins = how != "refused"
    await rig.coordinator._do_heartbeat()
    assert rig.consumer.lease_age() == 7.0


# -- the rest --------------------------------------------------------------------------------------------------------


def test_faust_finds_the_transport_by_its_scheme() -> None:
    register()
    assert drivers.TRANSPORTS.by_url("safekafka://localhost:9092") is transport.Transport


async def test_a_bounded_wait_names_who_is_late() -> None:
    late, quick = asyncio.create_task(asyncio.sleep(60.0)), asyncio.create_task(asyncio.sleep(0))
    assert await bounded(set(), 1.0) == set()
    assert await bounded({late, quick}, 0.05) == {late}
    late.cancel()
