"""Judges a topic that is there, or is not, against what it should be."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from streams.kafka.topic_plan import TopicSpec, as_options
from streams.settings import Settings
from streams.words import counted


@dataclass(frozen=True, slots=True)
class TopicState:
    """How one topic stands against the plan."""

    name: str
    state: Literal["created", "present", "missing", "wrong"]
    message: str = ""
    """What was found and what was expected; a topic that is usable may have one too, as a warning."""
    remedy: str = ""
    partitions: int | None = None

    @property
    def usable(self) -> bool:
        return self.state in ("created", "present")


@dataclass(frozen=True, slots=True)
class Found:
    """What the brokers say of a topic."""

    topic_id: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Finding:
    wrong: bool
    """False: a warning, the worker may start."""
    message: str
    remedy: str


def judge(spec: TopicSpec, topics: Mapping[str, Found], settings: Settings) -> TopicState:
    found = topics.get(spec.name)
    if found is None:
        return TopicState(spec.name, "missing", "does not exist", f"{settings.make_topics} creates what is missing")
    findings = [finding for look in _LOOKS if (finding := look(spec, found))]
    if spec.name == settings.topics.name("ticket_intents"):
        findings += _outlived(found, topics.get(settings.topics.work_orders))
    return TopicState(
        spec.name,
        "wrong" if any(finding.wrong for finding in findings) else "present",
        "; ".join(finding.message for finding in findings),
        "; ".join(finding.remedy for finding in findings),
        found.partitions,
    )


def _partitions(spec: TopicSpec, found: Found) -> _Finding | None:
    if not spec.ours or found.partitions == spec.partitions:
        return None
    return _Finding(
        True,
        f"has {counted(found.partitions, 'partition')}, topics.partitions is {spec.partitions}",
        f"set topics.partitions to {found.partitions} if it was made so; if partitions were added later, "
        "orders have changed their owners: stop the workers, make the topic again with "
        f"{counted(spec.partitions, 'partition')} and copy its records by key",
    )


def _cleanup(spec: TopicSpec, found: Found) -> _Finding | None:
    policy = ",".join(sorted(found.config.get("cleanup.policy", "").split(",")))
    if policy in spec.cleanups:
        return None
    wanted = spec.config["cleanup.policy"]
    message = f"cleanup.policy is {policy!r}, expected {wanted!r}"
    return _Finding(True, message, _alter(spec, "cleanup.policy"))


def _timestamps(spec: TopicSpec, found: Found) -> _Finding | None:
    key = "message.timestamp.type"
    wanted = spec.config.get(key)
    if wanted in (None, found.config.get(key)):
        return None
    return _Finding(True, f"{key} is {found.config.get(key)!r}, expected {wanted!r}", _alter(spec, key))


def _replication(spec: TopicSpec, found: Found) -> _Finding | None:
    if not spec.ours or found.replication >= spec.replication:
        return None
    return _Finding(
        False,
        f"has {counted(found.replication, 'replica')}, topics.replication is {spec.replication}",
        "add replicas with kafka-reassign-partitions.sh, else the loss of one broker can lose what it holds",
    )


_LOOKS: tuple[Callable[[TopicSpec, Found], _Finding | None], ...] = (
    _partitions,
    _cleanup,
    _timestamps,
    _replication,
)


def _outlived(intents: Found, work_orders: Found | None) -> list[_Finding]:
    # The input's offset is committed once its intent is written: an intent that expires first is lost unseen.
    if work_orders is None or "delete" not in work_orders.config.get("cleanup.policy", ""):
        return []
    ours, theirs = (int(topic.config.get("retention.ms", "-1")) for topic in (intents, work_orders))
    if ours < 0 or 0 <= theirs <= ours:
        return []
    kept = f"{theirs} ms" if theirs >= 0 else "for ever"
    return [
        _Finding(
            False,
            f"keeps records for {ours} ms, the work order topic {kept}",
            "raise its retention.ms: an intent that no worker has read yet must not expire before its source",
        )
    ]


def _alter(spec: TopicSpec, key: str) -> str:
    option = as_options({key: spec.config[key]})
    return (
        "kafka-configs.sh --bootstrap-server … --alter --entity-type topics "
        f"--entity-name {json.dumps(spec.name)} --add-config {option}"
    )
