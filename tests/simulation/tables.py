"""What stands in for librdkafka and rocksdict: producer, views and the order table, on the log in memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from streams.delivery.state import outdated
from streams.kafka.producer import MAX_RECORD_BYTES, Ack, Headers, Producer, TooLarge
from streams.tables.orders import OrderTable
from streams.tables.view import Handler, View
from tests.simulation.clock import Process, current
from tests.simulation.world import World


@dataclass(slots=True)
class _Unsent:
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    future: "asyncio.Future[Ack]"
    by: str
    on_the_wire: bool = False


class SimProducer(Producer):
    """Keeps the order of its sends per partition, and no other. What a killed process had not handed to the network
    is lost; what a frozen one had not comes when it is thawed."""

    def __init__(self, world: World) -> None:
        self._world, self._process = world, current()
        self._lines: dict[TP, deque[_Unsent]] = {}

    def start(self) -> None:
        self._process.died.append(self._lose)
        self._process.froze.append(self._stop)
        self._process.thawed.append(self._go_on)

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: Headers | None = None,
    ) -> "asyncio.Future[Ack]":
        if (size := len(key or b"") + len(value or b"")) > MAX_RECORD_BYTES:
            raise TooLarge(topic, size)
        world = self._world
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        world.point(f"send {topic}")
        if not self._process.alive:
            return future
        spot = TP(topic, world.log.partition_of(topic, key) if partition is None else partition)
        self._lines.setdefault(spot, deque()).append(
            _Unsent(key, value, tuple(headers or ()), future, self._process.name)
        )
        world.after(world.hop(), self._arrive, spot)
        return future

    def _arrive(self, spot: TP) -> None:
        world, line = self._world, self._lines[spot]
        if not line or (self._process.frozen and not line[0].on_the_wire):
            return
        if world.broker_away > 0:
            world.after(world.broker_away + world.hop(), self._arrive, spot)
            return
        sent = line.popleft()
        entry = world.append(spot, sent.key, sent.value, sent.headers, sent.by)
        world.point(f"stored {spot.topic}", self._process)
        ack = Ack(spot.partition, entry.offset)
        world.after(world.hop(), self._process.call, _acknowledge, sent.future, ack)

    def _lose(self) -> None:
        """Killed: of each partition a first part may be on the wire already."""
        for line in self._lines.values():
            while line and not line[-1].on_the_wire and self._world.loses():
                line.pop()

    def _stop(self) -> None:
        for line in self._lines.values():
            for sent in list(line)[: self._world.rng.randint(0, len(line))]:
                sent.on_the_wire = True

    def _go_on(self) -> None:
        for spot, line in self._lines.items():
            for sent in line:
                if not sent.on_the_wire:
                    self._world.after(self._world.hop(), self._arrive, spot)

    @property
    def unsent(self) -> int:
        return sum(len(line) for line in self._lines.values())

    async def close(self, seconds: float) -> int:
        deadline = self._world.loop.time() + seconds
        while self.unsent and self._world.loop.time() < deadline:
            await asyncio.sleep(0.05)
        return self.unsent


def _acknowledge(future: "asyncio.Future[Ack]", ack: Ack) -> None:
    if not future.done():
        future.set_result(ack)


class SimView(View):
    """The production view, read from the log in memory with a lag instead of by a thread."""

    def __init__(
        self,
        world: World,
        topic: str,
        handler: Handler,
        *,
        on_change: Callable[[], None] = lambda: None,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        super().__init__(topic, handler, {}, on_change=on_change, on_fatal=on_fatal)
        self._world, self._process = world, current()
        self._due = False

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._goal = self._world.log.ends(self.topic)
        self._positions = dict.fromkeys(self._goal, 0)
        self._world.log.follow(self.topic, self._appended)
        self._process.died.append(self._unfollow)
        self._appended(0)

    async def end_offsets(self) -> dict[int, int]:
        ends: dict[int, int] = await self._world.ask(self._world.log.ends, self.topic)
        return ends

    async def reached(self, positions: dict[int, int], *, seconds: float) -> bool:
        self._world.point(f"reads {self.topic}")
        return await super().reached(positions, seconds=seconds)

    def _appended(self, partition: int) -> None:
        if not self._due:
            self._due = True
            self._world.after(self._world.lag(), self._process.call, self._pull)

    def _pull(self) -> None:
        self._due = False
        for number, partition in enumerate(self._world.log.topics[self.topic]):
            end = partition.end
            # A fetch brings some of the partitions, and of each what was there then.
            if self._positions[number] < end and self._world.rng.random() < 0.8:
                for entry in partition.read(self._positions[number]):
                    at = entry.timestamp_ms
                    self._handler.apply(number, entry.offset, at, entry.key, entry.value, entry.headers)
                self._positions[number] = end
        self._wake()
        if any(self._positions[number] < end for number, end in self._world.log.ends(self.topic).items()):
            self._appended(0)

    def _unfollow(self) -> None:
        self._world.log.unfollow(self.topic, self._appended)

    async def close(self) -> None:
        return None


@dataclass(slots=True)
class Store:
    """One partition's local copy of the order table, on a disk that outlives the process."""

    records: dict[bytes, bytes] = field(default_factory=dict)
    persisted: int = 0
    """Changelog offset up to which it is known to be whole."""

    def get(self, key: bytes) -> bytes | None:
        return self.records.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.records[key] = value

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(list(self.records.items()))


class Disk:
    """The stores of one worker, as Faust's table data: by partition, with the persisted offsets."""

    offset_key = b"__faust\0offset__"

    def __init__(self) -> None:
        self._stores: dict[int, Store] = {}
        self.process: Process | None = None
        self.world: World | None = None

    def _db_for_partition(self, partition: int) -> Store:
        if self.process is not None and self.world is not None and not self.process.alive:
            # Nothing of a dead process reaches its disk.
            return Store()
        return self._stores.setdefault(partition, Store())

    def persisted_offset(self, tp: TP) -> int | None:
        return self._db_for_partition(tp.partition).persisted - 1

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self._db_for_partition(tp.partition).persisted = offset + 1


class SimOrders(OrderTable):
    """The production table over a disk and a changelog in memory."""

    data: Any = None
    changelog_topic_name = ""

    def __init__(self, world: World, process: Process, disk: Disk, changelog: str) -> None:
        self._world = world
        disk.process, disk.world = process, world
        self.data, self.changelog_topic_name = disk, changelog
        self._callbacks: list[Callable[[], None]] = []
        self._whole = {}

    def recover(self, partitions: list[int]) -> None:
        """Bring the local copies up to the changelog's end."""
        for number in partitions:
            store: Store = self.data._db_for_partition(number)
            partition = self._world.log.topics[self.changelog_topic_name][number]
            for entry in partition.read(store.persisted):
                assert entry.key is not None
                assert entry.value is not None
                if not outdated(entry.value, store.get(entry.key)):
                    store.put(entry.key, entry.value)
            store.persisted = partition.end
            self._whole[TP(self.changelog_topic_name, number)] = partition.end - 1

    async def write(self, partition: int, order_id: str, state: Any) -> None:
        self._world.point("state")
        await super().write(partition, order_id, state)

    def when_recovered(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def call_recovered(self) -> None:
        for callback in self._callbacks:
            callback()
