"""Dead letters of ``mapped.entities``: each record that can't be read, once per group.

Every worker's twin table reads the whole topic again at each start, so it can't be what writes them: N workers would
write N dead letters each time. A consumer group of its own shares the partitions and remembers how far it came.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import confluent_kafka

from schemas.source import Source
from streams.agents.writer import Writer
from streams.planning.decode import Undecodable, decode_entity
from streams.settings import Settings

log = logging.getLogger(__name__)

#: Records per turn; between turns the other threads get the interpreter, for a first read may be a million records.
BATCH = 500

#: How often the wait for a dead letter's acknowledgement looks whether the worker stops.
ACK_SECONDS = 1.0


class EntityPoison:
    """Runs in a thread of its own until ``close``; ``on_fatal`` is told, in the loop, what ended it early."""

    def __init__(
        self, settings: Settings, config: dict[str, Any], writer: Writer, *, on_fatal: Callable[[BaseException], None]
    ) -> None:
        self._topic, self._form = settings.topics.entities, settings.input_format.entities
        self._config = {
            **config,
            "group.id": f"{settings.kafka.group_id}-entity-poison",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": int(settings.kafka.session_timeout.total_seconds() * 1000),
        }
        self._writer, self._on_fatal = writer, on_fatal
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="entity-poison", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        consumer = confluent_kafka.Consumer(self._config)
        try:
            consumer.subscribe([self._topic])
            while not self._stopping.is_set():
                first = consumer.poll(0.5)
                if first is None:
                    continue
                self._look_at([first, *consumer.consume(BATCH, timeout=0)])
                try:
                    consumer.commit(asynchronous=False)
                except confluent_kafka.KafkaException as error:
                    # Partitions moved, or nothing was read: the next owner looks at these again.
                    log.debug("offsets of %s were not committed: %s", self._topic, error)
        except BaseException as error:
            if not self._stopping.is_set():
                self._loop.call_soon_threadsafe(self._on_fatal, error)
        finally:
            consumer.close()

    def _look_at(self, batch: list[Any]) -> None:
        for message in batch:
            if message.error() is not None:
                continue
            headers = message.headers() or ()
            found = decode_entity(message.key(), message.value(), headers, self._form)
            if isinstance(found, Undecodable):
                sent = asyncio.run_coroutine_threadsafe(self._bury(message, headers, found), self._loop)
                while not self._stopping.is_set():
                    # A broker that is away comes back: its producer repeats the record for ever.
                    with contextlib.suppress(concurrent.futures.TimeoutError):
                        sent.result(ACK_SECONDS)
                        break

    async def _bury(self, message: Any, headers: Any, why: Undecodable) -> None:
        source = Source(topic=message.topic(), partition=message.partition(), offset=message.offset())
        await self._writer.dead_letter(message.key(), message.value(), headers, why.reason, source)

    async def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join, 5.0)
