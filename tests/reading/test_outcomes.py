"""Counting outcomes."""

import json
from typing import Any

import pytest

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


@pytest.mark.kafka
def test_from_the_topic(topics: Topics) -> None:
    for number in range(4):
        record: Any = said(str(number), f"WO{number}", "would_create")
        topics.put("outcomes", record.key, record.value)
    (group,) = outcomes_of(topics.settings, 100).groups
    assert (group.outcome, group.records) == ("would_create", 4)
