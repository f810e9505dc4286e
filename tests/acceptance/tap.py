"""What the worker says: the output topics, read from the beginning by a plain consumer."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition

from ops.demo.evidence import Coordinates
from streams.settings import TopicSettings
from tests.acceptance.records import TICKET_URN

_KINDS = ("outcomes", "ticket_identities", "dead_letters")
_BATCH = 2000
_QUIET_SECONDS = 0.3
"""Longer than a fetch of what the broker has; it costs every judgement as much."""
_MAX_DRAINS = 200


@dataclass(frozen=True, slots=True)
class Record:
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str | None:
        return next((value.decode() for key, value in self.headers if key == name), None)


def source_of(outcome: Mapping[str, Any]) -> Coordinates:
    source = outcome["source"]
    return Coordinates(source["topic"], source["partition"], source["offset"])


class Tap:
    """Grows with each ``drain``; ``close`` it."""

    def __init__(self, bootstrap_servers: str, topics: TopicSettings) -> None:
        self.records: dict[str, list[Record]] = {kind: [] for kind in _KINDS}
        self.outcomes: list[dict[str, Any]] = []
        self.finals: dict[Coordinates, list[dict[str, Any]]] = defaultdict(list)
        self.parked: dict[Coordinates, list[dict[str, Any]]] = defaultdict(list)
        self.replayed: dict[str, list[dict[str, Any]]] = defaultdict(list)
        """Replay id → its outcomes: they are other than those of the records (contract §5)."""
        self._keep: dict[str, tuple[str, Callable[[Record], None]]] = {
            topics.name("outcomes"): ("outcomes", self._outcome),
            topics.name("ticket_identities"): ("ticket_identities", lambda _: None),
            topics.name("dead_letters"): ("dead_letters", lambda _: None),
        }
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "acceptance-tap",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        spots = [TopicPartition(name, p, 0) for name in self._keep for p in range(topics.partitions)]
        self._consumer.assign(spots)

    def drain(self, seconds: float) -> None:
        """Take what there is; wait up to ``seconds`` for a first record. Raises KafkaException."""
        first = self._consumer.poll(seconds)
        if first is None:
            return
        for message in (first, *self._consumer.consume(_BATCH, timeout=0)):
            if message.error() is not None:
                raise KafkaException(message.error())
            kind, keep = self._keep[message.topic()]
            record = Record(message.key(), message.value(), tuple(message.headers() or ()))
            self.records[kind].append(record)
            keep(record)

    def catch_up(self) -> None:
        """Drains until nothing came for a while: an outcome may be read before the identity that preceded it, which
        lies in another topic."""
        for _ in range(_MAX_DRAINS):
            before = sum(map(len, self.records.values()))
            self.drain(_QUIET_SECONDS)
            if sum(map(len, self.records.values())) == before:
                return

    def _outcome(self, record: Record) -> None:
        said = orjson.loads(record.value or b"")
        self.outcomes.append(said)
        if said["replayId"] is not None:
            self.replayed[said["replayId"]].append(said)
            return
        (self.finals if said["final"] else self.parked)[source_of(said)].append(said)

    @property
    def identities(self) -> dict[str, str]:
        """Order id → ticket id: the newest identity of each key."""
        found: dict[str, str] = {}
        for record in self.records["ticket_identities"]:
            order_id = (record.key or b"").decode()
            if record.value is None:
                # Taken back: the ticket is gone.
                found.pop(order_id, None)
            else:
                found[order_id] = orjson.loads(record.value)["identity"]["value"].removeprefix(TICKET_URN)
        return found

    def close(self) -> None:
        self._consumer.close()
