"""The judge must be able to fail: each broken promise is put into good evidence, and each is caught."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.demo.checker import judge
from ops.demo.evidence import (
    Coordinates,
    DeadLetter,
    Evidence,
    Read,
    Sent,
    Write,
    accepted_writes,
    count_requests,
    dead_letters_of,
    identities_of,
    outstanding_writes,
)
from ops.demo.verdict import Kind, Verdict
from ops.portfolio import ExpectedOrder, Feed, Message, TicketView
from ops.portfolio.debezium import instant
from ops.portfolio.records import Phase
from schemas.dead_letter import OFFSET, PARTITION, TOPIC

IN = "mapped.work-orders"
APPLIED = frozenset({"created", "updated", "superseded"})
STATUSES = {"id-open": "Open", "id-wip": "In Progress", "id-closed": "Closed"}
IDS = {name: status_id for status_id, name in STATUSES.items()}


def view(minute: int, status: str, summary: str = "AHU-3 rattles") -> TicketView:
    return TicketView(datetime(2026, 11, 2, 8, minute, tzinfo=UTC), summary, "loud", status, "TW-1")


VERSIONS = (view(0, "Open"), view(10, "In Progress"), view(20, "Closed", "AHU-3 rattles (again)"))
EXPECTED = {
    "WO-1": ExpectedOrder("WO-1", "ordinary", VERSIONS),
    "WO-2": ExpectedOrder("WO-2", "skipped/willow_born", ()),
    "WO-3": ExpectedOrder("WO-3", "thing never comes", ()),
}


def sent(offset: int, order_id: str | None, allowed: set[str], value: bytes | None = b"{}") -> Sent:
    message = Message(
        Feed.WORK_ORDERS, Phase.BUSY, None, value, (), "a case", order_id, frozenset(allowed), ticket_of=None
    )
    return Sent(Coordinates(IN, 0, offset), message)


def fields(version: TicketView) -> dict[str, Any]:
    return {
        "summary": version.summary,
        "description": version.description,
        "statusId": IDS[version.status],
        "twinId": version.twin,
        "externalUpdatedDate": instant(version.changed_at),
    }


def write(revision: int, carried: dict[str, Any], *, ticket: str = "T1", order: str = "WO-1") -> Write:
    return Write(ticket, order, revision, revision * 1.0, revision + 0.5, carried)


def outcome(offset: int, kind: str, order: str | None = "WO-1", **more: Any) -> dict[str, Any]:
    code = more.pop("code", None)
    return {
        "outcomeId": f"{offset}-{kind == 'parked'}",
        "workOrderId": order,
        "outcome": kind,
        "final": kind != "parked",
        "reason": {"code": code, "message": "because", "remedy": "do"} if code else None,
        "ticketId": "T1" if kind in {"created", "updated"} else None,
        "twinId": None,
        "changed": [],
        "supersededBy": None,
        "source": {"topic": IN, "partition": 0, "offset": offset},
        "replayId": None,
    } | more


def good() -> Evidence:
    """Three versions of an order (the second conflated away), a skip, one that rightly waits, and poison."""
    return Evidence(
        sent=[
            sent(0, "WO-1", set(APPLIED)),
            sent(1, "WO-1", set(APPLIED)),
            sent(2, "WO-1", set(APPLIED)),
            sent(3, "WO-2", {"skipped/willow_born"}),
            sent(4, "WO-3", set()),
            sent(5, None, {"dead_lettered/undecodable"}, b"\x00junk"),
        ],
        expected=EXPECTED,
        statuses=STATUSES,
        writes=[write(0, fields(VERSIONS[0])), write(1, fields(VERSIONS[2]))],
        requests={"PUT 201": 1, "PATCH 200": 1},
        outcomes=[
            outcome(0, "created"),
            outcome(1, "superseded", supersededBy={"topic": IN, "partition": 0, "offset": 2}),
            outcome(2, "updated"),
            outcome(3, "skipped", "WO-2", code="willow_born"),
            outcome(4, "parked", "WO-3", code="unknown_entity"),
            outcome(5, "dead_lettered", None, code="undecodable"),
        ],
        dead_letters=[DeadLetter(Coordinates(IN, 0, 5), b"\x00junk")],
        identities={"WO-1": "T1"},
    )


def kinds(verdict: Verdict) -> set[Kind]:
    return {problem.kind for problem in verdict.problems}


def test_good_evidence_is_found_good_and_counted() -> None:
    verdict = judge(good())
    assert verdict.ok, [str(problem) for problem in verdict.problems]
    assert (verdict.records, verdict.orders, verdict.tickets, verdict.final) == (6, 3, 1, 5)
    assert (verdict.still_parked, verdict.dead_letters) == (1, 1)
    rows = {(row.outcome, row.code): (row.count, row.example) for row in verdict.reasons}
    assert rows["skipped", "willow_born"] == (1, "WO-2")
    assert rows["parked", "unknown_entity"] == (1, "WO-3")
    assert rows["dead_lettered", "undecodable"] == (1, f"{IN}[0]@5")
    assert json.loads(json.dumps(verdict.to_dict()))["counts"]["duplicate"] == 0


def test_a_redelivery_may_repeat_the_outcome_or_say_superseded_under_its_id() -> None:
    evidence = good()
    late = outcome(0, "superseded", supersededBy={"topic": IN, "partition": 0, "offset": 2})
    again = [*evidence.outcomes, copy.deepcopy(evidence.outcomes[2]) | {"attempts": 3}, late]
    assert judge(replace(evidence, outcomes=again)).ok


def test_a_late_commit_that_was_put_right_is_no_stale_write() -> None:
    # The PATCH of version 2 had no answer, arrived before version 3 was acknowledged, and committed after it.
    late = Write("T1", "WO-1", 2, 1.0, None, fields(VERSIONS[1]))
    right = [*good().writes, late, write(3, fields(VERSIONS[2]))]
    assert judge(replace(good(), writes=right)).ok
    assert kinds(judge(replace(good(), writes=right[:-1]))) == {Kind.LOST}


def test_what_comes_between_a_late_commit_and_its_correction_is_judged_by_what_it_carries() -> None:
    # Version 2 without an answer, version 3, then 2 committed late, then 4, which says its own change alone.
    fourth = view(30, "Open", VERSIONS[2].summary)
    expected = EXPECTED | {"WO-1": ExpectedOrder("WO-1", "ordinary", (*VERSIONS, fourth))}
    late = Write("T1", "WO-1", 2, 1.0, None, fields(VERSIONS[1]))
    change = {name: fields(fourth)[name] for name in ("statusId", "externalUpdatedDate")}
    writes = [*good().writes, late, write(3, change), write(4, {"summary": fourth.summary})]
    evidence = replace(good(), expected=expected)
    assert judge(replace(evidence, writes=writes)).ok
    assert kinds(judge(replace(evidence, writes=writes[:-1]))) == {Kind.LOST}
    unheard_of = write(3, change | {"statusId": IDS["Closed"]})
    assert Kind.WRONG in kinds(judge(replace(evidence, writes=[*writes[:-2], unheard_of, writes[-1]])))


def _duplicate(evidence: Evidence) -> Evidence:
    return replace(evidence, writes=[*evidence.writes, write(0, fields(VERSIONS[2]), ticket="T2")])


def _ticket_of_a_skipped_order(evidence: Evidence) -> Evidence:
    extra = write(0, fields(VERSIONS[0]), ticket="T9", order="WO-2")
    return replace(evidence, writes=[*evidence.writes, extra], identities={"WO-1": "T1", "WO-2": "T9"})


def _ticket_of_nobody(evidence: Evidence) -> Evidence:
    extra = replace(write(0, fields(VERSIONS[0]), ticket="T9"), order_id=None)
    return replace(evidence, writes=[*evidence.writes, extra])


def _stale(evidence: Evidence) -> Evidence:
    writes = [*evidence.writes, write(2, fields(VERSIONS[1])), write(3, fields(VERSIONS[2]))]
    return replace(evidence, writes=writes)


def _stale_by_date_alone(evidence: Evidence) -> Evidence:
    # The values are those of the newest version, and the date is an older one's: sent from an older record.
    same = (view(0, "Open"), view(10, "Closed"), view(20, "Closed"))
    expected = EXPECTED | {"WO-1": replace(EXPECTED["WO-1"], versions=same)}
    writes = [write(0, fields(same[0])), write(1, fields(same[2])), write(2, fields(same[1]))]
    return replace(evidence, writes=writes, expected=expected)


def _lost(evidence: Evidence) -> Evidence:
    return replace(evidence, writes=evidence.writes[:1])


def _lost_field(evidence: Evidence) -> Evidence:
    changed = {name: value for name, value in fields(VERSIONS[2]).items() if name != "summary"}
    return replace(evidence, writes=[evidence.writes[0], write(1, changed)])


def _no_ticket(evidence: Evidence) -> Evidence:
    return replace(evidence, writes=[], identities={})


def _foreign_value(evidence: Evidence) -> Evidence:
    return replace(evidence, writes=[*evidence.writes, write(2, {"summary": "made up"})])


def _missing_outcome(evidence: Evidence) -> Evidence:
    return replace(evidence, outcomes=[o for o in evidence.outcomes if o["source"]["offset"] != 3])


def _parked_for_ever(evidence: Evidence) -> Evidence:
    outcomes = [o for o in evidence.outcomes if o["source"]["offset"] != 3]
    return replace(evidence, outcomes=[*outcomes, outcome(3, "parked", "WO-2", code="no_willow_twin")])


def _waits_in_silence(evidence: Evidence) -> Evidence:
    return replace(evidence, outcomes=[o for o in evidence.outcomes if o["source"]["offset"] != 4])


def _two_ids(evidence: Evidence) -> Evidence:
    return replace(evidence, outcomes=[*evidence.outcomes, outcome(2, "updated") | {"outcomeId": "another"}])


def _two_finals_that_differ(evidence: Evidence) -> Evidence:
    return replace(evidence, outcomes=[*evidence.outcomes, outcome(2, "unchanged", ticketId="T1")])


def _final_though_it_must_wait(evidence: Evidence) -> Evidence:
    return replace(evidence, outcomes=[*evidence.outcomes, outcome(4, "skipped", "WO-3", code="park_expired")])


def _wrong_reason(evidence: Evidence) -> Evidence:
    outcomes = [o for o in evidence.outcomes if o["source"]["offset"] != 3]
    return replace(evidence, outcomes=[*outcomes, outcome(3, "skipped", "WO-2", code="no_related_entity")])


def _wrong_ticket_named(evidence: Evidence) -> Evidence:
    outcomes = [o | {"ticketId": "T7"} if o["outcome"] == "created" else o for o in evidence.outcomes]
    return replace(evidence, outcomes=outcomes)


def _superseded_by_an_older_one(evidence: Evidence) -> Evidence:
    older = {"topic": IN, "partition": 0, "offset": 0}
    outcomes = [o | {"supersededBy": older} if o["outcome"] == "superseded" else o for o in evidence.outcomes]
    return replace(evidence, outcomes=outcomes)


def _created_twice(evidence: Evidence) -> Evidence:
    outcomes = [o | {"outcome": "created"} if o["outcome"] == "updated" else o for o in evidence.outcomes]
    return replace(evidence, outcomes=outcomes)


def _outcome_of_nothing(evidence: Evidence) -> Evidence:
    return replace(evidence, outcomes=[*evidence.outcomes, outcome(77, "unchanged")])


def _wrong_identity(evidence: Evidence) -> Evidence:
    return replace(evidence, identities={"WO-1": "T7"})


def _no_identity(evidence: Evidence) -> Evidence:
    return replace(evidence, identities={})


def _poison_without_letter(evidence: Evidence) -> Evidence:
    return replace(evidence, dead_letters=[])


def _good_record_as_letter(evidence: Evidence) -> Evidence:
    letter = DeadLetter(Coordinates(IN, 0, 0), b"{}")
    return replace(evidence, dead_letters=[*evidence.dead_letters, letter])


def _letter_with_other_bytes(evidence: Evidence) -> Evidence:
    return replace(evidence, dead_letters=[replace(evidence.dead_letters[0], value=b"junk")])


FAULTS: tuple[tuple[Callable[[Evidence], Evidence], Kind], ...] = (
    (_duplicate, Kind.DUPLICATE),
    (_ticket_of_a_skipped_order, Kind.DUPLICATE),
    (_ticket_of_nobody, Kind.DUPLICATE),
    (_stale, Kind.STALE),
    (_stale_by_date_alone, Kind.STALE),
    (_lost, Kind.LOST),
    (_lost_field, Kind.LOST),
    (_no_ticket, Kind.LOST),
    (_foreign_value, Kind.WRONG),
    (_missing_outcome, Kind.INCOMPLETE),
    (_parked_for_ever, Kind.INCOMPLETE),
    (_waits_in_silence, Kind.INCOMPLETE),
    (_two_ids, Kind.CONTRADICTION),
    (_two_finals_that_differ, Kind.CONTRADICTION),
    (_final_though_it_must_wait, Kind.WRONG),
    (_wrong_reason, Kind.WRONG),
    (_wrong_ticket_named, Kind.WRONG),
    (_superseded_by_an_older_one, Kind.WRONG),
    (_created_twice, Kind.WRONG),
    (_outcome_of_nothing, Kind.WRONG),
    (_wrong_identity, Kind.IDENTITY),
    (_no_identity, Kind.IDENTITY),
    (_poison_without_letter, Kind.DEAD_LETTER),
    (_good_record_as_letter, Kind.DEAD_LETTER),
    (_letter_with_other_bytes, Kind.DEAD_LETTER),
)


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=[fault.__name__.strip("_") for fault, _ in FAULTS])
def test_each_broken_promise_is_caught(fault: Callable[[Evidence], Evidence], kind: Kind) -> None:
    verdict = judge(fault(good()))
    assert not verdict.ok
    assert kind in kinds(verdict)
    assert verdict.count(kind) >= 1


def entry(method: str, status: int | None, revision: int | None, body: Any, **more: Any) -> dict[str, Any]:
    return {
        "method": method,
        "path": "/api/v3/tickets" if method == "PUT" else "/api/v3/tickets/T1",
        "status": status,
        "ticketId": "T1",
        "externalId": "WO-1",
        "revision": revision,
        "arrivedMonotonic": 1.0,
        "answeredMonotonic": 2.0,
        "request": 1,
        "event": "request",
        "committed": revision is not None,
        "commitDueMonotonic": None,
        "acknowledged": revision is not None and status in {200, 201},
        "body": body,
    } | more


def test_the_journal_is_read_as_accepted_writes_in_the_order_of_willow() -> None:
    patch = [{"op": "replace", "path": "/summary", "value": "new"}]
    journal = [
        entry("PATCH", 200, 1, patch, acknowledged=False),
        entry("PUT", 201, 0, {"summary": "old"}),
        entry("PUT", 400, None, {"summary": ""}, ticketId=None),
        entry("PATCH", None, None, patch),
        entry("GET", 200, None, None),
    ]
    first, second = accepted_writes(journal)
    assert (first.revision, first.fields, first.acknowledged) == (0, {"summary": "old"}, 2.0)
    assert (second.revision, second.fields, second.acknowledged) == (1, {"summary": "new"}, None)
    assert count_requests(journal)["PATCH no answer"] == 1


def test_a_late_write_counts_once_whatever_the_client_was_told_and_is_outstanding_until_its_commit() -> None:
    told = entry("PUT", 504, None, {"summary": "a"}, ticketId=None, commitDueMonotonic=9.0)
    done = entry("PUT", 504, 0, {"summary": "a"}, event="commit", commitDueMonotonic=9.0)
    dropped = told | {"event": "commit"}
    (only,) = accepted_writes([told, done])
    assert (only.ticket_id, only.acknowledged) == ("T1", None)
    assert accepted_writes([told, dropped]) == []
    assert count_requests([told, done]) == {"PUT 504": 1}
    assert [outstanding_writes(found) for found in ([told], [told, done], [told, dropped])] == [{1}, set(), set()]


def test_identities_are_the_newest_of_each_key_and_a_tombstone_ends_one() -> None:
    def identity(ticket: str) -> bytes:
        return json.dumps({"identity": {"value": f"urn:willowinc:ticket:id:{ticket}"}}).encode()

    records = [Read(b"WO-1", identity("T1"), {}), Read(b"WO-2", identity("T2"), {}), Read(b"WO-2", None, {})]
    assert identities_of(records) == {"WO-1": "T1"}


def test_a_dead_letter_is_known_by_the_coordinates_in_its_headers() -> None:
    headers = {TOPIC: IN.encode(), PARTITION: b"3", OFFSET: b"12"}
    (letter,) = dead_letters_of([Read(b"k", b"\x00", headers)])
    assert letter == DeadLetter(Coordinates(IN, 3, 12), b"\x00")
