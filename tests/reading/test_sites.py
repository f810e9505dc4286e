"""Candidates, what lies in them, and what is wrong with the selection."""

import json
from typing import Any

import pytest

from streams.planning.rules import Rules
from streams.reading.log import Logged
from streams.reading.records import opened
from streams.reading.sites import Candidate, SitesFound, Unknown, sites_of, survey
from streams.settings import InputFormat, Settings
from streams.tables.twins import TwinTable
from tests.reading.conftest import Topics

TWIN = "urn:willowinc:twin:id:"

ENTITIES: list[dict[str, Any]] = [
    {"id": "B1", "exactType": "Building", "name": "North House", "isPartOf": {"id": "S1"}},
    {"id": "S1", "exactType": "Site", "name": "Campus", "identities": [{"value": f"{TWIN}TW-S1"}]},
    {"id": "F1", "exactType": "Floor", "isPartOf": {"id": "B1"}, "identities": [{"value": f"{TWIN}TW-F1"}]},
    {"id": "T1", "exactType": "Pump", "hasLocation": {"id": "F1"}},
    {"id": "B2", "exactType": "Building", "name": "Depot", "isPartOf": {"id": "GONE"}},
    {"id": "L1", "exactType": "Space", "isPartOf": {"id": "L2"}},
    {"id": "L2", "exactType": "Space", "isPartOf": {"id": "L1"}},
]


def settings(*selected: str) -> Settings:
    willow = {"base_url": "http://w", "client_id": "a", "client_secret": "b"}
    return Settings.model_validate({"willow": willow, "selected_sites": selected})


def surveyed(orders: list[dict[str, Any]], *selected: str) -> SitesFound:
    table = TwinTable(InputFormat.AUTO)
    for offset, document in enumerate(ENTITIES):
        whole = {"name": None, "identities": [], "isPartOf": None, "hasLocation": None, **document}
        table.apply(0, offset, 0, document["id"].encode(), json.dumps(whole).encode())
    given = settings(*selected)
    records = (opened(_logged(order), given) for order in orders)
    return survey(table, records, Rules.of(given))


def _logged(order: dict[str, Any]) -> Logged:
    return Logged("in", 0, 0, 0, order["id"].encode(), json.dumps({"jobStatus": "Open", **order}).encode(), ())


def test_each_candidate_with_what_lies_in_it_below_the_one_that_holds_it() -> None:
    orders = [
        {"id": "A", "relatesTo": [{"id": "B2"}]},
        {"id": "A", "relatesTo": [{"id": "T1"}, {"id": "F1"}]},
        {"id": "B", "relatesTo": [{"id": "S1"}]},
        {"id": "C", "relatesTo": [{"id": "L1"}, {"id": "NOWHERE"}]},
        {"id": "D", "relatesTo": [{"id": "T1"}], "mappingKey": "x@willow"},
    ]
    orders += [{"id": "E", "relatesTo": [{"id": "B2"}]}, {"id": "E", "exactType": "Other", "relatesTo": [{"id": "B2"}]}]
    found = surveyed(orders, "TW-S1")
    assert found.candidates == (
        Candidate("B2", "Building", "Depot", None, None, 0, 0, 0, None),
        Candidate("S1", "Site", "Campus", "TW-S1", None, 3, 1, 2, "TW-S1"),
        Candidate("B1", "Building", "North House", None, "S1", 2, 1, 1, "TW-S1"),
    )
    assert (found.unknown, found.every, found.records, found.orders, found.placeless) == ((), False, 7, 3, 1)


def test_an_unknown_selection_is_told_with_what_may_be_meant() -> None:
    found = surveyed([], "north house", "TW-S2", "QQQ", "F1")
    assert found.unknown == (Unknown("QQQ", None), Unknown("TW-S2", "S1"), Unknown("north house", "B1"))
    assert [item.id for item in found.candidates if item.selected_by] == ["F1"]


def test_all_sites() -> None:
    found = surveyed([], "*")
    assert found.every
    assert {item.selected_by for item in found.candidates} == {"*"}


@pytest.mark.kafka
def test_from_topics(topics: Topics) -> None:
    for document in ENTITIES:
        topics.put("entities", document["id"].encode(), json.dumps(document).encode())
    topics.input("WO1", jobStatus="Open", relatesTo=[{"id": "T1"}])
    found = sites_of(topics.settings, 1000)
    assert {item.id: item.orders for item in found.candidates} == {"B2": 0, "S1": 1, "B1": 1}
