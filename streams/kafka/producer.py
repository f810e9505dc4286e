"""One producer for every record we write, the order table's changelog included.

librdkafka batches in C on threads of its own: a send costs about 10 µs of Python, a thirtieth of Faust's own
producer. Idempotent, acks=all, partitioned as Java's client does; a send never times out by itself, because the
ticket it tells of exists already: it is repeated until the broker has it or the process is stopped.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import confluent_kafka

Headers = Sequence[tuple[str, bytes]]

#: What librdkafka may hold unsent. The records in work are bounded above (settings max_pending_*), and each leads to a
#: handful of sends: this bound is only reached if those fail, and then an error is better than a full memory.
MAX_UNSENT_MESSAGES = 500_000
MAX_UNSENT_KBYTES = 256 * 1024


#: Orders with long texts: the topics take 8 MiB (librdkafka would refuse above 1 MB).
MAX_RECORD_BYTES = 8 << 20


class Ack(NamedTuple):
    """Where the broker put a record."""

    partition: int
    offset: int


class SendFailed(Exception):
    """The broker refused a record for good (too large, no such topic, not authorised)."""

    remedy = "See the topic's settings (`willow-sync topics --check`) and the broker's log, then start again."


class TooLarge(SendFailed):
    """A record that was not sent: no topic of ours takes one of its size."""

    remedy = "Shorten the record's texts."

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(f"{topic}: too large: {size} bytes, at most {MAX_RECORD_BYTES}")
        self.size = size


class Producer:
    """Thread-safe towards librdkafka, used from one event loop.

    ``on_fatal`` is called (in the loop) when the broker refused a record: the worker must stop, since what it
    decided can't be written down.
    """

    def __init__(self, config: dict[str, Any], *, on_fatal: Callable[[BaseException], None]) -> None:
        self._config = {
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            # More, and each hop of a record waits for it (two before its call to Willow); with 1 ms the batches are so
            # small that they cost worker and broker a fifth of their processor time.
            "linger.ms": 3,
            "compression.type": "lz4",
            "message.max.bytes": MAX_RECORD_BYTES,
            "message.timeout.ms": 0,
            "queue.buffering.max.messages": MAX_UNSENT_MESSAGES,
            "queue.buffering.max.kbytes": MAX_UNSENT_KBYTES,
            **config,
        }
        self._on_fatal = on_fatal
        self._delivered: deque[tuple[asyncio.Future[Ack], Ack | None, str]] = deque()
        self._scheduled = False
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Connect and begin to serve acknowledgements; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._producer = confluent_kafka.Producer(self._config)
        self._thread = threading.Thread(target=self._serve, name="producer-acks", daemon=True)
        self._thread.start()

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: Headers | None = None,
    ) -> "asyncio.Future[Ack]":
        """Queue a record; the future resolves when all in-sync replicas have it.

        Raises SendFailed at once (and in the future) if the broker or the local queue refuses it; TooLarge at once."""
        assert self._loop is not None, "start() first"
        future: asyncio.Future[Ack] = self._loop.create_future()
        extra: dict[str, Any] = {} if partition is None else {"partition": partition}
        if headers:
            extra["headers"] = list(headers)

        def on_delivery(error: Any, message: Any) -> None:
            ack = None if error else Ack(message.partition(), message.offset())
            self._delivered.append((future, ack, f"{topic}: {error.str()}" if error else ""))

        try:
            self._producer.produce(topic, value=value, key=key, on_delivery=on_delivery, **extra)
        except (BufferError, confluent_kafka.KafkaException) as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, confluent_kafka.KafkaError) and cause.code() == cause.MSG_SIZE_TOO_LARGE:
                raise TooLarge(topic, len(key or b"") + len(value or b"")) from error
            raise SendFailed(f"{topic}: {error}") from error
        return future

    def _serve(self) -> None:
        try:
            while not self._stopping.is_set():
                self._producer.poll(0.1)
                self._hand_over()
        except BaseException as error:
            # Without this thread no acknowledgement ever comes: everything would wait, without a word.
            if self._loop is not None and not self._stopping.is_set():
                self._loop.call_soon_threadsafe(self._on_fatal, error)

    def _hand_over(self) -> None:
        # One wake-up of the loop for all acknowledgements of a batch: a call per record costs more than the send.
        if self._delivered and not self._scheduled and self._loop is not None and not self._loop.is_closed():
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        self._scheduled = False
        while self._delivered:
            future, ack, problem = self._delivered.popleft()
            if ack is None:
                failure = SendFailed(problem)
                self._on_fatal(failure)
                if not future.done():
                    future.set_exception(failure)
                    future.exception()  # nobody may be waiting: then asyncio would complain a second time
            elif not future.done():
                future.set_result(ack)

    @property
    def unsent(self) -> int:
        """Records not acknowledged yet."""
        return len(self._producer)

    async def close(self, seconds: float) -> int:
        """Wait for what is under way, at most this long; returns how many records were given up.
        Also for one that never started."""
        if self._loop is None:
            return 0
        loop = asyncio.get_running_loop()
        left = await loop.run_in_executor(None, self._producer.flush, seconds)
        self._stopping.set()
        await loop.run_in_executor(None, self._thread.join, 2.0)
        self._resolve()
        return int(left)
