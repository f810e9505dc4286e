"""Reading topics from where they begin, or from given offsets, to where they end now."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from streams.kafka.admin import REQUEST_TIMEOUT, wait_for_broker
from streams.kafka.connection import confluent_config
from streams.settings import Settings

STALL_SECONDS = 30.0
"""So long nothing may come although something is there: longer than a broker's fail-over."""
BATCH = 2000
"""Records taken at once: enough to make the per-call cost vanish."""
SEEK_BEYOND = 1000
"""A gap of more records than this between two wanted ones is jumped over; reading on is quicker for a smaller one."""

_POLL_SECONDS = 0.5

Advance = Callable[[int], None]
Headers = tuple[tuple[str, bytes], ...]


class Watch(Protocol):
    """Shows how far a long read is: ``with watch(total, label) as advance: advance(count)``."""

    def __call__(self, total: int | None, label: str, /) -> AbstractContextManager[Advance]: ...


@contextmanager
def unwatched(total: int | None, label: str, /) -> Iterator[Advance]:
    yield lambda count: None


@dataclass(frozen=True, slots=True)
class Logged:
    """One record as it stands in the log."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers


class ReadFailed(Exception):
    """A topic can't be read, or not to its end."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


_NO_LEADER_YET = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}


def _no_leader_yet(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() in _NO_LEADER_YET


_TOPICS = "Run `willow-sync topics --check`, and see whether kafka.bootstrap_servers is the workers' own."
_AGAIN = "See whether the brokers are well (`willow-sync check`), then run the command again."


class Log:
    """A consumer that belongs to no group and commits nothing. ``with Log(settings) as log``.

    Every method blocks, for a bounded time, and raises ReadFailed; opening raises BrokerUnreachable."""

    def __init__(
        self, settings: Settings, *, watch: Watch = unwatched, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._watch, self._clock = settings, watch, clock

    def __enter__(self) -> Self:
        wait_for_broker(self._settings)
        self._consumer = self._connect("willow-sync-reading")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def _connect(self, group: str) -> Any:
        return Consumer(
            {
                "group.id": group,  # never joined: librdkafka wants a name, or to be asked for a group's offsets
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "log_level": 0,
                **confluent_config(self._settings.kafka),
            }
        )

    # A topic made a moment ago, or a broker that was just lost: the news of the leader reaches all a moment later.
    @retry(retry=retry_if_exception(_no_leader_yet), stop=stop_after_delay(10), wait=wait_fixed(0.2), reraise=True)
    def spans(self, topic: str, partitions: Iterable[int] | None = None) -> dict[int, tuple[int, int]]:
        """Partition → first offset and the one after the last, as of now."""
        try:
            found = self._consumer.list_topics(topic, timeout=REQUEST_TIMEOUT).topics[topic]
            if found.error is not None:
                raise ReadFailed(f"topic {topic} can't be read: {found.error.str()}", _TOPICS)
            wanted = sorted(found.partitions) if partitions is None else sorted(set(partitions))
            if missing := sorted(set(wanted) - set(found.partitions)):
                count = len(found.partitions)
                raise ReadFailed(
                    f"topic {topic} has no partition {missing[0]}, it has {count}",
                    f"Name one from 0 to {count - 1}; if you named none, run `willow-sync topics --check`.",
                )
            return {
                partition: self._consumer.get_watermark_offsets(TopicPartition(topic, partition), REQUEST_TIMEOUT)
                for partition in wanted
            }
        except KafkaException as error:
            _refused(topic, error)

    def offsets_since(self, topic: str, since_ms: int) -> dict[int, int]:
        """Partition → first offset whose record is of this time (ms since 1970) or later; the end where there is
        none."""
        spans = self.spans(topic)
        try:
            spots = self._consumer.offsets_for_times(
                [TopicPartition(topic, p, since_ms) for p in spans], REQUEST_TIMEOUT
            )
        except KafkaException as error:
            _refused(topic, error)
        return {spot.partition: spot.offset if spot.offset >= 0 else spans[spot.partition][1] for spot in spots}

    def committed(self, group: str, topic: str) -> dict[int, int | None]:
        """Partition → the offset that a consumer group goes on from; None where it committed nothing."""
        spots = [TopicPartition(topic, partition) for partition in self.spans(topic)]
        asking = self._connect(group)
        try:
            found = asking.committed(spots, timeout=REQUEST_TIMEOUT)
        except KafkaException as error:
            _refused(topic, error)
        finally:
            asking.close()
        return {spot.partition: spot.offset if spot.offset >= 0 else None for spot in found}

    def read(
        self, topic: str, *, partitions: Iterable[int] | None = None, start: Mapping[int, int] | None = None
    ) -> Iterator[Logged]:
        """Every record from the beginning (or from ``start``: partition → offset, no others) to the end as of now."""
        spans = self.spans(topic, start.keys() if start is not None else partitions)
        begin = {p: max(low, start[p] if start is not None else low) for p, (low, _) in spans.items()}
        ends = {p: high for p, (_, high) in spans.items() if high > begin[p]}
        total = sum(end - begin[p] for p, end in ends.items())
        with self._watch(total, f"reading {topic}") as advance:
            yield from self._read(topic, {p: begin[p] for p in ends}, ends, advance)

    def read_at(self, topic: str, wanted: Mapping[int, Iterable[int]]) -> Iterator[Logged]:
        """The records at these offsets (by partition), as far as the log still holds them."""
        total = sum(len(set(offsets)) for offsets in wanted.values())
        with self._watch(total, f"reading {topic}") as advance:
            for partition, offsets in wanted.items():
                listed = sorted(set(offsets))
                low, high = self.spans(topic, [partition])[partition]
                for run in _neighbours(listed):
                    advance(len(run))
                    first, end, these = max(low, run[0]), min(high, run[-1] + 1), set(run)
                    if first < end:
                        records = self._read(topic, {partition: first}, {partition: end}, lambda _: None)
                        yield from (record for record in records if record.offset in these)

    def _read(
        self, topic: str, begin: Mapping[int, int], ends: Mapping[int, int], advance: Advance
    ) -> Iterator[Logged]:
        self._consumer.assign([TopicPartition(topic, p, offset) for p, offset in begin.items()])
        left, heard = dict(ends), self._clock()
        try:
            while left:
                # poll() returns with the first record; consume(n, timeout) alone would wait to fill its batch.
                first = self._consumer.poll(_POLL_SECONDS)
                if first is None:
                    if self._clock() - heard > STALL_SECONDS:
                        raise ReadFailed(f"{topic}: nothing came for {STALL_SECONDS:.0f} s", _AGAIN)
                    continue
                heard, count = self._clock(), 0
                for message in (first, *self._consumer.consume(BATCH, timeout=0)):
                    partition, error = message.partition(), message.error()
                    if error is not None:
                        if error.code() != KafkaError._PARTITION_EOF:
                            raise ReadFailed(f"topic {topic} can't be read: {error.str()}", _AGAIN)
                        left.pop(partition, None)
                        continue
                    if partition in left and message.offset() < left[partition]:
                        count += 1
                        yield _logged(message)
                    # Compaction and transactions leave offsets that no record fills: past the end is the end too.
                    if message.offset() + 1 >= left.get(partition, 0):
                        left.pop(partition, None)
                advance(count)
        except KafkaException as error:
            _refused(topic, error)
        finally:
            self._consumer.unassign()


def _logged(message: Any) -> Logged:
    stamp = message.timestamp()[1]
    return Logged(
        message.topic(),
        message.partition(),
        message.offset(),
        stamp if stamp >= 0 else None,
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )


def _neighbours(offsets: Sequence[int]) -> Iterator[list[int]]:
    """Sorted offsets in runs that one read takes in."""
    run: list[int] = []
    for offset in offsets:
        if run and offset - run[-1] > SEEK_BEYOND:
            yield run
            run = []
        run.append(offset)
    if run:
        yield run


def _refused(topic: str, error: KafkaException) -> NoReturn:
    raise ReadFailed(f"topic {topic} can't be read: {error.args[0].str()}", _TOPICS) from error
