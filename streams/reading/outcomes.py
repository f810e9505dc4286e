"""What became of records, counted by outcome and reason."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streams.reading.log import Log, Logged, Watch, unwatched
from streams.reading.newest import newest_records
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Group:
    """Records with one outcome for one reason; ``example``: an order of the newest, with its reason's own words."""

    outcome: str
    code: str | None
    records: int
    example: str | None
    message: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class OutcomesSeen:
    """``unreadable``: records that are no outcomes: someone else writes to the topic."""

    topic: str
    records: int
    unreadable: int
    groups: tuple[Group, ...]


def outcomes_of(settings: Settings, last: int | None, *, watch: Watch = unwatched) -> OutcomesSeen:
    """Of the newest ``last`` records (None: all). Raises BrokerUnreachable, ReadFailed."""
    topic = settings.topics.name("outcomes")
    with Log(settings, watch=watch) as log:
        return count_outcomes(topic, newest_records(log, topic, last))


def count_outcomes(topic: str, records: Iterable[Logged]) -> OutcomesSeen:
    """Most records first. Of an outcome that was written twice the first counts (contract §5)."""
    told: set[bytes] = set()
    counts: OrderedDict[tuple[str, str | None], int] = OrderedDict()
    newest: dict[tuple[str, str | None], tuple[int, Mapping[str, Any]]] = {}
    unreadable = 0
    for record in records:
        outcome = _opened(record)
        if outcome is None:
            unreadable += 1
            continue
        identity = str(outcome.get("outcomeId")).encode()
        if identity in told:
            continue
        told.add(identity)
        kind = (outcome["outcome"], (outcome.get("reason") or {}).get("code"))
        counts[kind] = counts.get(kind, 0) + 1
        stamp = record.timestamp_ms or 0
        if kind not in newest or stamp >= newest[kind][0]:
            newest[kind] = (stamp, outcome)
    groups = [_group(*kind, count, newest[kind][1]) for kind, count in counts.items()]
    groups.sort(key=lambda group: (-group.records, group.outcome, group.code or ""))
    return OutcomesSeen(topic, sum(counts.values()), unreadable, tuple(groups))


def _opened(record: Logged) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(record.value or b"null")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("outcome"), str) else None


def _group(outcome: str, code: str | None, records: int, example: Mapping[str, Any]) -> Group:
    reason = example.get("reason") or {}
    return Group(outcome, code, records, example.get("workOrderId"), reason.get("message"), reason.get("remedy"))
