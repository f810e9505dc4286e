"""Field mapping of contract §4, for the fields that a record carried."""

from typing import Any

import pytest

from streams.planning.ticket import fallbacks, first_line, ticket_fields


def fields(**record: Any) -> dict[str, Any]:
    return ticket_fields(
        "WO1",
        {"id": "WO1", **record},
        external_id_template="cmms-{id}",
        source_name="Mapped",
        send_people=True,
    )


def test_an_empty_record_says_who_it_is_and_no_more() -> None:
    assert fields() == {"externalId": "cmms-WO1", "sourceName": "Mapped"}


@pytest.mark.parametrize(
    ("source", "target", "value"),
    [
        ("description", "description", "long"),
        ("problemDescription", "cause", "noise"),
        ("resolutionDescription", "solution", "oiled"),
        ("dueDate", "dueDate", "2026-11-05T00:00:00Z"),
        ("dateCreated", "externalCreatedDate", "2026-11-05T00:00:00Z"),
        ("dateUpdated", "externalUpdatedDate", "2026-11-05T00:00:00Z"),
    ],
)
def test_plain_fields(source: str, target: str, value: str) -> None:
    assert fields(**{source: value})[target] == value
    assert fields(**{source: None})[target] is None
    assert target not in fields()


@pytest.mark.parametrize(
    ("record", "summary"),
    [
        ({"summary": "S", "description": "D"}, "S"),
        ({"summary": None, "description": "\n  D1 \nD2"}, "D1"),
        ({"summary": "  ", "description": None, "jobType": "Repair"}, "Repair WO1"),
        ({"summary": None, "description": ""}, "WO1"),
    ],
)
def test_the_summary_is_never_empty(record: dict[str, Any], summary: str) -> None:
    assert fields(**record)["summary"] == summary


def test_a_summary_that_the_record_can_not_tell_stays_and_a_create_has_one_all_the_same() -> None:
    for record in ({}, {"description": "D"}, {"summary": None}):
        assert "summary" not in fields(**record)
    assert fallbacks("WO1", {"description": "D"}, {}, send_people=False) == {"summary": "D"}
    assert fallbacks("WO1", {"jobType": "Repair"}, {}, send_people=False) == {"summary": "Repair WO1"}
    assert fallbacks("WO1", {}, {"summary": "S"}, send_people=True) == {"assigneeType": "noAssignee"}


def test_first_line() -> None:
    assert first_line(None) is None
    assert first_line(" \n\n x \n") == "x"


ANA = {"name": "Ana", "emails": [{"address": "a@x"}, {"address": "b@x"}], "phones": ["1", "2"]}


def test_the_reporter() -> None:
    assert fields(isReportedBy=ANA)["reporter"] == {"name": "Ana", "email": "a@x", "phone": "1"}
    assert fields(isReportedBy={"name": "Ana", "emails": []})["reporter"] == {"name": "Ana"}
    assert fields(isReportedBy=None)["reporter"] is None
    assert fields(isReportedBy={})["reporter"] is None


USER = {"assigneeType": "user", "assignee": {"name": "Ana", "email": "a@x"}, "workgroup": None}
GROUP = {"assigneeType": "workgroup", "assignee": None, "workgroup": {"name": "HVAC"}}
NOBODY = {"assigneeType": "noAssignee", "assignee": None, "workgroup": None}
ASSIGNMENT = USER.keys()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, {}),
        ({"hasAssignee": ANA}, USER),
        ({"hasAssignee": ANA, "hasAssignedGroup": {"name": "HVAC"}}, USER),
        ({"hasAssignee": None, "hasAssignedGroup": {"name": "HVAC"}}, GROUP),
        ({"hasAssignedGroup": {"name": "HVAC"}}, GROUP),
        ({"hasAssignee": None}, {}),
        ({"hasAssignedGroup": None}, {}),
        ({"hasAssignee": None, "hasAssignedGroup": None}, NOBODY),
        ({"hasAssignee": {}, "hasAssignedGroup": {}}, NOBODY),
    ],
)
def test_the_assignee(record: dict[str, Any], expected: dict[str, Any]) -> None:
    found = fields(**record)
    assert {name: found[name] for name in ASSIGNMENT if name in found} == expected


def test_people_are_left_out() -> None:
    everyone = {"isReportedBy": ANA, "hasAssignee": ANA, "hasAssignedGroup": {"name": "G"}, "isCreatedBy": ANA}
    record = {"relatesTo": [{"id": "B"}], **everyone}
    found = ticket_fields("WO1", record, external_id_template="{id}", source_name="Mapped", send_people=False)
    assert found.keys() == {"externalId", "sourceName", "customProperties"}
    assert found["customProperties"] == {"relatedEntities": "B"}


def test_custom_properties_are_texts_and_keep_every_relation() -> None:
    record: dict[str, Any] = {
        "referenceUrl": "https://cmms/1",
        "mappingKey": "MK",
        "isCreatedBy": {"name": "Bo"},
        "relatesTo": [{"id": "T", "name": "AHU"}, {"id": "B"}],
    }
    expected = {
        "referenceUrl": "https://cmms/1",
        "mappingKey": "MK",
        "createdBy": "Bo",
        "relatedEntities": "B, AHU (T)",
    }
    assert fields(**record)["customProperties"] == expected
    record["relatesTo"] = list(reversed(record["relatesTo"]))
    assert fields(**record)["customProperties"] == expected
    # It is sent whole: without the relations it would drop them.
    assert "customProperties" not in fields(referenceUrl="https://cmms/1")
