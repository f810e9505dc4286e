"""Which records a replay sends round again: of each order the newest decided one, for older ones are superseded."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from schemas.replan import Cause, Replan
from streams.delivery.state import OrderState
from streams.planning.admission import entity_type
from streams.planning.decode import Change, NotAChange
from streams.reading.log import Log
from streams.reading.records import InputRecord, opened, records_at
from streams.reading.states import decided_offset, order_states, standing_of
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that is given must hold. ``start``: the input from these offsets on (partition → offset, no other
    partitions); ``outcome`` and ``reason`` are those of the order's newest decided record."""

    start: Mapping[int, int] | None = None
    order_ids: Collection[str] | None = None
    outcome: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """Partition → offset → the order whose newest record is there; and why others were left out (reason → count)."""

    at: Mapping[int, Mapping[int, str]]
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def order_ids(self) -> set[str]:
        return {order_id for offsets in self.at.values() for order_id in offsets.values()}

    def __len__(self) -> int:
        return sum(len(offsets) for offsets in self.at.values())


@dataclass(frozen=True, slots=True)
class _Standing:
    """How an order stands, and where its newest decided record is; None: in a topic of this name made before."""

    outcome: str
    code: str | None
    at: tuple[int, int] | None


OLDER = "older than the newest decided record of their order, which stands for them"
NOT_DECIDED = "not decided yet, or stale: no replay can bring them forward"
NOT_CHANGES = "no changes of an order"
UNREADABLE = "unreadable; see `willow-sync dead-letters`"
GONE = "no longer in the input topic; let the source send the order again"


def pick(log: Log, settings: Settings, wanted: Wanted, topic_id: str) -> Picked:
    """Raises ReadFailed."""
    standings = order_states(log, settings, _standing_in(settings.topics.work_orders, topic_id), only=wanted.order_ids)
    if wanted.start is not None:
        return _from_log(log, settings, wanted, standings)
    at: dict[int, dict[int, str]] = {}
    left_out: Counter[str] = Counter()
    for order_id, standing in standings.items():
        if not _asked(standing, wanted):
            continue
        if standing.at is None:
            left_out[GONE] += 1
        else:
            partition, offset = standing.at
            at.setdefault(partition, {})[offset] = order_id
    return Picked(at, left_out)


def _standing_in(topic: str, topic_id: str) -> Callable[[OrderState], _Standing | None]:
    def keep(state: OrderState) -> _Standing | None:
        standing = standing_of(state)
        if standing is None:
            return None
        partition, offset = standing.at
        # An outcome does not say which topic of the name it means; the decided offsets do.
        here = decided_offset(state, topic, topic_id, partition) == offset
        return _Standing(standing.outcome, standing.code, (partition, offset) if here else None)

    return keep


def _asked(standing: _Standing | None, wanted: Wanted) -> bool:
    if wanted.outcome is None and wanted.reason is None:
        return True
    if standing is None:
        return False
    return wanted.outcome in (None, standing.outcome) and wanted.reason in (None, standing.code)


def _from_log(log: Log, settings: Settings, wanted: Wanted, standings: Mapping[str, _Standing]) -> Picked:
    at: dict[int, dict[int, str]] = {}
    left_out: Counter[str] = Counter()
    newest: dict[str, tuple[int, int]] = {}
    for record in log.read(settings.topics.work_orders, start=wanted.start):
        found = opened(record, settings)
        order_id = found.order_id
        if wanted.order_ids is not None and order_id not in wanted.order_ids:
            continue
        if order_id is None or found.change is None:
            left_out[NOT_CHANGES if isinstance(found.said, NotAChange) else UNREADABLE] += 1
            continue
        standing = standings.get(order_id)
        if not _asked(standing, wanted):
            continue
        here = (record.partition, record.offset)
        if standing is None or standing.at is None:
            # Nothing was decided here yet: a new group, or one whose table was lost.
            left_out[OLDER] += order_id in newest
            newest[order_id] = here
        elif here == standing.at:
            at.setdefault(record.partition, {})[record.offset] = order_id
        else:
            beyond = record.partition == standing.at[0] and record.offset > standing.at[1]
            left_out[NOT_DECIDED if beyond else OLDER] += 1
    for order_id, (partition, offset) in newest.items():
        at.setdefault(partition, {})[offset] = order_id
    return Picked(at, left_out)


def picked_records(log: Log, settings: Settings, picked: Picked) -> Iterator[tuple[InputRecord, Change]]:
    """The records themselves; those that the topic no longer holds are counted as left out. Raises ReadFailed."""
    found = 0
    for record in records_at(log, settings, picked.at):
        found += 1
        if record.change is None:
            picked.left_out[UNREADABLE] += 1
        elif record.order_id != picked.at[record.logged.partition][record.logged.offset]:
            picked.left_out[GONE] += 1
        else:
            yield record, record.change
    picked.left_out[GONE] += len(picked) - found


def as_replan(record: InputRecord, change: Change, topic_id: str, *, replay_id: str, force: bool) -> Replan:
    """The record to be planned again under its own coordinates (contract §1, *one door back in*)."""
    return Replan(
        cause=Cause.REPLAY,
        work_order_id=change.order_id,
        source=record.source(topic_id),
        entity_type=entity_type(change.record),
        replay_id=replay_id,
        force=force,
        deleted=change.deleted,
        record=change.record,
        timestamp_ms=record.logged.timestamp_ms,
    )
