"""Orders that must not sync, one of each reason that data can provoke (contract §3), and poison."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ops.portfolio.debezium import UNAVAILABLE, compact
from ops.portfolio.estate import SELECTED_SITES, UNSELECTED, Node, identity, twinned
from ops.portfolio.histories import APPLIED, Teller
from ops.portfolio.records import TICKET_PLACEHOLDER, Draft, ExpectedOrder, History, Phase, Row

TICKET_URN = "urn:willowinc:ticket:id:"
GHOST = "THG01991"
"""A thing whose twin was deleted in Willow: the identity is there, the twin is not."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One order of one record, a row that is changed so that exactly one reason applies."""

    outcome: str
    phase: Phase
    change: Callable[[Teller, Row], dict[str, Any]]


REFUSALS = (
    Refusal(
        "skipped/willow_born",
        Phase.SNAPSHOT,
        lambda _, row: {"mappingKey": f"msrc://CON-willow@willow-source/ticket/{row['id']}"},
    ),
    Refusal(
        "skipped/willow_born",
        Phase.BUSY,
        lambda _, row: {"identities": [identity(f"msrc://ticket@willow/{row['id']}")]},
    ),
    Refusal("skipped/other_entity_type", Phase.SNAPSHOT, lambda _, row: {"exactType": "WorkOrderCost"}),
    Refusal("skipped/missing_job_status", Phase.SNAPSHOT, lambda _, row: {"jobStatus": None}),
    Refusal("skipped/missing_job_status", Phase.MORNING, lambda _, row: {"jobStatus": "  "}),
    Refusal("skipped/incomplete_record", Phase.MORNING, lambda _, row: {"relatesTo": UNAVAILABLE}),
    Refusal("skipped/no_related_entity", Phase.MORNING, lambda _, row: {"relatesTo": []}),
    Refusal("skipped/no_related_entity", Phase.SNAPSHOT, lambda _, row: {"relatesTo": None}),
    Refusal("skipped/outside_selected_sites", Phase.SNAPSHOT, lambda t, row: {"relatesTo": _outside(t)}),
    Refusal("skipped/outside_selected_sites", Phase.BUSY, lambda t, row: {"relatesTo": _outside(t)}),
    Refusal("skipped/unmapped_job_status", Phase.BUSY, lambda _, row: {"jobStatus": "Awaiting vendor triage"}),
    Refusal("skipped/unmapped_job_type", Phase.MORNING, lambda _, row: {"jobType": "Vandalism repair"}),
    Refusal("skipped/ambiguous_job_type", Phase.BUSY, lambda _, row: {"jobType": "Calibration"}),
    Refusal("rejected/invalid", Phase.MORNING, lambda t, row: {"relatesTo": [t.estate.nodes[GHOST].related()]}),
    Refusal("rejected/invalid", Phase.BUSY, lambda t, row: {"relatesTo": [t.estate.nodes[GHOST].related()]}),
)


def _outside(teller: Teller) -> list[dict[str, Any]]:
    thing = teller.random.choice(teller.estate.within(UNSELECTED, "Thing"))
    return [teller.estate.nodes[UNSELECTED].related(), thing.related()]


def ghost(teller: Teller) -> Node:
    room = teller.estate.within("BLDG01", "Space")[0].id
    teller.reserved.add(GHOST)
    return teller.estate.put(twinned(Node(GHOST, "Thing", "Pump", "P-OPZ-GHOST", room)))


def refused(teller: Teller) -> Iterator[History]:
    house = teller.estate.nodes[SELECTED_SITES[0]]
    for refusal in REFUSALS:
        row = teller.row([house])
        row |= refusal.change(teller, row)
        op = "r" if refusal.phase is Phase.SNAPSHOT else "c"
        draft = Draft(refusal.phase, op, refusal.outcome, row, row["id"], frozenset({refusal.outcome}))
        yield History((draft,), ExpectedOrder(row["id"], refusal.outcome, ()))


def stale(teller: Teller) -> History:
    """A connector sends an older version again after a newer one."""
    rows = teller.course(teller.row([teller.estate.nodes["BLDG02"]]), 3)
    history = teller.history(rows, [Phase.SNAPSHOT, Phase.MORNING, Phase.BUSY], "stale")
    again = replace(history.drafts[1], phase=Phase.EVENING, allowed=frozenset({"skipped/stale"}))
    return replace(history, drafts=(*history.drafts, again))


_GONE = frozenset({"skipped/deleted_kept", "skipped/deleted_untracked", "superseded"})


def deleted(teller: Teller) -> History:
    """An order that has a ticket is deleted: the ticket stays (``on_delete: keep``)."""
    rows = teller.course(teller.row([teller.estate.nodes["BLDG01"]]), 2)
    history = teller.history(rows, [Phase.SNAPSHOT, Phase.MORNING], "deleted, ticket kept")
    return replace(history, drafts=(*history.drafts, *_deletion(rows[-1], Phase.EVENING, history.drafts[0].case)))


def deleted_unseen(teller: Teller) -> History:
    """A delete of an order that was never seen."""
    row: Row = {"id": teller.order_id()}
    drafts = _deletion(row, Phase.BUSY, "deleted, never seen")
    untracked = frozenset({"skipped/deleted_untracked", "superseded"})
    return History(
        tuple(replace(draft, allowed=untracked) for draft in drafts),
        ExpectedOrder(row["id"], "deleted, never seen", ()),
    )


def _deletion(row: Row, phase: Phase, case: str, headers: tuple[tuple[str, str], ...] = ()) -> tuple[Draft, ...]:
    """Debezium's two records of one delete; the second is never superseded."""
    first = Draft(phase, "d", case, row, row["id"], _GONE, headers)
    return first, replace(first, op="tombstone", allowed=_GONE - {"superseded"})


def renamed(teller: Teller) -> Iterator[History]:
    """A primary-key change: delete and tombstone of the old key, create of the new, tied by headers."""
    rows = teller.course(teller.row([teller.estate.nodes["BLDG02"]]), 1)
    history = teller.history(rows, [Phase.SNAPSHOT], "key changed, old")
    heir = teller.later(rows[0], id=teller.order_id())
    newkey = (("__debezium.newkey", compact({"id": heir["id"]})),)
    oldkey = (("__debezium.oldkey", compact({"id": rows[0]["id"]})),)
    gone = _deletion(rows[0], Phase.BUSY, "key changed, old", newkey)
    yield replace(history, drafts=(*history.drafts, *gone))
    successor = teller.history([heir], [Phase.BUSY], "key changed, new")
    yield replace(successor, drafts=(replace(successor.drafts[0], headers=oldkey),))


def borrowed_ticket(teller: Teller) -> Iterator[History]:
    """A copied order: its identity names the ticket that the original owns."""
    rows = teller.course(teller.row([teller.estate.nodes["BLDG01"]]), 1)
    yield teller.history(rows, [Phase.SNAPSHOT], "original of a copy")
    named = identity(f"{TICKET_URN}{TICKET_PLACEHOLDER}")
    copy = teller.row([teller.estate.nodes["BLDG01"]], identities=[named])
    case = "skipped/ticket_owned_by_other"
    draft = Draft(Phase.EVENING, "c", case, copy, copy["id"], frozenset({case}), ticket_of=rows[0]["id"])
    yield History((draft,), ExpectedOrder(copy["id"], case, ()))


def far_future(teller: Teller) -> History:
    """A ``dateUpdated`` in the year 2062 must not make every later change stale."""
    rows = teller.course(teller.row([teller.estate.nodes["BLDG04"]]), 2)
    wrong = rows[0] | {"dateUpdated": teller.now + timedelta(days=36 * 365)}
    return teller.history([wrong, rows[1]], [Phase.SNAPSHOT, Phase.BUSY], "date in the far future")


def read_again(teller: Teller) -> History:
    """A second snapshot repeats the row: nothing to do."""
    rows = teller.course(teller.row([teller.estate.nodes["BLDG04"]]), 2)
    history = teller.history(rows, [Phase.SNAPSHOT, Phase.MORNING], "read again")
    again = replace(history.drafts[-1], op="r", phase=Phase.EVENING)
    first, second = history.drafts
    return replace(history, drafts=(first, replace(second, allowed=APPLIED), again))


_DEAD = frozenset({"dead_lettered/undecodable"})
_NO_CHANGE = frozenset({"skipped/not_a_change"})
_HEARTBEAT = compact({"ts_ms": 1_795_337_250_918}).encode()
_TRUNCATE = compact(
    {"before": None, "after": None, "op": "t", "ts_ms": 1_795_337_250_918, "source": {"table": "work_order"}}
)
_MESSAGE = compact({"op": "m", "ts_ms": 1_795_337_250_918, "message": {"prefix": "audit", "content": "bG9n"}})

CONTROL: tuple[tuple[bytes | None, bytes], ...] = (
    (b'{"serverName":"mapped"}', _HEARTBEAT),
    (None, _TRUNCATE.encode()),
    (b'{"prefix":"audit"}', _MESSAGE.encode()),
)
POISON: tuple[tuple[bytes | None, bytes], ...] = (
    (b'{"id":"WO-90001"}', b"\x00\x00\x00\x00\x2a\x0eWO-90001\x02\x14WorkOrder"),
    (b'{"id":"WO-90002"}', b'{"before":null,"after":{"id":"WO-90002","summary":"cut in th'),
    (b'{"id":"WO-90003"}', b'{"id":"WO-90003","summary":"\xff\xfe"}'),
    (b'{"id":"WO-90004"}', b'["WO-90004","Open"]'),
    (b'{"id":"WO-90005"}', b"<workOrder><id>WO-90005</id></workOrder>"),
    (None, b'{"summary":"nobody knows whose","jobStatus":"Open"}'),
)
ENTITY_POISON: tuple[tuple[bytes | None, bytes], ...] = (
    (b'{"id":"THG90001"}', b"\x00\x00\x00\x00\x2b\x10THG90001"),
    (b'{"id":"THG90002"}', b'{"after":{"id":"THG90002"'),
)


def poison(teller: Teller) -> Iterator[History]:
    """Records that are no changes, and records that nobody can read."""
    for case, allowed, records in (("control record", _NO_CHANGE, CONTROL), ("poison", _DEAD, POISON)):
        for key, value in records:
            phase = teller.random.choice((Phase.MORNING, Phase.BUSY))
            draft = Draft(phase, "raw", case, allowed=allowed, raw_key=key, raw_value=value)
            yield History((draft,), None)
