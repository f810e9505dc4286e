"""What the planner would make of the newest orders, before a worker runs: for ``check``."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.planning.decode import Change
from streams.planning.enumerations import Rule
from streams.planning.lists import WillowLists
from streams.planning.places import Entities
from streams.planning.plan import plan
from streams.planning.rules import Rules
from streams.planning.trace import Trace, Translated
from streams.reading.log import Log, Watch, unwatched
from streams.reading.newest import newest_records
from streams.reading.records import InputRecord, opened
from streams.settings import Settings

RECORDS_PER_ORDER = 4
"""Records that are read for each order that is wanted: an order has a handful of changes."""
MAX_TWINS = 1800
"""Twins that are remembered: Willow tells of them in 18 calls, and takes 20 in 10 s."""


@dataclass(slots=True)
class Coverage:
    """Of the orders that the planner looked at for one enumeration; ``missed``: value → orders. ``ambiguous``: those of
    the missed values of which Willow has more than one."""

    required: bool
    mapped: int = 0
    empty: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    ambiguous: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return self.mapped + self.missed.total()


@dataclass(frozen=True, slots=True)
class Witness:
    """A twin comes from this entity, to which this order relates."""

    entity_id: str
    order_id: str


@dataclass(slots=True)
class Rehearsal:
    """``decisions``: ``upsert``, or what else with its reason (``skip stale``) → orders. ``coverage`` by setting."""

    orders: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    coverage: dict[str, Coverage] = field(default_factory=dict)
    twins: dict[str, Witness] = field(default_factory=dict)


def newest_orders(settings: Settings, count: int, *, watch: Watch = unwatched) -> list[InputRecord]:
    """The newest record of each of at most ``count`` orders that changed last, what it left out filled from the one
    before. Raises BrokerUnreachable, ReadFailed."""
    with Log(settings, watch=watch) as log:
        records = newest_records(log, settings.topics.work_orders, count * RECORDS_PER_ORDER)
        return fold((opened(record, settings) for record in records), count)


def fold(records: Iterable[InputRecord], count: int) -> list[InputRecord]:
    kept: OrderedDict[str, InputRecord] = OrderedDict()
    for record in records:
        change = record.change
        if change is None:
            continue
        before = kept.pop(change.order_id, None)
        if change.deleted:
            continue
        earlier = before.change.record if before is not None and before.change is not None else {}
        whole = Change(change.order_id, False, {**earlier, **change.record}, change.warnings)
        kept[change.order_id] = InputRecord(record.logged, whole)
        if len(kept) > count:
            kept.popitem(last=False)
    return list(kept.values())


def rehearse(records: Iterable[InputRecord], entities: Entities, lists: WillowLists, rules: Rules) -> Rehearsal:
    seen = Rehearsal(coverage={rule.field.setting: Coverage(rule.required) for rule in _rules(rules)})
    for record in records:
        assert record.change is not None
        trace = Trace()
        intent = plan(
            record.change,
            source=record.source(None),
            timestamp_ms=record.logged.timestamp_ms,
            entities=entities,
            lists=lists,
            positions={},
            rules=rules,
            trace=trace,
        )
        seen.orders += 1
        code = intent.reason.code if intent.reason is not None else None
        seen.decisions[intent.kind.value if code is None else f"{intent.kind.value} {code}"] += 1
        _cover(seen.coverage, trace)
        for item in trace.in_scope:
            if item.twin_id is not None and len(seen.twins) < MAX_TWINS:
                seen.twins.setdefault(item.twin_id, Witness(item.id, record.change.order_id))
    return seen


def _rules(rules: Rules) -> tuple[Rule, ...]:
    return (*rules.enumerations, *rules.placed)


def _cover(coverage: Mapping[str, Coverage], trace: Trace) -> None:
    steps: dict[str, list[Translated]] = {}
    for step in trace.enumerations:
        steps.setdefault(step.rule.field.setting, []).append(step)
    for setting, tried in steps.items():
        found, value = coverage[setting], tried[0].value
        if value is None or not value.strip():
            found.empty += 1
        # Of several twins the ticket takes one at whose place there is a value.
        elif any(step.resolved.reason is None and step.resolved.warning is None for step in tried):
            found.mapped += 1
        else:
            found.missed[value[:100]] += 1
            if any(step.resolved.ambiguous for step in tried):
                found.ambiguous.add(value[:100])
