"""What a dry run foretells: each fate that the sink's own functions lead to."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas.replan import Cause
from streams.delivery.create import OpenClaim, Seen
from streams.delivery.foresee import Fate, foresee, to_plan_again
from streams.delivery.state import OrderState, Owed, Waiting, hashes_of

SOURCE = {"topic": "work-orders", "partition": 3, "offset": 7, "changedAt": None, "topicId": "id-1"}
LOG = "id-1/3"
WANTED = {"summary": "Leak", "statusId": "open"}
NOTHING = Seen(None, None, ())
TICKET = Seen("T1", None, ())
CLAIMED = Seen(None, None, (OpenClaim("c", 1, 1, 1.0, {}),))


def intent(kind: str = "upsert", **more: Any) -> dict[str, Any]:
    base = {"kind": kind, "workOrderId": "WO1", "source": SOURCE, "cause": Cause.REPLAY, "replayId": "r"}
    twins = [{"entityId": "E1", "twinId": "TW1", "fields": {}, "warnings": []}]
    return {**base, "fields": WANTED, "twins": twins, "record": {"summary": "Leak"}, **more}


def waiting(kind: str, offset: int = 7, **record: Any) -> Waiting:
    kept = {"source": {**SOURCE, "offset": offset}, "record": record}
    return Waiting(kind=kind, code="unknown_entity", since=1.0, intent=kept, owed=[Owed(SOURCE)])


def tracked(**more: Any) -> OrderState:
    sent = {**WANTED, "twinId": "TW1"}
    known: dict[str, Any] = {"ticket_id": "T1", "hashes": hashes_of(sent), "clear": {"twinId": "TW1"}}
    return OrderState(decided={LOG: 7}, **{**known, **more})


@dataclass(frozen=True)
class Case:
    id: str
    fate: Fate
    code: str | None = None
    intent: dict[str, Any] = field(default_factory=intent)
    state: OrderState = field(default_factory=OrderState)
    seen: Seen = NOTHING
    changed: tuple[str, ...] = ()


CLOSED = {"statusId": "closed"}
SKIP = intent("skip", reason={"code": "no_related_entity"}, fields={})

CASES = [
    Case("nothing stands against it", Fate.CREATE),
    Case("it names a ticket", Fate.ADOPT, intent=intent(ticketIds=["T2"])),
    Case("it names another order's ticket", Fate.SKIP, "ticket_owned_by_other", intent(ticketIds=["T-OTHER"])),
    Case("someone's claim is open", Fate.WAIT, "create_in_doubt", seen=CLAIMED),
    Case("in doubt", Fate.WAIT, "create_in_doubt", state=OrderState(decided={LOG: 7}, waiting=waiting("in_doubt"))),
    Case("sent already", Fate.UNCHANGED, state=tracked(), seen=TICKET),
    Case(
        "another value",
        Fate.UPDATE,
        intent=intent(fields={**WANTED, "summary": "Flood"}),
        state=tracked(),
        seen=TICKET,
        changed=("summary",),
    ),
    Case(
        "forced",
        Fate.UPDATE,
        intent=intent(force=True),
        state=tracked(),
        seen=TICKET,
        changed=("statusId", "summary", "twinId"),
    ),
    Case("nobody remembers what was sent", Fate.COMPARE, state=OrderState(), seen=TICKET),
    Case("bound to another ticket", Fate.COMPARE, state=tracked(), seen=Seen("T9", None, ())),
    Case("the ticket is gone", Fate.REJECT, "ticket_not_found", state=tracked(gone=True), seen=TICKET),
    Case("a skip", Fate.SKIP, "no_related_entity", SKIP),
    Case("a skip that leaves", Fate.SKIP, "left_no_related_entity", SKIP, tracked(), TICKET),
    Case(
        "Willow's own",
        Fate.SKIP,
        "willow_born",
        intent("skip", reason={"code": "willow_born"}, fields=CLOSED),
        tracked(),
        TICKET,
    ),
    Case("a park", Fate.PARK, "unknown_entity", intent("park", reason={"code": "unknown_entity"})),
    Case("a delete", Fate.SKIP, "deleted_untracked", intent("delete")),
    Case("a delete with a ticket", Fate.SKIP, "deleted_kept", intent("delete", fields={}), tracked(), TICKET),
    Case("a delete that closes", Fate.UPDATE, None, intent("delete", fields=CLOSED), tracked(), TICKET, ("statusId",)),
    Case("closed already", Fate.UNCHANGED, None, intent("delete", fields={"statusId": "open"}), tracked(), TICKET),
    Case("nothing to close", Fate.SKIP, "deleted_kept", intent("delete", fields=CLOSED), tracked(gone=True), TICKET),
    Case(
        "a skip that closes",
        Fate.UPDATE,
        "left_no_related_entity",
        {**SKIP, "fields": CLOSED},
        tracked(),
        TICKET,
        ("statusId",),
    ),
    Case("nothing fills it", Fate.SKIP, "incomplete_record", intent(missing=["relatesTo"])),
    Case("a newer one was decided", Fate.SUPERSEDED, state=OrderState(decided={LOG: 8})),
    Case(
        "a live record that is stale",
        Fate.SKIP,
        "stale",
        intent(cause=None, replayId=None, dateUpdated="2026-01-01T00:00:00Z"),
        OrderState(decided={LOG: 6}, watermark="2026-01-02T00:00:00Z"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_fate(case: Case) -> None:
    found = foresee(case.intent, case.state, case.seen, {"T-OTHER": "WO9", "T2": "WO1"}.get)
    assert (found.fate, found.code, found.changed) == (case.fate, case.code, case.changed)


def test_what_a_record_left_out_is_planned_with_what_is_known() -> None:
    partial = intent(missing=["relatesTo"])
    state = OrderState(decided={LOG: 7}, scope={"jobStatus": "Open", "relatesTo": [{"id": "E1"}]})
    assert to_plan_again(partial, state) == {"relatesTo": [{"id": "E1"}], "summary": "Leak"}
    parked = OrderState(decided={LOG: 7}, waiting=waiting("parked", description="Only the first said this"))
    folded = to_plan_again(intent(), parked)
    assert folded == {"description": "Only the first said this", "summary": "Leak"}


@pytest.mark.parametrize("kind", ["skip", "park", "delete"])
def test_only_an_upsert_is_filled(kind: str) -> None:
    parked = OrderState(waiting=waiting("parked", description="x"))
    assert to_plan_again(intent(kind), parked) is None


def test_nothing_is_filled_behind_a_doubt_nor_from_nowhere() -> None:
    assert to_plan_again(intent(missing=["relatesTo"]), OrderState(waiting=waiting("in_doubt"))) is None
    assert to_plan_again(intent(missing=["relatesTo"]), OrderState()) is None
