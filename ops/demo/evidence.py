"""What the judge may look at: the records that were sent, the emulator's journal, and the output topics.

Nothing here reads the state of a worker: a judge that asks the accused finds nothing.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ops.portfolio import ExpectedOrder, Message
from schemas import dead_letter
from schemas.identity import TICKET_URN


@dataclass(frozen=True, slots=True, order=True)
class Coordinates:
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and where the broker put it. ``value`` is what was really sent."""

    at: Coordinates
    message: Message


@dataclass(frozen=True, slots=True)
class DeadLetter:
    at: Coordinates
    """Of the poisonous record, as the dead letter's headers say."""
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Write:
    """A create or update that Willow carried out. Times are the emulator's monotonic seconds."""

    ticket_id: str
    order_id: str | None
    revision: int
    """0 is the create; the order in which Willow applied them."""
    arrived: float
    acknowledged: float | None
    """When Willow's own answer was written whole; None if the caller heard nothing, or something else."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    sent: Sequence[Sent]
    expected: Mapping[str, ExpectedOrder]
    statuses: Mapping[str, str]
    """Willow's status ids and their names."""
    writes: Sequence[Write]
    requests: Mapping[str, int]
    """Journal: method and status → how many."""
    outcomes: Sequence[dict[str, Any]]
    """As published, in the order of each partition, redeliveries included."""
    dead_letters: Sequence[DeadLetter]
    identities: Mapping[str, str]
    """Order id → ticket id: the newest record of each key."""


def read_journal(file: Path) -> list[dict[str, Any]]:
    """The emulator's journal, one object a line. A last line that is not whole yet is left out."""
    lines = file.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines if line]


def accepted_writes(journal: Iterable[Mapping[str, Any]]) -> list[Write]:
    """The PUTs and PATCHes that Willow carried out, whatever it answered and however late, in the order in which
    it applied them to each ticket."""
    found = []
    for entry in journal:
        # A late write has two entries, of which the later one alone is committed.
        if entry["method"] not in {"PUT", "PATCH"} or not entry["committed"]:
            continue
        body = entry["body"]
        fields = body if isinstance(body, dict) else {op["path"].removeprefix("/"): op["value"] for op in body}
        answered = entry["answeredMonotonic"] if entry["acknowledged"] else None
        found.append(
            Write(
                ticket_id=entry["ticketId"],
                order_id=entry["externalId"],
                revision=entry["revision"],
                arrived=entry["arrivedMonotonic"],
                acknowledged=answered,
                fields=fields,
            )
        )
    return sorted(found, key=lambda write: (write.ticket_id, write.revision))


def outstanding_writes(journal: Iterable[Mapping[str, Any]]) -> set[int]:
    """The requests (by number) whose write Willow is still to carry out: what a judge finds now is not the end."""
    due: set[int] = set()
    for entry in journal:
        if entry["event"] == "commit" or entry["committed"] or entry["commitDueMonotonic"] is None:
            due.discard(entry["request"])
        else:
            due.add(entry["request"])
    return due


def count_requests(journal: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in journal:
        name = f"{entry['method']} {entry['status'] or 'no answer'}"
        if "/tickets" in entry["path"] and entry["event"] == "request":
            counts[name] = counts.get(name, 0) + 1
    return counts


@dataclass(frozen=True, slots=True)
class Read:
    """One record of an output topic."""

    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


def read_topic(
    bootstrap_servers: str, topic: str, timeout: float = 30.0, clock: Callable[[], float] = time.monotonic
) -> list[Read]:
    """Every record up to the end offsets as of now. ``timeout`` in seconds over the whole read.

    Raises TimeoutError with what was still missing, KafkaException."""
    deadline = clock() + timeout
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 0,
            "group.id": "demo-checker",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        return list(_read(consumer, topic, deadline, clock))
    finally:
        consumer.close()


def _read(consumer: Consumer, topic: str, deadline: float, clock: Callable[[], float]) -> Iterator[Read]:
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    # At the end offsets read now, not at "the end": a topic that is still written to has none.
    ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions}
    consumer.assign([TopicPartition(topic, p, 0) for p, end in ends.items() if end])
    missing = {p for p, end in ends.items() if end}
    while missing:
        if clock() > deadline:
            raise TimeoutError(f"{topic} was not read to its end: partitions {sorted(missing)} are missing")
        message = consumer.poll(0.5)
        if message is None:
            continue
        partition, error = message.partition(), message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            missing.discard(partition)
            continue
        if partition in missing:
            yield Read(message.key(), message.value(), dict(message.headers() or ()))
        if message.offset() + 1 >= ends[partition]:
            missing.discard(partition)


def outcomes_of(records: Iterable[Read]) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in records if record.value is not None]


def identities_of(records: Iterable[Read]) -> dict[str, str]:
    """Order id → ticket id. A tombstone takes the order away."""
    found: dict[str, str] = {}
    for record in records:
        order_id = (record.key or b"").decode()
        if record.value is None:
            found.pop(order_id, None)
        else:
            found[order_id] = json.loads(record.value)["identity"]["value"].removeprefix(TICKET_URN)
    return found


def dead_letters_of(records: Iterable[Read]) -> list[DeadLetter]:
    """Raises KeyError where a dead letter lacks the coordinates of its record."""
    return [
        DeadLetter(
            Coordinates(
                record.headers[dead_letter.TOPIC].decode(),
                int(record.headers[dead_letter.PARTITION]),
                int(record.headers[dead_letter.OFFSET]),
            ),
            record.value,
        )
        for record in records
    ]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def save(evidence: Evidence, folder: Path) -> None:
    """Puts what a person needs to follow one order beside the logs: the records sent, and the outcomes."""
    sent = [
        {
            "at": str(sent.at),
            "order": sent.message.order_id,
            "case": sent.message.case,
            "phase": sent.message.phase.name,
        }
        | {"feed": sent.message.feed, "allowed": sorted(sent.message.allowed)}
        for sent in evidence.sent
    ]
    for name, records in (("sent", sent), ("outcomes", evidence.outcomes)):
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / f"{name}.ndjson").write_text("".join(lines), "utf-8")
