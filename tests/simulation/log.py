"""Kafka's log in memory: topics, partitions, offsets, compaction."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


class Entry(NamedTuple):
    """A record where the broker put it. ``at`` is virtual time in seconds; ``written_by`` names the process."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    at: float
    written_by: str


@dataclass(slots=True)
class Partition:
    """``entries`` by offset; None where compaction took one."""

    entries: list[Entry | None] = field(default_factory=list)

    @property
    def end(self) -> int:
        return len(self.entries)

    def read(self, start: int) -> Iterator[Entry]:
        return (entry for entry in self.entries[start:] if entry is not None)


class Log:
    """``followers`` of a topic are called with the partition after each append."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self.topics = {name: [Partition() for _ in range(count)] for name, count in partitions.items()}
        self.all: list[Entry] = []
        """In the order in which the broker took them, whatever the topic; compaction leaves it alone."""
        self._followers: dict[str, list[Callable[[int], None]]] = {name: [] for name in partitions}

    def partition_of(self, topic: str, key: bytes | None) -> int:
        """By the key's hash, the same for every topic with the same count of partitions."""
        return zlib.crc32(key or b"") % len(self.topics[topic])

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        *,
        at: float,
        epoch: float,
        written_by: str,
    ) -> Entry:
        slot = self.topics[topic][partition]
        entry = Entry(topic, partition, slot.end, int(epoch * 1000), key, value, headers, at, written_by)
        slot.entries.append(entry)
        self.all.append(entry)
        for follower in list(self._followers[topic]):
            follower(partition)
        return entry

    def follow(self, topic: str, follower: Callable[[int], None]) -> None:
        self._followers[topic].append(follower)

    def unfollow(self, topic: str, follower: Callable[[int], None]) -> None:
        self._followers[topic].remove(follower)

    def ends(self, topic: str) -> dict[int, int]:
        return {number: partition.end for number, partition in enumerate(self.topics[topic])}

    def read(self, topic: str) -> list[Entry]:
        """All that ever stood in a topic, in the order in which the broker took it."""
        return [entry for entry in self.all if entry.topic == topic]

    def compact(self, topic: str, *, dirty: int = 0) -> None:
        """Of each key only the newest stays, but for the last ``dirty`` records, which are not compacted yet."""
        for partition in self.topics[topic]:
            clean = max(0, partition.end - dirty)
            newest = {entry.key: entry.offset for entry in partition.read(0) if entry.offset < clean}
            for offset, entry in enumerate(partition.entries[:clean]):
                if entry is not None and newest[entry.key] != offset:
                    partition.entries[offset] = None
