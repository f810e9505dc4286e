"""Records between their delivery by Faust and their acknowledgement: bounded, acknowledged in offset order.

Faust's own arithmetic commits past records in work when they finish out of order, and its wait for an empty worker
never ends when one is given up: so acknowledgements are made here, in order, and what is given up is forgotten.
"""

import asyncio
from typing import Any

from streams.delivery.offsets import Slot, Watermark


class InFlight:
    """For one agent. At most ``max_records`` and ``max_bytes`` are in work: then the stream is not read further."""

    def __init__(self, app: Any, *, max_records: int, max_bytes: int) -> None:
        self._app = app
        self._max_records, self._max_bytes = max_records, max_bytes
        self._records = self._bytes = 0
        self._marks: dict[Any, Watermark[Any]] = {}
        self._taken: dict[Any, tuple[int, int]] = {}
        self._room = asyncio.Event()
        self._room.set()

    @property
    def records(self) -> int:
        return self._records

    async def admit(self, event: Any) -> Slot[Any] | None:
        """Wait for room, then take the event on; None if it is not to be worked on (it will come again, or did)."""
        while not self._room.is_set():
            await self._room.wait()
        message, consumer = event.message, self._app.consumer
        generation = self._app.consumer_generation_id
        before = self._taken.get(message.tp)
        # The seek at the end of a table recovery delivers a few events a second time in the same generation.
        again = before is not None and before[0] == generation and message.offset <= before[1]
        # Once the drains have begun nobody waits for what is taken on: it would be acknowledged over what was given up.
        if again or consumer.leaving or message.generation_id != generation:
            consumer.unacked.discard(message)
            return None
        self._taken[message.tp] = (generation, message.offset)
        size = len(message.value or b"") + len(message.key or b"")
        self._records += 1
        self._bytes += size
        self._measure()
        return self._marks.setdefault(message.tp, Watermark()).add(event, size)

    def done(self, slot: Slot[Any]) -> None:
        """The record's outcome is durable: acknowledge it as soon as all before it are."""
        mark = self._marks.get(slot.record.message.tp)
        if mark is None:
            return
        for passed in mark.finish(slot):
            if passed.record.message.generation_id == self._app.consumer_generation_id:
                passed.record.ack()
            self._release(passed)

    def give_up(self) -> None:
        """Forget all that is in work: it is not acknowledged any more, and taken on again when it comes again."""
        for mark in self._marks.values():
            for slot in mark.clear():
                # Else Faust's wait_empty() waits for them for ever.
                self._app.consumer.unacked.discard(slot.record.message)
                self._release(slot)
        self._marks.clear()
        self._taken.clear()

    def _release(self, slot: Slot[Any]) -> None:
        self._records -= 1
        self._bytes -= slot.size
        self._measure()

    def _measure(self) -> None:
        if self._records < self._max_records and self._bytes < self._max_bytes:
            self._room.set()
        else:
            self._room.clear()
