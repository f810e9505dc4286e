"""One order against one ticket: what differs, and whose change it was."""

from typing import Any

import pytest

from streams.delivery.foresee import Fate, Foreseen
from streams.delivery.state import UNSURE, OrderState, hashes_of
from streams.planning.lists import Listed, WillowLists
from streams.planning.places import Chain, Located, Whereabouts
from streams.planning.trace import Trace
from streams.reading.comparing import Words, compare, site_of
from streams.reading.findings import ENTRIES, Finding, Kind, exit_code
from streams.reading.replanning import Planned
from streams.willow import Ticket

WANT = {
    "externalId": "WO",
    "summary": "Leak",
    "description": None,
    "statusId": "OPEN-ID",
    "reporter": {"name": "Ann"},
    "dueDate": "2026-01-05T08:00:00Z",
    "externalUpdatedDate": "2026-01-05T08:00:00Z",
}
THERE = {
    "id": "T1",
    "externalId": "WO",
    "summary": "Leak",
    "description": "",
    "statusId": "open-id",
    "reporter": {"name": "Ann", "company": "Willow's own"},
    "dueDate": "2026-01-05T08:00:00.0000000+00:00",
    "externalUpdatedDate": "2020-01-01T00:00:00Z",
    "twinId": "TW1",
}
SENT = {**WANT, "twinId": "TW1"}


WORDS = Words.of(WillowLists(statuses=(Listed("open-id", "Open"), Listed("done-id", "Done"))))


def planned(kind: str = "upsert", twin: str = "TW1", **want: Any) -> Planned:
    intent = {"kind": kind, "fields": {**WANT, **want}, "twins": [{"twinId": twin, "fields": {}}]}
    return Planned(intent, Foreseen(Fate.UNCHANGED), Trace())


def state(**sent: Any) -> OrderState:
    fields = {**SENT, **sent}
    clear = {"twinId": fields["twinId"], "statusId": fields["statusId"]}
    return OrderState(ticket_id="T1", hashes=hashes_of(fields), clear=clear)


def found(ticket: dict[str, Any], kept: OrderState, plan: Planned | None, *, waits: bool = False) -> list[Finding]:
    return list(compare("WO", Ticket("T1", {**THERE, **ticket}), kept, plan, WORDS, waits=waits).findings)


def fields(findings: list[Finding]) -> dict[Kind, list[str]]:
    return {item.kind: [difference.field for difference in item.differences] for item in findings}


CASES: list[tuple[str, dict[str, Any], OrderState, Planned | None, dict[Kind, list[str]]]] = [
    ("all is well, in whatever form Willow shows it", {}, state(), planned(), {}),
    ("changed there", {"summary": "Theirs"}, state(), planned(), {Kind.DRIFT: ["summary"]}),
    ("filled there", {"description": "Theirs"}, state(), planned(), {Kind.DRIFT: ["description"]}),
    ("not sent", {}, state(), planned(summary="New"), {Kind.NOT_SENT: ["summary"]}),
    (
        "both",
        {"summary": "Theirs", "dueDate": None},
        state(),
        planned(summary="New"),
        {Kind.DRIFT: ["dueDate"], Kind.NOT_SENT: ["summary"]},
    ),
    ("moved there", {"twinId": "TW9"}, state(), planned(), {Kind.TWIN_MOVED: ["twinId"]}),
    ("moved here", {}, state(), planned(twin="TW2"), {Kind.TWIN_MOVED: ["twinId"]}),
    ("of what was sent nothing is known", {"summary": "x"}, OrderState(), planned(), {Kind.NOT_SENT: ["summary"]}),
    ("no record left", {"summary": "Theirs"}, state(), None, {Kind.DRIFT: ["summary"]}),
    ("no record left, status", {"statusId": "other"}, state(), None, {Kind.DRIFT: ["statusId"]}),
    ("no record left, twin", {"twinId": "TW9"}, state(), None, {Kind.TWIN_MOVED: ["twinId"]}),
    ("no record left, all is well", {}, state(), None, {}),
    ("a delete", {"summary": "Theirs"}, state(), planned("delete"), {Kind.DRIFT: ["summary"]}),
]


@pytest.mark.parametrize(
    ("ticket", "kept", "plan", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_differs(
    ticket: dict[str, Any], kept: OrderState, plan: Planned | None, expected: dict[Kind, list[str]]
) -> None:
    assert fields(found(ticket, kept, plan)) == expected


def test_a_record_that_is_under_way_is_not_held_against_willow() -> None:
    assert found({}, state(), planned(summary="New"), waits=True) == []
    assert fields(found({"summary": "Theirs"}, state(), planned(summary="New"), waits=True)) == {
        Kind.DRIFT: ["summary"]
    }


def test_what_nobody_is_sure_of_and_what_is_not_shown_is_no_finding() -> None:
    kept = state()
    kept.hashes["summary"] = UNSURE
    assert found({"summary": "Theirs"}, kept, None) == []
    hidden = {name: value for name, value in THERE.items() if name != "statusId"}
    told = compare("WO", Ticket("T1", hidden), state(), planned(), WORDS, waits=False)
    assert (told.findings, told.hidden) == ((), ("statusId",))


def test_the_older_read_shape_is_read_by_name() -> None:
    older = {name: value for name, value in THERE.items() if name != "statusId"}
    same = compare("WO", Ticket("T1", {**older, "status": "OPEN"}), state(), planned(), WORDS, waits=False)
    assert (same.findings, same.hidden) == ((), ())
    other = compare("WO", Ticket("T1", {**older, "status": "Done"}), state(), planned(), WORDS, waits=False)
    assert fields(list(other.findings)) == {Kind.DRIFT: ["statusId"]}
    assert other.findings[0].differences[0].in_willow == "Done"


def test_people_are_told_names_with_the_ids() -> None:
    (finding,) = found({"statusId": "DONE-ID"}, state(), planned())
    (difference,) = finding.differences
    assert (difference.wanted_name, difference.in_willow_name) == ("Open", "Done")


def test_evidence_names_why_it_was_not_sent() -> None:
    kept = state()
    kept.last = {"outcome": "rejected", "reason": {"code": "invalid"}}
    (finding,) = found({}, kept, planned(summary="New"))
    assert finding.evidence.endswith("summary (its newest record was rejected: invalid)")
    assert (finding.refused, finding.replay) == (True, None)
    assert "mend the reason first" in finding.remedy


def test_the_site_is_that_of_the_first_place_that_lies_in_one() -> None:
    outside = Located("A", None, None, Chain(Whereabouts.OUTSIDE, ("A",)), None)
    inside = Located("B", None, None, Chain(Whereabouts.INSIDE, ("B", "S"), site="S"), None)
    assert site_of(Planned({}, Foreseen(Fate.SKIP), Trace(located=[outside, inside]))) == "S"
    assert site_of(Planned({}, Foreseen(Fate.SKIP), Trace(located=[outside]))) is None
    assert site_of(None) is None


def test_the_exit_code_is_that_of_the_worst_finding() -> None:
    assert exit_code({}) == 0
    assert exit_code({Kind.DRIFT: 3, Kind.GONE: 1}) == ENTRIES[Kind.GONE].exit_code
    codes = [ENTRIES[kind].exit_code for kind in Kind]
    assert codes == sorted(set(codes))
    assert min(codes) > 2
