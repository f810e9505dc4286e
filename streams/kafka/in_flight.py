"""Records between their delivery by Faust and their end: bounded, and forgotten when their partitions go."""

import asyncio
from typing import Any

from streams.kafka.record import ConsumerRecord


class InFlight:
    """For one agent. At most ``max_records`` and ``max_bytes`` are in work: then the stream is not read further.

    A record that is done counts until all before it are: else a stuck offset would let memory grow."""

    def __init__(self, app: Any, *, max_records: int, max_bytes: int) -> None:
        self._app = app
        self._max_records, self._max_bytes = max_records, max_bytes
        self._bytes = 0
        self._records: dict[tuple[Any, int], ConsumerRecord] = {}
        self._room = asyncio.Event()
        self._room.set()

    @property
    def records(self) -> int:
        return len(self._records)

    @property
    def oldest(self) -> float | None:
        """Kafka timestamp (epoch seconds) of the oldest record in work."""
        stamps = (record.timestamp_ms for record in self._records.values())
        oldest = min((stamp for stamp in stamps if stamp), default=None)
        return None if oldest is None else oldest / 1000

    async def admit(self, record: ConsumerRecord) -> bool:
        """Wait for room, then take the record on; False if it is not to be worked on: it comes again."""
        while not self._room.is_set():
            await self._room.wait()
        consumer = self._app.consumer
        # Once the drains have begun nobody waits for what is taken on: another owner would work on it too.
        if consumer.leaving or record.generation != self._app.consumer_generation_id:
            return False
        consumer.reached(record)
        self._records[record.tp, record.offset] = record
        self._bytes += record.size
        self._measure()
        return True

    def done(self, record: ConsumerRecord) -> None:
        """The record's outcome is durable: it may be committed as soon as all before it are."""
        if self._records.get((record.tp, record.offset)) is not record:
            return  # given up meanwhile
        for offset in self._app.consumer.finish(record):
            passed = self._records.pop((record.tp, offset), None)
            self._bytes -= passed.size if passed else 0
        self._measure()

    def give_up(self) -> None:
        """Forget all that is in work: it is not committed any more, and taken on again when it comes again."""
        self._records.clear()
        self._bytes = 0
        self._measure()

    def _measure(self) -> None:
        if len(self._records) < self._max_records and self._bytes < self._max_bytes:
            self._room.set()
        else:
            self._room.clear()
