"""What became of records, counted by outcome and reason."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.outcome import OutcomeKind
from streams.reading.log import Log, Logged, Watch, unwatched
from streams.reading.newest import newest_records
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Group:
    """Orders (or records) with one outcome for one reason; ``example``: the order of the newest, or where its record
    is if that names none, with its reason's own words."""

    outcome: str
    code: str | None
    records: int
    example: str | None
    message: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class OutcomesSeen:
    """``unreadable``: records that are no outcomes: someone else writes to the topic. Unless ``history`` only the
    newest outcome of each order is counted. ``nameless``: those counted that name no order."""

    topic: str
    records: int
    history: bool
    nameless: int
    unreadable: int
    groups: tuple[Group, ...]


def outcomes_of(
    settings: Settings, last: int | None, *, history: bool = False, watch: Watch = unwatched
) -> OutcomesSeen:
    """Of the newest ``last`` records (None: all). Raises BrokerUnreachable, ReadFailed."""
    topic = settings.topics.name("outcomes")
    with Log(settings, watch=watch) as log:
        return count_outcomes(topic, newest_records(log, topic, last), history=history)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is kept of an outcome: of many orders no more than that."""

    kind: tuple[str, str | None]
    partition: int
    stamp: int
    example: str | None
    message: str | None
    remedy: str | None

    @property
    def aside(self) -> bool:
        """Of a record that changed nothing: it does not say how the order stands."""
        outcome, code = self.kind
        return outcome == OutcomeKind.SUPERSEDED or code in ("stale", "not_a_change")

    def replaces(self, kept: "_Said | None") -> bool:
        """In a partition the log's order tells which is newer, and clocks only across them."""
        if kept is None or self.aside != kept.aside:
            return kept is None or kept.aside
        return self.partition == kept.partition or self.stamp >= kept.stamp


class _Count:
    """Records by outcome and reason, each kind with its newest."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._newest: dict[tuple[str, str | None], _Said] = {}

    def add(self, said: _Said) -> None:
        self._counts[said.kind] += 1
        kept = self._newest.get(said.kind)
        if kept is None or said.stamp >= kept.stamp:
            self._newest[said.kind] = said

    def seen(self, topic: str, *, history: bool, nameless: int, unreadable: int) -> OutcomesSeen:
        newest = self._newest
        groups = [
            Group(*kind, count, newest[kind].example, newest[kind].message, newest[kind].remedy)
            for kind, count in self._counts.items()
        ]
        groups.sort(key=lambda group: (-group.records, group.outcome, group.code or ""))
        return OutcomesSeen(topic, self._counts.total(), history, nameless, unreadable, tuple(groups))


def count_outcomes(topic: str, records: Iterable[Logged], *, history: bool = False) -> OutcomesSeen:
    """Most first: orders by their newest outcome, or with ``history`` all records. A record of no known order counts
    by itself. Of an outcome that was written twice the first counts (contract §5)."""
    told: set[bytes] = set()
    count, nameless, unreadable = _Count(), 0, 0
    orders: dict[str, _Said] = {}
    for record in records:
        outcome = _opened(record)
        if outcome is None:
            unreadable += 1
            continue
        identity = str(outcome.get("outcomeId")).encode()
        if identity in told:
            continue
        told.add(identity)
        order, said = _order_of(outcome), _said(record, outcome)
        nameless += order is None
        if history or order is None:
            count.add(said)
        elif said.replaces(orders.get(order)):
            orders[order] = said
    for said in orders.values():
        count.add(said)
    return count.seen(topic, history=history, nameless=nameless, unreadable=unreadable)


def _opened(record: Logged) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(record.value or b"null")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("outcome"), str) else None


def _order_of(outcome: Mapping[str, Any]) -> str | None:
    """A control record without a key was written down under the empty id: no order has that."""
    return outcome.get("workOrderId") or None


def _said(record: Logged, outcome: Mapping[str, Any]) -> _Said:
    reason = outcome.get("reason") or {}
    example = _order_of(outcome)
    source = outcome.get("source")
    if example is None and source:
        example = f"{source['topic']}[{source['partition']}]@{source['offset']}"
    kind = (outcome["outcome"], reason.get("code"))
    return _Said(kind, record.partition, record.timestamp_ms or 0, example, reason.get("message"), reason.get("remedy"))
