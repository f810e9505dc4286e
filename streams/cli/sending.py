"""What the commands that send records share: the producer, and each record's end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.cli.common import Advance, CliError
from streams.kafka.admin import REQUEST_TIMEOUT, wait_for_broker
from streams.kafka.connection import confluent_config
from streams.settings import InputFormat, Settings
from streams.words import counted

DELIVERY_SECONDS = 60.0
"""After this a record counts as not delivered; also the longest wait for room in the queue."""

_PRODUCER: dict[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "linger.ms": 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 10_000,
    "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
    # librdkafka would write its own lines into ours; what matters comes back with each record.
    "log_level": 0,
}


OUR_BYTES = 8 << 20
"""What our own topics take of a record; an input topic that takes less refuses it by itself."""


class Refused(Exception):
    """The client did not take the record (too large, for instance)."""


def must_exist(settings: Settings, topic: str, remedy: str) -> None:
    """Raises CliError, or BrokerUnreachable."""
    # A producer would wait its whole time-out for a topic with a typing error in its name.
    found = wait_for_broker(settings).list_topics(topic, timeout=REQUEST_TIMEOUT).topics[topic]
    if found.error is not None:
        raise CliError(f"topic {topic}: {found.error.str()}", remedy)


def must_take_flat(settings: Settings, feed: Literal["work_orders", "entities"], command: str) -> None:
    """The input topic is there, and takes the form that ``command`` writes. Raises CliError, or BrokerUnreachable."""
    form: InputFormat = getattr(settings.input_format, feed)
    if form not in (InputFormat.AUTO, InputFormat.FLAT):
        # Every record would become a dead letter.
        raise CliError(
            f"input_format.{feed} is {form.value}, but {command} writes the flat form",
            f"Set input_format.{feed} to auto for the workers, then run this again.",
        )
    must_exist(settings, getattr(settings.topics, feed), "Create it with `willow-sync topics`.")


@dataclass(slots=True)
class Sender:
    """``again`` is the remedy for records without an acknowledgement."""

    settings: Settings
    again: str
    max_bytes: int = 1_000_000
    """Of a record: what an input topic takes unless its owner chose otherwise, and librdkafka's own default."""
    sent: int = 0
    _producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        self._producer = Producer(
            {**confluent_config(self.settings.kafka), **_PRODUCER, "message.max.bytes": self.max_bytes}
        )

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        *,
        partition: int | None = None,
        acknowledged: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        """Hand one record over; one of the two callbacks is called by the end of ``flush``. ``partition`` None: where
        its key belongs. Raises Refused."""
        extra = {} if partition is None else {"partition": partition}

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is None:
                self.sent += 1
                acknowledged()
            else:
                failed(error.str())

        while True:
            try:
                self._producer.produce(topic, value, key, headers=list(headers), on_delivery=delivered, **extra)
            except BufferError:
                # A full queue is waited for, not grown; each record in it ends by its time-out.
                self._producer.poll(1.0)
            except KafkaException as error:
                raise Refused(error.args[0].str()) from None
            else:
                self._producer.poll(0)
                return

    def flush(self) -> None:
        """Waits until each record has its end. Raises CliError."""
        left = self._producer.flush(DELIVERY_SECONDS)
        if left:
            were = "was" if left == 1 else "were"
            raise CliError(
                f"{counted(left, 'record')} {were} not acknowledged within {DELIVERY_SECONDS:.0f} s",
                f"See the broker's log, then {self.again}; sending a change twice does no harm.",
            )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """``partition`` None: where its key belongs."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None


def send_all(settings: Settings, records: Iterable[Outgoing], advance: Advance, *, again: str) -> int:
    """Returns how many were acknowledged, which is all. ``again`` as in Sender. Raises CliError."""
    sender, refused = Sender(settings, again, max_bytes=OUR_BYTES), list[str]()
    for record in records:
        try:
            sender.send(
                record.topic,
                record.key,
                record.value,
                record.headers,
                partition=record.partition,
                acknowledged=advance,
                failed=refused.append,
            )
        except Refused as error:
            refused.append(str(error))
    sender.flush()
    if refused:
        raise CliError(
            f"not sent: {len(refused)} ({refused[0]}); acknowledged: {sender.sent}",
            f"See `willow-sync topics --check` and the broker's log, then {again}; sending twice does no harm.",
        )
    return sender.sent
