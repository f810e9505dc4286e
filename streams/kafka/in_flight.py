"""Records between their delivery by Faust and their end: bounded, and forgotten when their partitions go."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Slot:
    """A record in work. ``size`` in bytes."""

    message: Any
    size: int


class InFlight:
    """For one agent. At most ``max_records`` and ``max_bytes`` are in work: then the stream is not read further.

    A record that is done counts until all before it are: else a stuck offset would let memory grow."""

    def __init__(self, app: Any, *, max_records: int, max_bytes: int) -> None:
        self._app = app
        self._max_records, self._max_bytes = max_records, max_bytes
        self._bytes = 0
        self._slots: dict[tuple[Any, int], Slot] = {}
        self._room = asyncio.Event()
        self._room.set()

    @property
    def records(self) -> int:
        return len(self._slots)

    @property
    def oldest(self) -> float | None:
        """Kafka timestamp (epoch seconds) of the oldest record in work."""
        return min((slot.message.timestamp for slot in self._slots.values() if slot.message.timestamp), default=None)

    async def admit(self, event: Any) -> Slot | None:
        """Wait for room, then take the event on; None if it is not to be worked on: it comes again."""
        while not self._room.is_set():
            await self._room.wait()
        message, consumer = event.message, self._app.consumer
        # Once the drains have begun nobody waits for what is taken on: another owner would work on it too.
        if consumer.leaving or message.generation_id != self._app.consumer_generation_id:
            consumer.unacked.discard(message)
            return None
        consumer.reached(message)
        slot = Slot(message, len(message.value or b"") + len(message.key or b""))
        self._slots[message.tp, message.offset] = slot
        self._bytes += slot.size
        self._measure()
        return slot

    def done(self, slot: Slot) -> None:
        """The record's outcome is durable: it may be committed as soon as all before it are."""
        message = slot.message
        if self._slots.get((message.tp, message.offset)) is not slot:
            return  # given up meanwhile
        for offset in self._app.consumer.finish(message):
            passed = self._slots.pop((message.tp, offset), None)
            self._bytes -= passed.size if passed else 0
        self._measure()

    def give_up(self) -> None:
        """Forget all that is in work: it is not committed any more, and taken on again when it comes again."""
        for slot in self._slots.values():
            # Else Faust's wait_empty() waits for them for ever.
            self._app.consumer.unacked.discard(slot.message)
        self._slots.clear()
        self._bytes = 0
        self._measure()

    def _measure(self) -> None:
        if len(self._slots) < self._max_records and self._bytes < self._max_bytes:
            self._room.set()
        else:
            self._room.clear()
