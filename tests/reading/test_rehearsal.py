"""Planning the newest orders before a worker runs."""

import json
from collections import Counter
from typing import Any

import pytest

from streams.cli.probes_orders import _coverage, _orders
from streams.planning.lists import Listed, WillowLists
from streams.planning.rules import Rules
from streams.reading.log import Logged
from streams.reading.records import InputRecord, opened
from streams.reading.rehearsal import Coverage, Rehearsal, Witness, fold, newest_orders, rehearse
from streams.settings import InputFormat, Settings
from streams.tables.twins import TwinTable
from tests.reading.conftest import Topics

LISTS = WillowLists(
    statuses=(Listed("s1", "Open"),),
    categories=(Listed("c1", "HVAC", locations=frozenset({"TW-B2"})),),
    job_types=(Listed("j1", "Repair"),),
)
SETTINGS = Settings.model_validate(
    {"willow": {"base_url": "http://w", "client_id": "a", "client_secret": "b"}, "selected_sites": ["*"]}
)


def record(offset: int, document: dict[str, Any] | None, key: str = "k") -> InputRecord:
    value = None if document is None else json.dumps(document).encode()
    return opened(Logged("in", 0, offset, 0, key.encode(), value, ()), SETTINGS)


@pytest.fixture
def twins() -> TwinTable:
    table = TwinTable(InputFormat.AUTO)
    for name in ("B1", "B2"):
        identity = {"value": f"urn:willowinc:twin:id:TW-{name}"}
        document = {"id": name, "exactType": "Building", "name": name, "identities": [identity], "isPartOf": None}
        table.apply(0, 0, 0, name.encode(), json.dumps(document).encode())
    return table


def test_each_order_counts_once_with_what_its_newest_record_left_out() -> None:
    records = [
        record(0, {"id": "A", "jobStatus": "Open", "summary": "one"}),
        record(1, {"id": "B", "jobStatus": "Open"}),
        record(2, {"id": "A", "summary": "two"}),
        record(3, {"id": "C", "jobStatus": "Open"}),
        record(4, None, key="C"),
        record(5, None, key="\x00"),
    ]
    folded = {item.order_id: item.change.record for item in fold(records, 9) if item.change}
    assert folded == {"B": {"id": "B", "jobStatus": "Open"}, "A": {"id": "A", "jobStatus": "Open", "summary": "two"}}
    assert [item.order_id for item in fold(records, 2)] == ["A"]


def test_coverage_is_the_planner_s_own(twins: TwinTable) -> None:
    both = [{"id": "B1"}, {"id": "B2"}]
    orders: list[dict[str, Any]] = [
        {"id": "A", "jobStatus": "open", "jobType": "Repair", "relatesTo": both, "sector": "HVAC"},
        {"id": "B", "jobStatus": "Mystery", "jobType": None, "relatesTo": [{"id": "B1"}], "sector": "HVAC"},
        {"id": "C", "jobStatus": "Mystery", "jobType": "Odd", "relatesTo": [{"id": "GONE"}]},
        {"id": "D", "jobStatus": None, "relatesTo": [{"id": "B1"}]},
    ]
    found = rehearse([record(number, order) for number, order in enumerate(orders)], twins, LISTS, Rules.of(SETTINGS))
    assert found.orders == 4
    assert found.decisions == {
        "upsert": 1,
        "skip unmapped_job_status": 1,
        "park unknown_entity": 1,
        "skip missing_job_status": 1,
    }
    assert found.coverage["job_status"] == Coverage(True, mapped=1, missed=Counter(Mystery=2))
    assert found.coverage["job_type"] == Coverage(False, mapped=1, empty=1, missed=Counter(Odd=1))
    # At one of the two places there is such a category; at the only place of the other order there is none.
    assert found.coverage["sector"] == Coverage(False, mapped=1, missed=Counter(HVAC=1))
    assert found.twins == {"TW-B1": Witness("B1", "A"), "TW-B2": Witness("B2", "A")}


def test_what_check_says_of_them_is_the_same_in_every_run() -> None:
    decided = Counter({"upsert": 5, "skip b": 1, "skip a": 1, "park c": 2})
    said = _orders(Rehearsal(9, decided, {}, {})).message
    assert said == "of the newest 9 orders 5 would have a ticket; park c 2, skip a 1, skip b 1"
    one, two = (_coverage("sector", Coverage(False, missed=Counter(X=count))).message for count in (1, 2))
    assert "1 of 1 orders with a value has no Willow value, and is sent without it" in one
    assert "2 of 2 orders with a value have no Willow value, and they are sent without it" in two


def test_what_more_than_one_entry_fits_is_told_apart_and_each_remedy_can_be_carried_out(twins: TwinTable) -> None:
    lists = WillowLists(statuses=(Listed("s1", "Open"),), job_types=(Listed("j1", "Repair"), Listed("j2", "Repair")))
    order = {"id": "A", "jobStatus": "Mystery", "jobType": "Repair", "relatesTo": [{"id": "B1"}]}
    other = {**order, "id": "B", "jobType": "Odd", "jobStatus": "Open"}
    found = rehearse([record(0, order), record(1, other)], twins, lists, Rules.of(SETTINGS)).coverage
    assert found["job_type"].ambiguous == {"Repair"}
    status, kind = (_coverage(name, found[name]).remedy or "" for name in ("job_status", "job_type"))
    assert "create-missing" not in status
    assert "can't be added" in status
    assert "create-missing" in kind
    assert "fits 'Repair': write the id" in kind


@pytest.mark.kafka
def test_from_the_topic(topics: Topics) -> None:
    for number in range(8):
        topics.input(f"WO{number % 4}", jobStatus=f"S{number}")
    found = newest_orders(topics.settings, 2)
    assert len(found) == 2
    assert all(item.change and int(item.change.record["jobStatus"][1:]) >= 4 for item in found)
