"""The state of every order: a Faust table on rocksdict whose changelog writes are acknowledged one by one.

Faust logs a changelog record that the broker refused and goes on; here each write returns only when the broker has it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import faust
from faust.types import TP

from streams.delivery.state import OrderState, outdated
from streams.kafka.producer import MAX_RECORD_BYTES, Producer, TooLarge

#: For each partition; rocksdict's defaults are 2 GiB of cache and 192 MB of write buffers. Whatever is allowed here is
#: filled within hours, and looks like a leak until then.
ROCKSDICT = {
    "driver": "rocksdict",
    "block_cache_size": 4 << 20,
    "write_buffer_size": 2 << 20,
    "max_write_buffer_number": 2,
    "max_open_files": 256,
}


#: The store is told of every so many acknowledged writes how far it is whole: to tell it of each costs as much as the
#: write. After a crash the recovery reads that many states once more, in order.
PERSIST_EVERY = 64

_RESTLESS = (b'"waiting"', b'"read_back"', b'"left"')


class OrderTable(faust.Table):
    """Order id → OrderState, in the partition of the order's intents. Written only on behalf of a record of that
    partition, by its owner."""

    #: Set by the app once it runs; not a constructor argument, since Faust makes tables from their arguments again.
    producer: Producer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Partition of the changelog → offset up to which the local copy is whole.
        self._whole: dict[TP, int] = {}

    @classmethod
    def declare(cls, app: Any, name: str = "orders") -> "OrderTable":
        table = cls(app, name=name, key_type=bytes, value_type=bytes, options=dict(ROCKSDICT))
        app.tables.add(table)
        return table

    def read(self, partition: int, order_id: str) -> OrderState:
        """The order's state; an empty one if there is none."""
        raw = self.data._db_for_partition(partition).get(order_id.encode())
        return OrderState() if raw is None else OrderState.from_json(raw)

    async def write(self, partition: int, order_id: str, state: OrderState) -> None:
        """Returns once the changelog has it. Raises streams.kafka.producer.SendFailed if the broker refuses it, and
        TooLarge before anything is written."""
        key, value = order_id.encode(), state.to_json()
        if (size := len(key) + len(value)) > MAX_RECORD_BYTES:
            # In the local store alone it would be what the next start goes on from, and no changelog would have it.
            raise TooLarge(self.changelog_topic_name, size)
        # The local store first: recovery would bring the changelog's record anyway, never the other way round.
        self.data._db_for_partition(partition).put(key, value)
        topic: str = self.changelog_topic_name
        ack = await self.producer.send(topic, key, value, partition=partition)
        spot = TP(topic, partition)
        # What others wrote in between (while this worker was frozen) is not here: the recovery must read it.
        if ack.offset == self._whole_to(spot) + 1:
            self._whole[spot] = ack.offset
            if ack.offset % PERSIST_EVERY == 0:
                self.data.set_persisted_offset(spot, ack.offset)

    def _whole_to(self, spot: TP) -> int:
        if spot not in self._whole:
            kept = self.data.persisted_offset(spot)
            self._whole[spot] = -1 if kept is None else kept
        return self._whole[spot]

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """A recovery, or a standby, has read these events of the changelog."""
        newest: dict[tuple[int, bytes], bytes] = {}
        read: dict[TP, int] = {}
        current = []
        for event in batch:
            message = event.message
            read[message.tp] = message.offset
            key = message.partition, message.key
            kept = newest.get(key) or self.data._db_for_partition(message.partition).get(message.key)
            if message.value is not None and not outdated(message.value, kept):
                newest[key] = message.value
                current.append(event)
        super().apply_changelog_batch(current)
        for spot, offset in read.items():
            self._whole[spot] = offset
            self.data.set_persisted_offset(spot, offset)

    def restless(self, partition: int) -> Iterator[tuple[str, OrderState]]:
        """Orders of a partition that wait, are to be read back, or have left: for what wakes and counts them."""
        for key, raw in self.data._db_for_partition(partition).items():
            # Most orders are at rest; parsing them all would take a minute on a large portfolio.
            if any(name in raw for name in _RESTLESS) and key != self.data.offset_key:
                yield key.decode(), OrderState.from_json(raw)

    def when_recovered(self, callback: Callable[[], None]) -> None:
        """Called after each rebalance, once the table is as its changelog."""

        async def recovered() -> None:
            callback()

        self.on_recover(recovered)
