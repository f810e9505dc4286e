"""Counting values, and where the newest records begin."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from streams.planning.rules import Rules
from streams.reading.log import Log, Logged
from streams.reading.newest import last_offsets, newest_records
from streams.reading.records import InputRecord, opened
from streams.reading.values import MAX_LENGTH, MAX_VALUES, FieldValues, count_values, values_seen
from streams.settings import Settings
from tests.reading.conftest import Topics

SETTINGS = Settings.model_validate(
    {"willow": {"base_url": "http://w", "client_id": "a", "client_secret": "b"}, "selected_sites": ["*"]}
)


def record(value: Any, key: str = "WO1") -> InputRecord:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return opened(Logged("in", 0, 0, 0, key.encode(), raw, ()), SETTINGS)


def test_values_are_counted_by_field_and_what_is_no_ticket_is_told_apart() -> None:
    def records() -> Iterator[InputRecord]:
        yield record({"id": "A", "jobStatus": "Open", "jobType": None, "sector": "x" * (MAX_LENGTH + 1)})
        yield record({"id": "A", "jobStatus": "Open"})
        yield record({"id": "B", "jobStatus": None, "jobType": "Repair"})
        yield record({"id": "C", "jobStatus": "Open", "mappingKey": "x@willow"})
        yield record({"id": "D", "jobStatus": "Open", "exactType": "WorkOrderCost"})
        yield record(None)
        yield record(b"\x00\x01")

    seen = count_values(records(), Rules.of(SETTINGS))
    assert (seen.records, seen.counted) == (7, 3)
    assert seen.left_out == {"willow_born": 1, "other_entity_type": 1, "deleted": 1, "undecodable": 1}
    assert seen.fields["job_status"] == FieldValues(Counter({"Open": 2}), empty=1)
    assert seen.fields["job_type"] == FieldValues(Counter({"Repair": 1}), empty=1)
    assert seen.fields["sector"].prose == 1


def test_free_text_fills_no_memory() -> None:
    values = FieldValues()
    for number in range(MAX_VALUES + 5):
        values.add(f"text {number}")
    values.add("text 0")
    assert len(values.counts) == MAX_VALUES
    assert (values.prose, values.counts["text 0"]) == (5, 2)


@pytest.mark.parametrize(
    ("spans", "count", "starts"),
    [
        ({0: (0, 100), 1: (50, 60)}, 40, {0: 70, 1: 50}),
        ({0: (0, 100), 1: (0, 100)}, 41, {0: 80, 1: 79}),
        ({0: (5, 9), 1: (0, 0)}, 1000, {0: 5, 1: 0}),
        ({0: (0, 9), 1: (0, 9), 2: (0, 9)}, 1, {0: 9, 1: 9, 2: 8}),
    ],
)
def test_a_short_partition_leaves_its_share_to_the_others(
    spans: dict[int, tuple[int, int]], count: int, starts: dict[int, int]
) -> None:
    assert last_offsets(spans, count) == starts


@pytest.mark.kafka
def test_the_newest_records_of_a_topic(topics: Topics, log: Log) -> None:
    for number in range(6):
        value = json.dumps({"id": f"WO{number}", "jobStatus": f"S{number}"}).encode()
        topics.put("work_orders", b"k", value, partition=number % 2)
    statuses = [json.loads(found.value or b"")["jobStatus"] for found in newest_records(log, log_topic(topics), 4)]
    assert sorted(statuses) == ["S2", "S3", "S4", "S5"]
    assert values_seen(log, topics.settings, None).fields["job_status"].counts.total() == 6


def log_topic(topics: Topics) -> str:
    return topics.settings.topics.work_orders
