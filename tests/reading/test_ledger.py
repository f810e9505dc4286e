"""Orders on disk: the fold of their records, their states, and the tickets that name them."""

from collections.abc import Iterator
from typing import Any

import pytest

from streams.delivery.state import OrderState
from streams.planning.decode import Change, NotAChange
from streams.reading.ledger import Ledger
from streams.reading.log import Logged
from streams.reading.records import InputRecord


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as made:
        yield made


def record(offset: int, *, deleted: bool = False, partition: int = 0, stamp: int = 0, **fields: Any) -> InputRecord:
    logged = Logged("in", partition, offset, stamp or 1_800_000_000_000 + offset, b"WO", b"", ())
    return InputRecord(logged, Change("WO", deleted, fields))


def fold(ledger: Ledger, *records: InputRecord) -> tuple[dict[str, Any], tuple[int, int], bool]:
    for item in records:
        ledger.put_record("WO", item)
    known = ledger.get("WO")
    assert known is not None
    assert known.newest is not None
    return known.newest.change.record, known.newest.at, known.newest.change.deleted


DAY = "2026-01-05T08:00:0{}Z"

CASES: list[tuple[str, list[InputRecord], tuple[dict[str, Any], tuple[int, int], bool]]] = [
    ("absent is unchanged", [record(1, a=1, b=2), record(2, b=None)], ({"a": 1, "b": None}, (0, 2), False)),
    ("a delete keeps the fields", [record(1, a=1), record(2, deleted=True)], ({"a": 1}, (0, 2), True)),
    (
        "what comes behind a delete lies over them",
        [record(1, a=1), record(2, deleted=True), record(3, b=2)],
        ({"a": 1, "b": 2}, (0, 3), False),
    ),
    (
        "a stale record does not count",
        [record(1, a=1, dateUpdated=DAY.format(2)), record(2, a=0, dateUpdated=DAY.format(1))],
        ({"a": 1, "dateUpdated": DAY.format(2)}, (0, 1), False),
    ),
    (
        "an instant that is far ahead does not count",
        [record(1, a=1, dateUpdated="2099-01-01T00:00:00Z"), record(2, a=0, dateUpdated=DAY.format(1))],
        ({"a": 0, "dateUpdated": DAY.format(1)}, (0, 2), False),
    ),
    (
        "of two partitions the later record",
        [record(9, a="new", partition=1, stamp=2_000), record(3, a="old", stamp=1_000)],
        ({"a": "new"}, (1, 9), False),
    ),
]


@pytest.mark.parametrize(("records", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_fold(
    ledger: Ledger, records: list[InputRecord], expected: tuple[dict[str, Any], tuple[int, int], bool]
) -> None:
    assert fold(ledger, *records) == expected


def test_what_is_no_change_is_passed_over(ledger: Ledger) -> None:
    logged = Logged("in", 0, 1, 1, b"WO", b"", ())
    ledger.put_record("WO", InputRecord(logged, NotAChange("WO", "a heartbeat")))
    assert ledger.get("WO") is None


def test_states_and_records_are_of_one_order(ledger: Ledger) -> None:
    ledger.put_state("WO", OrderState(ticket_id="T1").to_json())
    ledger.put_order("WO")
    ledger.put_record("WO", record(4, a=1))
    ledger.put_order("ALONE")
    known = {item.order_id: item for item in ledger}
    assert list(known) == ["ALONE", "WO"]
    assert len(ledger) == 2
    assert (known["WO"].state.ticket_id, known["WO"].newest is not None) == ("T1", True)
    assert (known["ALONE"].state, known["ALONE"].newest) == (OrderState(), None)
    ledger.put_state("WO", None)
    found = ledger.get("WO")
    assert found is not None
    assert found.state == OrderState()


def test_the_late_state_of_a_former_owner_does_not_count(ledger: Ledger) -> None:
    for generation, ticket in ((3, "T1"), (2, "T2")):
        ledger.put_state("WO", OrderState(generation=generation, ticket_id=ticket).to_json())
    known = ledger.get("WO")
    assert known is not None
    assert known.state.ticket_id == "T1"


def test_tickets_are_kept_in_the_order_of_the_list(ledger: Ledger) -> None:
    ledger.put_order("A")
    ledger.put_order("B")
    for ticket in ("T2", "T1"):
        ledger.put_ticket("B", ticket)
    ledger.see("A")
    assert list(ledger.ticketed()) == ["B"]
    assert (ledger.tickets_of("B"), ledger.tickets_of("A")) == (["T2", "T1"], [])
    assert [item.order_id for item in ledger.unseen()] == ["B"]
