"""Counting outcomes."""

import json
from typing import Any

import pytest

from streams.cli.outcomes import lines_of
from streams.reading.log import Logged
from streams.reading.outcomes import Group, count_outcomes, outcomes_of
from tests.reading.conftest import Topics


def said(identity: str, order: str, outcome: str, code: str | None = None, stamp: int = 0) -> Logged:
    reason = None if code is None else {"code": code, "message": f"{order} is {code}.", "remedy": "Mend it."}
    document = {"outcomeId": identity, "workOrderId": order, "outcome": outcome, "reason": reason}
    return Logged("out", 0, 0, stamp, order.encode(), json.dumps(document).encode(), ())


def raw(value: bytes | None) -> Logged:
    return Logged("out", 0, 0, 0, b"k", value, ())


def test_each_outcome_and_reason_with_its_newest_example() -> None:
    found = count_outcomes(
        "out",
        [
            said("1", "A", "created"),
            said("2", "B", "skipped", "stale", 5),
            said("3", "C", "skipped", "stale", 3),
            said("4", "D", "skipped", "willow_born"),
            said("1", "A", "created"),
            said("5", "E", "skipped", "stale", 4),
            raw(b"\x00"),
            raw(None),
            raw(b"[]"),
        ],
    )
    assert (found.records, found.unreadable) == (5, 3)
    assert found.groups == (
        Group("skipped", "stale", 3, "B", "B is stale.", "Mend it."),
        Group("created", None, 1, "A", None, None),
        Group("skipped", "willow_born", 1, "D", "D is willow_born.", "Mend it."),
    )


def test_an_order_counts_by_its_newest_outcome() -> None:
    records = [
        said("1", "A", "parked", "create_in_doubt", 9),
        # A worker whose clock is behind: in a partition the log's order counts.
        said("2", "A", "created", None, 8),
        said("3", "A", "skipped", "stale", 10),
        said("4", "A", "superseded", None, 11),
        said("5", "B", "skipped", "stale", 1),
    ]
    found = count_outcomes("out", records)
    assert [(group.outcome, group.code, group.records) for group in found.groups] == [
        ("created", None, 1),
        ("skipped", "stale", 1),
    ]
    assert found.records == 2
    found = count_outcomes("out", records, history=True)
    assert found.records == 5
    assert ("parked", "create_in_doubt", 1) in [(group.outcome, group.code, group.records) for group in found.groups]


def test_records_of_no_known_order_count_by_themselves_and_are_told_by_their_place() -> None:
    source = {"topic": "in", "partition": 2, "offset": 7}
    reason = {"code": "undecodable", "message": "No JSON.", "remedy": "Mend it."}
    document = {"workOrderId": None, "outcome": "dead_lettered", "reason": reason, "source": source}
    found = count_outcomes("out", [raw(json.dumps({**document, "outcomeId": number}).encode()) for number in "12"])
    assert (found.records, found.nameless) == (2, 2)
    assert found.groups == (Group("dead_lettered", "undecodable", 2, "in[2]@7", "No JSON.", "Mend it."),)
    assert "        for example in[2]@7: No JSON." in list(lines_of(found))


def test_the_empty_id_of_a_control_record_is_no_order() -> None:
    source = {"topic": "in", "partition": 2, "offset": 7}
    reason = {"code": "not_a_change", "message": "A heartbeat.", "remedy": "Nothing to do."}
    document = {"workOrderId": "", "outcome": "skipped", "reason": reason, "source": source}
    found = count_outcomes("out", [raw(json.dumps({**document, "outcomeId": number}).encode()) for number in "12"])
    assert (found.records, found.nameless) == (2, 2)
    assert found.groups == (Group("skipped", "not_a_change", 2, "in[2]@7", "A heartbeat.", "Nothing to do."),)


@pytest.mark.kafka
def test_from_the_topic(topics: Topics) -> None:
    for number in range(4):
        record: Any = said(str(number), f"WO{number}", "would_create")
        topics.put("outcomes", record.key, record.value)
    (group,) = outcomes_of(topics.settings, 100).groups
    assert (group.outcome, group.records) == ("would_create", 4)
