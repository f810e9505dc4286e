"""The planner's decision on one change: contract §3 as far as no state of the order is needed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.identity import TICKET_URN
from schemas.intent import Intent, IntentKind, TwinChoice
from schemas.outcome import Reason
from schemas.replan import Cause
from schemas.source import EntityType, Source
from streams.planning.admission import entity_type, refused
from streams.planning.decode import Change, NotAChange
from streams.planning.enumerations import (
    STATUS_FIELD,
    Missed,
    Place,
    Resolved,
    Rule,
    closed_status_id,
    resolve,
)
from streams.planning.instants import to_datetime
from streams.planning.lists import WillowLists
from streams.planning.places import Entities, Located, candidates, locate, most_specific, newest_value
from streams.planning.reasons import reason
from streams.planning.rules import Rules
from streams.planning.scope import halted, loops
from streams.planning.ticket import fallbacks, ticket_fields
from streams.planning.trace import Trace, Translated

__all__ = ["Rules", "changed_at", "plan", "plan_not_a_change"]

AHEAD_MS = timedelta(hours=24) / timedelta(milliseconds=1)
"""A ``dateUpdated`` further ahead of its record is a wrong clock, and would make all that follows stale."""

_LAST_MS = datetime.max.replace(tzinfo=UTC).timestamp() * 1000 - 1000

NEEDED = ("jobStatus", "relatesTo")
"""What a record is decided with (contract §2): the sink fills them from the order's last decision."""


@dataclass(slots=True)
class _Verdict:
    """What planning has come to; the caller puts the coordinates to it."""

    kind: IntentKind
    reason: Reason | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    twins: list[TwinChoice] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    waiting_for: Sequence[str] = ()
    watch: Sequence[str] = ()


def plan(
    change: Change,
    *,
    source: Source,
    timestamp_ms: int | None,
    entities: Entities,
    lists: WillowLists,
    positions: Mapping[int, int],
    rules: Rules,
    cause: Cause | None = None,
    replay_id: str | None = None,
    waiting_id: str | None = None,
    force: bool = False,
    trace: Trace | None = None,
) -> Intent:
    """What is to become of a change. ``timestamp_ms`` is the Kafka timestamp of its record; ``positions`` are
    the planner's in the twin topic, taken before ``entities`` is read. ``trace`` is filled with the steps.

    A skip as ``unmapped_…`` or ``ambiguous_…`` holds for these lists: refresh them and plan again before it
    is said (contract §8)."""
    record = change.record
    verdict = _Verdict(IntentKind.DELETE) if change.deleted else _decide(change, entities, lists, rules, trace)
    if rules.closes_deleted if change.deleted else rules.closes_left and verdict.kind is IntentKind.SKIP:
        _close(verdict, lists, rules)
    written = verdict.kind in (IntentKind.UPSERT, IntentKind.PARK)
    people = rules.send_people
    return Intent(
        kind=verdict.kind,
        work_order_id=change.order_id,
        source=source,
        entity_type=entity_type(record),
        cause=cause,
        replay_id=replay_id,
        waiting_id=waiting_id,
        force=force,
        timestamp_ms=timestamp_ms,
        date_updated=counting_date(record.get("dateUpdated"), timestamp_ms),
        record=record,
        missing=[] if change.deleted else [name for name in NEEDED if name not in record],
        fields=verdict.fields,
        fallbacks=fallbacks(change.order_id, record, verdict.fields, send_people=people) if written else {},
        twins=verdict.twins,
        required=list(rules.required) if written else [],
        ticket_ids=newest_value(record.get("identities"), TICKET_URN),
        reason=verdict.reason,
        warnings=[*change.warnings, *verdict.warnings],
        waiting_for=list(verdict.waiting_for),
        watch=list(verdict.watch),
        positions=dict(positions) if verdict.kind is IntentKind.PARK else {},
    )


def plan_not_a_change(
    control: NotAChange, *, source: Source, timestamp_ms: int | None, replay_id: str | None = None
) -> Intent:
    """The skip of a control record. Without a readable key its order id is empty: no order has that id."""
    return Intent(
        kind=IntentKind.SKIP,
        work_order_id=control.order_id or "",
        source=source,
        entity_type=EntityType.WORK_ORDER,
        replay_id=replay_id,
        timestamp_ms=timestamp_ms,
        reason=reason("not_a_change", what=control.what),
    )


def changed_at(record: Mapping[str, Any], timestamp_ms: int | None) -> datetime | None:
    """For ``Source.changed_at``: the record's ``dateUpdated``, else its Kafka timestamp; None without
    either."""
    if (text := record.get("dateUpdated")) is not None:
        return to_datetime(text)
    # A producer may stamp its records in microseconds: no such year is worth losing a record for.
    if timestamp_ms is None or not 0 <= timestamp_ms <= _LAST_MS:
        return None
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def counting_date(text: str | None, timestamp_ms: int | None) -> datetime | None:
    """The instant of a record that counts for the stale guard (contract §2, *Order of changes*)."""
    if text is None:
        return None
    updated = to_datetime(text)
    # Kafka says -1 where a record has no timestamp: nothing to be ahead of.
    if timestamp_ms is None or timestamp_ms < 0:
        return updated
    return None if updated.timestamp() * 1000 > timestamp_ms + AHEAD_MS else updated


def _close(verdict: _Verdict, lists: WillowLists, rules: Rules) -> None:
    """What a ticket gets whose order is deleted or stops qualifying: the sink knows whether there is one."""
    found = closed_status_id(rules.closed_status or "", lists)
    if isinstance(found, Missed):
        verdict.warnings.append(f"closed_status: {found.why}")
    else:
        verdict.fields = {STATUS_FIELD.target: found}


def _decide(
    change: Change, entities: Entities, lists: WillowLists, rules: Rules, trace: Trace | None = None
) -> _Verdict:
    record = change.record
    if (why := refused(record, rules)) is not None:
        if trace is not None:
            trace.refused = why
        return _Verdict(IntentKind.SKIP, why)
    located = locate(record.get("relatesTo") or (), entities, rules.selection)
    if trace is not None:
        trace.located, trace.in_scope = located, candidates(located)
    halt = halted(located, entities, rules) if "relatesTo" in record else None
    if halt is not None and halt.kind is IntentKind.SKIP:
        return _Verdict(IntentKind.SKIP, halt.reason, warnings=loops(located))
    fields, warnings, lacking = _fields(change.order_id, record, lists, rules, trace)
    if halt is not None:
        # What an enumeration lacks is judged when the order goes on: it may have been mended by then.
        return _Verdict(halt.kind, halt.reason, fields, [], loops(located), halt.waiting_for, halt.watch)
    twins, twin_warnings, twins_lacking = _twins(record, located, lists, rules, trace)
    lacking = lacking or twins_lacking
    warnings += [*twin_warnings, *loops(located)]
    if lacking is not None:
        return _Verdict(IntentKind.SKIP, lacking, warnings=warnings)
    return _Verdict(IntentKind.UPSERT, None, fields, twins, warnings)


def _fields(
    order_id: str, record: Mapping[str, Any], lists: WillowLists, rules: Rules, trace: Trace | None
) -> tuple[dict[str, Any], list[str], Reason | None]:
    """The fields that do not depend on the twin, their warnings, and the first required one without a
    value."""
    fields = ticket_fields(
        order_id,
        record,
        external_id_template=rules.external_id_template,
        source_name=rules.source_name,
        send_people=rules.send_people,
    )
    applied = [rule for rule in rules.enumerations if rule.source in record]
    found = [resolve(rule, record[rule.source], lists) for rule in applied]
    for resolved in found:
        fields.update(resolved.fields)
    if trace is not None:
        trace.enumerations += _translated(applied, record, found)
    return fields, _warnings(found), _first_reason(found)


def _twins(
    record: Mapping[str, Any], located: Sequence[Located], lists: WillowLists, rules: Rules, trace: Trace | None
) -> tuple[list[TwinChoice], list[str], Reason | None]:
    """The twins that the ticket may name, each with its own place-bound fields.

    One at whose place a required category or service has no value is left out; with no other, the reason."""
    twins: list[TwinChoice] = []
    warnings: list[str] = []
    reasons: list[Reason] = []
    equals = most_specific(candidates(located))
    applied = [rule for rule in rules.placed if rule.source in record]
    if trace is not None:
        trace.equals = equals
    for item in equals:
        assert item.twin_id is not None
        found = _placed(record, applied, Place(frozenset((item.twin_id, *item.chain.twins))), lists)
        if trace is not None:
            trace.enumerations += _translated(applied, record, found, item.id)
        if (why := _first_reason(found)) is not None:
            reasons.append(why)
            warnings.append(f"{why.code}: {item.id} is left out")
            continue
        fields = {name: value for resolved in found for name, value in resolved.fields.items()}
        twins.append(
            TwinChoice(
                entity_id=item.id,
                twin_id=item.twin_id,
                site_id=item.chain.site,
                fields=fields,
                warnings=_warnings(found),
            )
        )
    return (twins, warnings, None) if twins else ([], [], next(iter(reasons), None))


def _placed(record: Mapping[str, Any], applied: Iterable[Rule], place: Place, lists: WillowLists) -> list[Resolved]:
    found: list[Resolved] = []
    category: str | None = None
    for rule in applied:
        resolved = resolve(rule, record[rule.source], lists, place, category)
        # Services hang under a category, and rules stand in the order of FIELDS: the category's comes first.
        category = resolved.fields.get("categoryId", category)
        found.append(resolved)
    return found


def _translated(
    applied: Iterable[Rule], record: Mapping[str, Any], found: Iterable[Resolved], entity_id: str | None = None
) -> list[Translated]:
    return [
        Translated(rule, record[rule.source], resolved, entity_id)
        for rule, resolved in zip(applied, found, strict=True)
    ]


def _warnings(found: Iterable[Resolved]) -> list[str]:
    return [resolved.warning for resolved in found if resolved.warning is not None]


def _first_reason(found: Iterable[Resolved]) -> Reason | None:
    return next((resolved.reason for resolved in found if resolved.reason is not None), None)
