"""A compacted topic read whole by each worker, and followed for ever.

Faust's GlobalTable is wrong with more than one worker, a co-partitioned table can't hold places that all orders
share, and a table named by the app id is empty under a new group. So: a confluent-kafka consumer without a group, in
a thread of its own, on every partition from the beginning.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import confluent_kafka
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from streams.kafka.connection import silent
from streams.planning.forms import Header

log = logging.getLogger(__name__)

#: How many records the reader takes at once: enough to make the per-call cost vanish, few enough that the event loop's
#: thread gets its turn in between.
BATCH = 2000

#: How long the reader sleeps in librdkafka when there is nothing to read; a record wakes it at once.
IDLE_SECONDS = 0.2

#: How long a view tries to find its topic before it gives up (seconds).
START_SECONDS = 15.0

#: How long ``close`` waits for the reader (seconds): it looks up once in IDLE_SECONDS, unless a batch is being applied.
CLOSE_SECONDS = 5.0

_FATAL = {
    confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART,
    confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED,
    confluent_kafka.KafkaError.SASL_AUTHENTICATION_FAILED,
}


class ViewFailed(Exception):
    """The topic can't be read: it is missing, was cut short, or we may not read it."""

    remedy = "Run `willow-sync topics --check`, mend what it names, and start the worker again."


class Handler(Protocol):
    """What a view keeps. Called from the reader's thread, one record at a time, in log order per partition.

    Must not raise on bad input and must leave its data readable from another thread at any moment."""

    def apply(
        self,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None: ...


class View:
    """Reads one topic whole. ``ready`` once it has reached the end offsets that stood when it started.

    ``on_change`` is called in the event loop after each batch that was applied."""

    def __init__(
        self,
        topic: str,
        handler: Handler,
        config: dict[str, Any],
        *,
        on_change: Callable[[], object] = lambda: None,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self.topic = topic
        self._handler = handler
        self._connection = silent(config)
        self._config = {
            "group.id": "willow-sync-view",  # never joined and never committed to; librdkafka wants a name
            "enable.auto.commit": False,
            "auto.offset.reset": "error",  # a gap must not be read over in silence
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 65536,
            "check.crcs": True,
            **config,
        }
        self._on_change, self._on_fatal = on_change, on_fatal
        #: Partition → next offset to read. Written by the reader's thread only.
        self._positions: dict[int, int] = {}
        self._goal: dict[int, int] = {}
        #: Partition → how often compaction had taken records away before they were read. As above.
        self._gaps: dict[int, int] = {}
        self._waiters: list[tuple[dict[int, int], asyncio.Future[None]]] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._consumer: Any = None
        self._scheduled = False
        self._ready = asyncio.Event()

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def positions(self) -> dict[int, int]:
        """Partition → next offset that was not read yet (a copy)."""
        return dict(self._positions)

    @property
    def lag(self) -> int:
        """Records known to stand in the topic and not read yet; exact until ``ready``, 0 after."""
        return sum(max(0, end - self._positions.get(p, 0)) for p, end in self._goal.items())

    def gaps(self, partition: int) -> int:
        """How often offsets were missing where the view read. Beyond a gap it may know a record that was compacted
        away as little as the one behind it that took its place: what it shows is no state that ever was."""
        return self._gaps.get(partition, 0)

    async def start(self) -> None:
        """Find the end offsets and begin to read. Raises ViewFailed if the topic is missing."""
        self._loop = asyncio.get_running_loop()
        self._consumer = confluent_kafka.Consumer(self._config)
        self._admin = AdminClient(self._connection)
        await self._loop.run_in_executor(None, self._assign)
        self._thread = threading.Thread(target=self._read, name=f"view-{self.topic}", daemon=True)
        self._thread.start()

    # A topic made a moment ago has no leader yet, and a broker may be starting: both mend themselves.
    @retry(
        retry=retry_if_exception_type(ViewFailed),
        stop=stop_after_delay(START_SECONDS),
        wait=wait_exponential(0.1, max=2.0),
        reraise=True,
    )
    def _assign(self) -> None:
        try:
            metadata = self._consumer.list_topics(self.topic, timeout=10).topics[self.topic]
            if metadata.error is not None or not metadata.partitions:
                raise ViewFailed(f"topic {self.topic} can't be read: {metadata.error or 'it has no partitions'}")
            start: dict[int, int] = {}
            for partition in metadata.partitions:
                low, high = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=10)
                start[partition], self._goal[partition] = low, high
        except confluent_kafka.KafkaException as error:
            raise ViewFailed(f"topic {self.topic} can't be read: {error}") from error
        self._positions = start
        self._consumer.assign([TopicPartition(self.topic, p, offset) for p, offset in start.items()])

    async def end_offsets(self) -> dict[int, int]:
        """Partition → offset after the newest record, asked of the broker now. Raises ViewFailed after 30 s."""

        def ask() -> dict[int, int]:
            # Not through the reader's own connection: there the question waits behind its long poll.
            wanted = {TopicPartition(self.topic, p): OffsetSpec.latest() for p in self._positions}
            answers = self._admin.list_offsets(wanted, request_timeout=30)
            try:
                return {spot.partition: future.result(30).offset for spot, future in answers.items()}
            except (confluent_kafka.KafkaException, concurrent.futures.TimeoutError) as error:
                # librdkafka keeps the leader's epoch that it knows: after a broker's restart it is refused for ever.
                self._admin = AdminClient(self._connection)
                raise ViewFailed(f"the end of topic {self.topic} can't be found: {error}") from error

        return await asyncio.get_running_loop().run_in_executor(None, ask)

    async def reached(self, positions: dict[int, int], *, seconds: float) -> bool:
        """Wait until every record before these positions (partition → next offset) is applied.

        Read-your-writes: after an acknowledgement (p, o), ``reached({p: o + 1})``. False when time ran out."""
        if self._is_past(positions):
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (positions, waiter)
        self._waiters.append(entry)
        # The reader may have passed by between the look and the registration.
        self._wake()
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            return False
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)
        return True

    async def until_ready(self) -> None:
        """Wait for the end offsets that stood at start. No bound of its own: the worker's readiness shows the wait."""
        await self._ready.wait()

    def _is_past(self, positions: dict[int, int]) -> bool:
        mine = self._positions
        return all(mine.get(partition, 0) >= offset for partition, offset in positions.items())

    def _read(self) -> None:
        consumer, apply, positions = self._consumer, self._handler.apply, self._positions
        try:
            while not self._stopping.is_set():
                # poll() returns with the first record; consume(n, timeout) alone would wait to fill its batch.
                first = consumer.poll(IDLE_SECONDS)
                if first is None:
                    self._skip_gaps_at_the_end()
                    self._notify()
                    continue
                for message in (first, *consumer.consume(BATCH, timeout=0)):
                    error = message.error()
                    if error is not None:
                        self._tolerate(error)
                        continue
                    partition, offset = message.partition(), message.offset()
                    if offset != positions[partition]:
                        # Before the position moves: who waits for it must know.
                        self._gaps[partition] = self.gaps(partition) + 1
                    apply(
                        partition,
                        offset,
                        message.timestamp()[1],
                        message.key(),
                        message.value(),
                        message.headers() or (),
                    )
                    positions[partition] = offset + 1
                self._notify()
        except BaseException as error:
            if not self._stopping.is_set():
                self._loop.call_soon_threadsafe(self._on_fatal, error)
        finally:
            consumer.close()

    def _tolerate(self, error: Any) -> None:
        # A broker that is away comes back: librdkafka reconnects for ever. What can't mend itself ends the worker.
        if error.fatal() or error.code() in _FATAL or error.code() == confluent_kafka.KafkaError._AUTO_OFFSET_RESET:
            raise ViewFailed(f"topic {self.topic} can't be followed: {error.str()}")
        log.debug("view of %s: %s", self.topic, error.str())

    def _skip_gaps_at_the_end(self) -> None:
        # Compaction and transaction markers leave offsets that no record fills; librdkafka's position knows them.
        for spot in self._consumer.position([TopicPartition(self.topic, p) for p in self._positions]):
            if spot.offset > self._positions[spot.partition]:
                self._gaps[spot.partition] = self.gaps(spot.partition) + 1
                self._positions[spot.partition] = spot.offset

    def _notify(self) -> None:
        if not self._scheduled and not self._loop.is_closed():
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._scheduled = False
        if not self._ready.is_set() and self._is_past(self._goal):
            self._ready.set()
        for positions, waiter in list(self._waiters):
            if not waiter.done() and self._is_past(positions):
                waiter.set_result(None)
        self._on_change()

    async def close(self) -> None:
        """Stop reading; also for a view that never started."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join, CLOSE_SECONDS)
        elif self._consumer is not None:
            # The reader would have closed it: the topic was not found, and librdkafka's threads run on.
            self._consumer.close()
