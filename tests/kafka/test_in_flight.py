"""Records in work: bounded, acknowledged in offset order, and forgotten when the partitions go."""

import asyncio
from collections.abc import Callable

import pytest
from faust.types import TP

from streams.delivery.offsets import Slot
from streams.kafka.in_flight import InFlight

P0, P1 = TP("intents", 0), TP("intents", 1)


class Message:
    def __init__(self, tp: TP, offset: int, generation: int, value: bytes | None) -> None:
        self.tp, self.offset, self.generation_id = tp, offset, generation
        self.key, self.value = b"k", value


class Event:
    """One delivery by Faust; notes its acknowledgement."""

    def __init__(self, app: "Worker", message: Message) -> None:
        self._app, self.message = app, message

    def ack(self) -> None:
        self._app.acked.append((self.message.tp.partition, self.message.offset))
        self._app.consumer.unacked.discard(self.message)


class TracksUnacked:
    """The consumer, as far as a window knows it."""

    def __init__(self) -> None:
        self.unacked: set[Message] = set()
        self.leaving = False


class Worker:
    """The app: its generation, its consumer, and what was acknowledged."""

    def __init__(self) -> None:
        self.consumer_generation_id = 1
        self.consumer = TracksUnacked()
        self.acked: list[tuple[int, int]] = []

    def deliver(self, offset: int, tp: TP = P0, *, value: bytes | None = b"v", generation: int | None = None) -> Event:
        message = Message(tp, offset, self.consumer_generation_id if generation is None else generation, value)
        self.consumer.unacked.add(message)
        return Event(self, message)


class Rig:
    def __init__(self, max_records: int = 10, max_bytes: int = 1000) -> None:
        self.worker = Worker()
        self.window = InFlight(self.worker, max_records=max_records, max_bytes=max_bytes)

    async def admit(self, offset: int, tp: TP = P0) -> Slot[Event]:
        slot = await self.window.admit(self.worker.deliver(offset, tp))
        assert slot is not None
        return slot


async def turns(done: Callable[[], bool] = lambda: False) -> None:
    for _ in range(10):
        if done():
            return
        await asyncio.sleep(0)


async def test_acknowledged_in_offset_order_per_partition() -> None:
    rig = Rig()
    first, second = await rig.admit(5), await rig.admit(7)
    other = await rig.admit(3, P1)
    rig.window.done(second)
    assert rig.worker.acked == []
    rig.window.done(other)
    assert rig.worker.acked == [(1, 3)]
    rig.window.done(first)
    assert rig.worker.acked == [(1, 3), (0, 5), (0, 7)]
    assert rig.window.records == 0
    assert rig.worker.consumer.unacked == set()


async def test_a_full_window_takes_no_more_until_one_is_acknowledged() -> None:
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
    large = await rig.window.admit(rig.worker.deliver(0, value=b"x" * 5000))
    assert large is not None
    next_one = asyncio.create_task(rig.admit(1))
    await turns()
    assert not next_one.done()
    rig.window.done(large)
    await next_one


async def test_a_tombstone_has_no_size() -> None:
    rig = Rig()
    assert await rig.window.admit(rig.worker.deliver(0, value=None)) is not None


async def test_what_is_delivered_twice_in_a_generation_is_taken_on_once() -> None:
    rig = Rig()
    first = await rig.admit(5)
    assert await rig.window.admit(rig.worker.deliver(5)) is None
    assert await rig.window.admit(rig.worker.deliver(4)) is None
    rig.window.done(first)
    assert rig.worker.acked == [(0, 5)]
    assert rig.worker.consumer.unacked == set(), "Faust would wait for it"


async def test_the_next_generation_gets_it_again() -> None:
    rig = Rig()
    await rig.admit(5)
    rig.window.give_up()
    rig.worker.consumer_generation_id = 2
    await rig.admit(5)


async def test_an_event_of_a_former_generation_is_passed_over() -> None:
    rig = Rig()
    assert await rig.window.admit(rig.worker.deliver(5, generation=0)) is None
    assert rig.worker.consumer.unacked == set()
    assert rig.window.records == 0


async def test_what_waited_for_room_while_the_generation_changed_is_passed_over() -> None:
    rig = Rig(max_records=1)
    await rig.admit(0)
    waiting = asyncio.create_task(rig.window.admit(rig.worker.deliver(1)))
    await turns()
    rig.window.give_up()
    rig.worker.consumer_generation_id = 2
    assert await waiting is None


async def test_what_is_given_up_is_not_acknowledged_nor_waited_for() -> None:
    rig = Rig(max_records=2)
    first, second = await rig.admit(0), await rig.admit(1)
    rig.window.done(second)
    rig.window.give_up()
    rig.window.done(first)
    assert rig.worker.acked == []
    assert rig.worker.consumer.unacked == set()
    assert rig.window.records == 0


async def test_what_is_given_up_is_taken_on_when_it_comes_again() -> None:
    """Also within the same generation: dropped as a second delivery, it would never be worked on."""
    rig = Rig()
    old = await rig.admit(0)
    rig.window.give_up()
    again = await rig.admit(0)
    rig.window.done(old)
    assert rig.worker.acked == []
    rig.window.done(again)
    assert rig.worker.acked == [(0, 0)]


async def test_nothing_is_taken_on_once_the_drains_have_begun() -> None:
    """It would be acknowledged past what was given up, or Faust would wait for it for ever."""
    rig = Rig(max_records=1)
    await rig.admit(0)
    waiting = asyncio.create_task(rig.window.admit(rig.worker.deliver(1)))
    await turns()
    rig.worker.consumer.leaving = True
    rig.window.give_up()
    assert await waiting is None
    assert await rig.window.admit(rig.worker.deliver(2)) is None
    assert rig.worker.consumer.unacked == set()


async def test_nothing_is_acknowledged_in_a_generation_that_did_not_deliver_it() -> None:
    rig = Rig()
    slot = await rig.admit(0)
    rig.worker.consumer_generation_id = 2
    rig.window.done(slot)
    assert rig.worker.acked == []
    assert rig.window.records == 0


@pytest.mark.parametrize("twice", [1, 2])
async def test_done_twice_is_done_once(twice: int) -> None:
    rig = Rig()
    slot = await rig.admit(0)
    for _ in range(twice):
        rig.window.done(slot)
    assert rig.worker.acked == [(0, 0)]
    assert rig.window.records == 0
