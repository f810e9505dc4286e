"""Records in work: bounded, and forgotten when the partitions go."""

import asyncio
from collections.abc import Callable

import pytest
from faust.types import TP

from streams.delivery.offsets import Ledger
from streams.kafka.in_flight import InFlight
from streams.kafka.record import ConsumerRecord

P0, P1 = TP("intents", 0), TP("intents", 1)


class Consumer:
    """As far as a window knows it."""

    def __init__(self) -> None:
        self.leaving = False
        self.ledger = Ledger[TP]()
        self.reached_agents: list[int] = []

    def reached(self, record: ConsumerRecord) -> None:
        self.reached_agents.append(record.offset)

    def finish(self, record: ConsumerRecord) -> list[int]:
        return self.ledger.finish(record.tp, record.offset)


class Worker:
    """The app: its generation, and its consumer."""

    def __init__(self) -> None:
        self.consumer_generation_id = 1
        self.consumer = Consumer()

    def deliver(
        self, offset: int, tp: TP = P0, *, value: bytes | None = b"v", generation: int | None = None
    ) -> ConsumerRecord:
        self.consumer.ledger.open(tp, offset)
        self.consumer.ledger.take(tp, offset)
        mine = self.consumer_generation_id if generation is None else generation
        return ConsumerRecord(tp, offset, mine, b"k", value, (), None)

    def rebalance(self) -> None:
        self.consumer.ledger.close()
        self.consumer_generation_id += 1

    @property
    def committable(self) -> dict[int, int]:
        return {tp.partition: offset for tp, offset in self.consumer.ledger.committable()}


class Rig:
    def __init__(self, max_records: int = 10, max_bytes: int = 1000) -> None:
        self.worker = Worker()
        self.window = InFlight(self.worker, max_records=max_records, max_bytes=max_bytes)

    async def admit(self, offset: int, tp: TP = P0) -> ConsumerRecord:
        record = self.worker.deliver(offset, tp)
        assert await self.window.admit(record)
        return record


async def turns(done: Callable[[], bool] = lambda: False) -> None:
    for _ in range(10):
        if done():
            return
        await asyncio.sleep(0)


async def test_committed_in_offset_order_per_partition() -> None:
    rig = Rig()
    first, second = await rig.admit(5), await rig.admit(7)
    other = await rig.admit(3, P1)
    rig.window.done(second)
    assert rig.worker.committable == {}
    rig.window.done(other)
    assert rig.worker.committable == {1: 4}
    rig.window.done(first)
    assert rig.worker.committable == {0: 8, 1: 4}
    assert rig.window.records == 0
    assert rig.worker.consumer.reached_agents == [5, 7, 3]


async def test_a_full_window_takes_no_more_until_one_passes() -> None:
    rig = Rig(max_records=2)
    first, second = await rig.admit(0), await rig.admit(1)
    third = asyncio.create_task(rig.admit(2))
    await turns()
    # Done behind an unfinished one, it still fills the window: else a stuck offset would let memory grow.
    rig.window.done(second)
    await turns()
    assert not third.done()
    rig.window.done(first)
    await third
    assert rig.window.records == 1


async def test_bytes_are_bounded_too_and_one_large_record_passes() -> None:
    rig = Rig(max_bytes=100)
    large = rig.worker.deliver(0, value=b"x" * 5000)
    assert await rig.window.admit(large)
    next_one = asyncio.create_task(rig.admit(1))
    await turns()
    assert not next_one.done()
    rig.window.done(large)
    await next_one


async def test_a_tombstone_has_no_size() -> None:
    rig = Rig()
    assert await rig.window.admit(rig.worker.deliver(0, value=None))


async def test_the_next_generation_gets_it_again() -> None:
    rig = Rig()
    await rig.admit(5)
    rig.window.give_up()
    rig.worker.rebalance()
    again = await rig.admit(5)
    rig.window.done(again)
    assert rig.worker.committable == {0: 6}


async def test_a_record_of_a_former_generation_is_passed_over() -> None:
    rig = Rig()
    assert not await rig.window.admit(rig.worker.deliver(5, generation=0))
    assert rig.window.records == 0


async def test_what_waited_for_room_while_the_generation_changed_is_passed_over() -> None:
    rig = Rig(max_records=1)
    await rig.admit(0)
    waiting = asyncio.create_task(rig.window.admit(rig.worker.deliver(1)))
    await turns()
    rig.window.give_up()
    rig.worker.consumer_generation_id = 2
    assert not await waiting


async def test_what_is_given_up_is_not_committed() -> None:
    rig = Rig(max_records=2)
    first, second = await rig.admit(0), await rig.admit(1)
    rig.window.done(second)
    rig.window.give_up()
    rig.window.done(first)
    assert rig.worker.committable == {}
    assert rig.window.records == 0


async def test_the_end_of_what_was_given_up_does_not_count_for_its_second_delivery() -> None:
    rig = Rig()
    old = await rig.admit(0)
    rig.window.give_up()
    rig.worker.rebalance()
    again = await rig.admit(0)
    rig.window.done(old)
    assert rig.worker.committable == {}
    rig.window.done(again)
    assert rig.worker.committable == {0: 1}


async def test_nothing_is_taken_on_once_the_drains_have_begun() -> None:
    """It would be acknowledged past what was given up, or Faust would wait for it for ever."""
    rig = Rig(max_records=1)
    await rig.admit(0)
    waiting = asyncio.create_task(rig.window.admit(rig.worker.deliver(1)))
    await turns()
    rig.worker.consumer.leaving = True
    rig.window.give_up()
    assert not await waiting
    assert not await rig.window.admit(rig.worker.deliver(2))


@pytest.mark.parametrize("twice", [1, 2])
async def test_done_twice_is_done_once(twice: int) -> None:
    rig = Rig()
    record = await rig.admit(0)
    for _ in range(twice):
        rig.window.done(record)
    assert rig.worker.committable == {0: 1}
    assert rig.window.records == 0
