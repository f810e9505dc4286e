"""The newest records of a topic: so many of all its partitions together."""

from collections.abc import Iterator, Mapping

from streams.reading.log import Log, Logged


def last_offsets(spans: Mapping[int, tuple[int, int]], count: int) -> dict[int, int]:
    """Partition → where its share of the last ``count`` records begins. A short partition leaves its share to the
    others; nothing tells which of two partitions has the newer records without reading both."""
    sizes = {partition: end - first for partition, (first, end) in spans.items()}
    starts: dict[int, int] = {}
    left = count
    for number, partition in enumerate(sorted(sizes, key=lambda item: (sizes[item], item))):
        share = min(sizes[partition], left // (len(sizes) - number))
        starts[partition] = spans[partition][1] - share
        left -= share
    return starts


def newest_records(log: Log, topic: str, last: int | None) -> Iterator[Logged]:
    """The last so many records, None: all. Raises ReadFailed."""
    yield from log.read(topic, start=None if last is None else last_offsets(log.spans(topic), last))
