"""Rows of Mapped's lists → the flat entities that the planner and the twin table read."""

import json
from typing import Any

import pytest

from streams.mapped import KINDS
from streams.mapped.records import BadRow, to_record
from streams.planning.decode import Change, decode_entity, decode_work_order
from streams.planning.places import EntityNode, PlaceKind
from streams.settings import InputFormat


def value_of(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    found = json.loads(to_record(KINDS[kind], row).value)
    assert isinstance(found, dict)
    return found


class TestOrders:
    def test_the_planner_reads_what_the_row_held(self) -> None:
        row = {
            "id": "WO1",
            "exactType": "WorkOrder",
            "summary": "Tür",
            "jobStatus": "WIP",
            "dateUpdated": "2026-11-02T09:14:11.402+01:00",
            "isReportedBy": [{"name": "Ana", "emails": [{"address": "ana@example.com"}]}],
            "hasAssignee": [],
            "relatesTo": [
                {},
                {
                    "__typename": "Thing",
                    "id": "THG1",
                    "name": "AHU-3",
                    "exactType": "AirHandlingUnit",
                    "identities": [{}],
                },
                {"__typename": "Zone", "id": "ZON1", "name": "North", "exactType": "HVACZone", "identities": None},
            ],
            "identities": [{}, {"value": "urn:willowinc:ticket:id:T1", "scope": "ORG", "scopeId": "O"}],
        }
        record = to_record(KINDS["workOrders"], row)
        change = decode_work_order(record.key.encode(), record.value, (), InputFormat.FLAT)
        assert isinstance(change, Change)
        assert change.record == {
            "id": "WO1",
            "exactType": "WorkOrder",
            "summary": "Tür",
            "jobStatus": "WIP",
            "dateUpdated": "2026-11-02T08:14:11.402000Z",
            "isReportedBy": {"name": "Ana", "emails": [{"address": "ana@example.com"}]},
            "hasAssignee": None,
            "relatesTo": [
                {"id": "THG1", "name": "AHU-3", "exactType": "AirHandlingUnit"},
                {"id": "ZON1", "name": "North", "exactType": "Zone"},
            ],
            "identities": [{"value": "urn:willowinc:ticket:id:T1", "scope": "ORG", "scopeId": "O"}],
        }

    def test_what_the_row_does_not_hold_is_not_in_the_record(self) -> None:
        # It would clear the field; absent means unchanged.
        assert value_of("workOrders", {"id": "WO1", "summary": None}).keys() == {"id", "exactType", "summary"}

    def test_what_is_no_field_of_the_contract_is_not_sent(self) -> None:
        assert "__typename" not in value_of("workOrders", {"id": "WO1", "__typename": "WorkOrder"})

    @pytest.mark.parametrize(
        ("kind", "own", "expected"),
        [
            ("workOrders", None, "WorkOrder"),
            ("serviceRequests", None, "ServiceRequest"),
            ("workOrders", "Corrective_Work_Order", "Corrective_Work_Order"),
        ],
    )
    def test_the_type_is_the_list_s_where_the_row_does_not_say(self, kind: str, own: str | None, expected: str) -> None:
        assert value_of(kind, {"id": "1", "exactType": own})["exactType"] == expected

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ({"id": None}, "workOrders None: id: "),
            ({"id": "WO1", "dateUpdated": "soon"}, "workOrders WO1: dateUpdated: "),
            ({"id": "WO1", "isReportedBy": "Ana"}, "workOrders WO1: isReportedBy: "),
        ],
    )
    def test_a_row_that_can_be_no_record_is_told_by_its_id(self, row: dict[str, Any], told: str) -> None:
        with pytest.raises(BadRow, match=f"^{told}"):
            to_record(KINDS["workOrders"], row)


class TestEntities:
    @pytest.mark.parametrize(
        ("kind", "row", "expected"),
        [
            # By its subclass it would be a Thing, and more specific than a room.
            (
                "zones",
                {"id": "Z", "name": "North", "exactType": "HVACZone", "isPartOf": [{"id": "FLR1"}]},
                EntityNode("Z", PlaceKind.ZONE, "North", "FLR1", None, frozenset({"twin_id"})),
            ),
            (
                "things",
                {
                    "id": "T",
                    "name": "AHU",
                    "exactType": "AirHandlingUnit",
                    "isPartOf": None,
                    "hasLocation": {"id": "SPC1"},
                },
                EntityNode("T", PlaceKind.THING, "AHU", "SPC1", None, frozenset({"twin_id"})),
            ),
            (
                "buildings",
                {
                    "id": "B",
                    "name": "House",
                    "exactType": None,
                    "isPartOf": [],
                    "identities": [
                        {"value": "urn:willowinc:twin:id:OLD", "dateCreated": "2024-01-01T00:00:00Z"},
                        {"value": "urn:willowinc:twin:id:NEW", "dateCreated": "2026-01-01T00:00:00Z"},
                    ],
                },
                EntityNode("B", PlaceKind.BUILDING, "House", None, "NEW"),
            ),
        ],
        ids=["zone", "thing", "building"],
    )
    def test_the_twin_table_reads_kind_place_and_twin(
        self, kind: str, row: dict[str, Any], expected: EntityNode
    ) -> None:
        record = to_record(KINDS[kind], row)
        assert decode_entity(record.key.encode(), record.value, (), InputFormat.AUTO) == expected
