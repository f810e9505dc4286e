"""``willow-sync.replans`` (internal): the one door back in, for wake-ups, replays, retries and timers (contract §1)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from schemas.base import Record
from schemas.source import EntityType, Source


class Cause(StrEnum):
    """Why a record is planned again."""

    WAKE = "wake"
    """What a parked order waited for has arrived."""
    FILL = "fill"
    """The record left out fields that an earlier one carried; it comes back as their fold."""
    REPLAY = "replay"
    """An operator asked (``replay``, ``dead-letters retry``)."""
    SIGNAL = "signal"
    """A timer or an operator's word for the sink; nothing to plan."""


class Replan(Record):
    """An order's record to plan again under its own coordinates, or a signal for the sink."""

    cause: Cause
    work_order_id: str
    source: Source
    entity_type: EntityType = EntityType.WORK_ORDER
    replay_id: str | None = None
    waiting_id: str | None = None
    """Of a wake-up or a fold: the wait that it ends, of one group and one attempt."""
    force: bool = False
    deleted: bool = False
    record: dict[str, Any] = {}
    """The (folded) source fields, camelCase, as ``Intent.record``."""
    timestamp_ms: int | None = None
    """Kafka timestamp of the original record, for the 24 h rule of the stale guard."""
    positions: dict[int, int] = {}
    """Partition of the twin topic → next offset: the planner must have read this far before it plans again."""
    signal: dict[str, Any] | None = None


def signal(topic: str, work_order_id: str, cause: str, result: Mapping[str, Any] | None = None) -> Replan:
    """A word for the order's sink, by way of the planner (``topic`` is that of the replans). It stands for no record of
    the input, so its source names none."""
    return Replan(
        cause=Cause.SIGNAL,
        work_order_id=work_order_id,
        source=Source(topic=topic, partition=0, offset=0),
        signal={"cause": cause, "result": dict(result or {})},
    )
