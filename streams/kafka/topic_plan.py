"""The topics that this software needs, as data (contract §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic should be; ``config`` is what it gets if we create it."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    ours: bool
    """An input is the upstream's: it may have, and grow to, any number of partitions."""
    cleanups: frozenset[str]
    """The values of cleanup.policy that lose nothing we rely on."""


_HOUR_MS = 3_600_000

_COMPACT: Mapping[str, str] = {
    "cleanup.policy": "compact",
    # Workers read these topics whole when they start: at Kafka's 0.5, half of it may be outdated.
    "min.cleanable.dirty.ratio": "0.2",
    # The newest segment is never compacted: at 7 days and 1 GiB that is most of a changelog.
    "segment.ms": str(6 * _HOUR_MS),
    "segment.bytes": str(128 << 20),
    # A follower that was cut off for longer than this misses tombstones; Kafka's day is short of a weekend.
    "delete.retention.ms": str(7 * 24 * _HOUR_MS),
}

_HOLDS_RECORDS: Mapping[str, str] = {
    # A record of the input's largest size (Kafka: 1 MiB) still fits with our headers, or as JSON inside JSON.
    "max.message.bytes": str(8 << 20),
}

_DELETE = frozenset({"delete"})
_KEPT = frozenset({"compact"})
_ANY = frozenset({"delete", "compact", "compact,delete"})


@dataclass(frozen=True, slots=True)
class _Kind:
    setting: str
    """The field of the topic settings that names it."""
    config: Mapping[str, str]
    cleanups: frozenset[str]
    ours: bool = True


_KINDS = (
    _Kind("work_orders", {"cleanup.policy": "delete"}, _ANY, ours=False),
    _Kind("entities", _COMPACT, _KEPT, ours=False),
    _Kind("outcomes", {"cleanup.policy": "delete"}, _DELETE),
    _Kind("ticket_identities", _COMPACT, _KEPT),
    _Kind("dead_letters", {"cleanup.policy": "delete", **_HOLDS_RECORDS}, _DELETE),
    _Kind("ticket_intents", {"cleanup.policy": "delete", **_HOLDS_RECORDS}, _DELETE),
    _Kind("replans", {"cleanup.policy": "delete", **_HOLDS_RECORDS}, _DELETE),
    # `settle` counts from a claim's timestamp: the broker's clock, not that of a worker that may be wrong.
    _Kind("create_claims", {**_COMPACT, "message.timestamp.type": "LogAppendTime"}, _KEPT),
)


def changelog_name(settings: Settings) -> str:
    """The changelog of the order table, as Faust names it: application id, table, ``changelog``."""
    return f"{settings.kafka.group_id}-orders-changelog"


def topic_plan(settings: Settings) -> list[TopicSpec]:
    """All topics under the names, counts and retention of these settings, inputs first."""
    specs = [
        _spec(settings, settings.topics.name(kind.setting), kind.config, kind.cleanups, ours=kind.ours)
        for kind in _KINDS
    ]
    changelog = _spec(settings, changelog_name(settings), {**_COMPACT, **_HOLDS_RECORDS}, _KEPT, ours=True)
    return [*specs, changelog]


def _spec(
    settings: Settings, name: str, config: Mapping[str, str], cleanups: frozenset[str], *, ours: bool
) -> TopicSpec:
    topics = settings.topics
    whole = dict(config)
    if config["cleanup.policy"] == "delete":
        whole["retention.ms"] = str(int(topics.retention.total_seconds() * 1000))
    if topics.replication >= 3:
        # Else acks=all is content with one copy, and the loss of one disk loses acknowledged claims.
        whole["min.insync.replicas"] = "2"
    return TopicSpec(name, topics.partitions, topics.replication, whole, ours, cleanups)


def as_options(config: Mapping[str, Any]) -> str:
    """``a=1,b=2``, the form that Kafka's own tools take; values with commas in brackets."""
    return ",".join(f"{key}=[{value}]" if "," in str(value) else f"{key}={value}" for key, value in config.items())
