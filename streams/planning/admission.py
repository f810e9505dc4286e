"""What a record says of itself that keeps it from Willow: the first planner's rows of contract §3."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.outcome import Reason
from schemas.source import EntityType
from streams.planning.reasons import reason
from streams.planning.rules import Rules, fold_type

Record = Mapping[str, Any]

_SERVICE_REQUEST = fold_type(EntityType.SERVICE_REQUEST)


def entity_type(record: Record) -> EntityType:
    service = fold_type(record.get("exactType") or "") == _SERVICE_REQUEST
    return EntityType.SERVICE_REQUEST if service else EntityType.WORK_ORDER


def refused(record: Record, rules: Rules) -> Reason | None:
    """The first reason to skip the record whatever it relates to."""
    for check in _CHECKS.values():
        if (why := check(record, rules)) is not None:
            return why
    return None


def _willow_born(record: Record, rules: Rules) -> Reason | None:
    if not rules.born:
        return None
    marks = [("mappingKey", record.get("mappingKey"))]
    marks += [("identity", item["value"]) for item in record.get("identities") or ()]
    for field, value in marks:
        for pattern in rules.born:
            if value and pattern.search(value):
                return reason("willow_born", field=field, value=repr(value), pattern=repr(pattern.pattern))
    return None


def _other_entity_type(record: Record, rules: Rules) -> Reason | None:
    exact_type = record.get("exactType")
    if not exact_type or exact_type.isspace():
        # A topic of nothing but work orders need not say so in each record.
        exact_type = "WorkOrder"
    if fold_type(exact_type) in rules.entity_types:
        return None
    return reason("other_entity_type", value=repr(exact_type), allowed=", ".join(rules.allowed_types))


def _missing_job_status(record: Record, rules: Rules) -> Reason | None:
    # A status that the record left out is unchanged; the sink knows the last one.
    status = record.get("jobStatus", "absent")
    if status is None or not status.strip():
        return reason("missing_job_status", value="null" if status is None else "blank")
    return None


#: Reason code → check, in the order of contract §3.
_CHECKS: dict[str, Callable[[Record, Rules], Reason | None]] = {
    "willow_born": _willow_born,
    "other_entity_type": _other_entity_type,
    "missing_job_status": _missing_job_status,
}

CHECKED = tuple(_CHECKS)
"""The codes under which a record is refused whatever it relates to, in the order in which they are tried."""
