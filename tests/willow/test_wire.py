"""The wire form of a ticket."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from streams.willow import wire
from streams.willow.models import Priority, Status, TicketWrite, name_lookup, read_ticket
from streams.willow.models.base import plain
from streams.willow.operations import LIST_TICKETS, PATCH_TICKET, PUT_TICKET

CONTRACT_4 = {
    *("externalId", "summary", "description", "cause", "solution", "twinId", "reporter", "sourceName"),
    *("statusId", "subStatusId", "priorityId", "jobTypeId", "categoryId", "serviceNeededId"),
    *("assigneeType", "assignee", "workgroup", "dueDate", "externalCreatedDate", "externalUpdatedDate"),
    "customProperties",
}

NEWER: dict[str, Any] = {
    "id": "T1",
    "ticketStatus": {"id": "5A", "name": "In Progress", "tab": "open", "color": "red"},
    "ticketPriority": {"id": "P1", "name": "High", "priorityLevel": "high"},
    "summary": "Leak",
    "description": None,
    "reporter": {"id": "u", "name": "Ann", "email": "a@x", "phone": None, "company": "C"},
    "userAssignee": {"id": "v", "name": "Bob", "email": "b@x", "phone": None, "company": None},
    "assigneeType": "User",
    "dueDate": "2026-11-02T09:14:11.4020000Z",
    "customProperties": {"mappingKey": "m", "theirs": "t"},
    "workgroupAssignee": {"id": "w", "name": None},
}
OLDER = {"id": "T1", "status": "In Progress", "priority": "High", "summary": "Leak"}


def test_the_table_holds_every_field_of_the_contract() -> None:
    assert set(wire.FIELDS) >= CONTRACT_4


def test_a_create_leaves_nulls_out() -> None:
    assert wire.put_body({"summary": "S", "cause": None, "latitude": 0}) == {"summary": "S", "latitude": 0}


def test_a_patch_has_one_replace_for_each_field_and_clears_with_null() -> None:
    assert wire.patch_body({"summary": "S", "cause": None}) == [
        {"op": "replace", "path": "/summary", "value": "S"},
        {"op": "replace", "path": "/cause", "value": None},
    ]


def test_an_unknown_field_is_never_sent() -> None:
    for refuse in (wire.put_body, wire.patch_body):
        with pytest.raises(wire.UnknownField, match="jobStatus"):
            refuse({"jobStatus": "x"})


def test_both_read_shapes_are_read() -> None:
    newer, older = read_ticket(NEWER), read_ticket(OLDER)

    assert (newer.status_id, newer.status, newer.priority_id, newer.priority) == (
        "5A",
        "In Progress",
        "P1",
        "High",
    )
    assert (older.status_id, older.status, older.priority_id, older.priority) == (
        None,
        "In Progress",
        None,
        "High",
    )
    assert newer.field("assignee") == NEWER["userAssignee"]
    assert newer.shows("description")
    assert not older.shows("description")


AGREES = [
    ("statusId", "5a"),
    ("summary", "Leak"),
    ("description", ""),
    ("reporter", {"name": "Ann", "email": "a@x", "phone": None}),
    ("assignee", {"name": "Bob", "email": "b@x"}),
    ("assigneeType", "user"),
    ("dueDate", "2026-11-02T10:14:11.402+01:00"),
    ("customProperties", {"mappingKey": "m"}),
    ("workgroup", None),
    ("externalUpdatedDate", "2026-11-02T10:14:11Z"),
    ("cause", None),
]
DIFFERS = [
    ("statusId", "5B"),
    ("summary", "leak"),
    ("summary", None),
    ("description", "D"),
    ("reporter", {"name": "Eve"}),
    ("reporter", {"name": "Ann"}),
    ("reporter", {"email": "a@x", "phone": "1"}),
    ("reporter", None),
    ("assignee", {"name": "Bob"}),
    ("customProperties", {"referenceUrl": "r"}),
    ("customProperties", {}),
    ("dueDate", "2026-11-02T09:14:12Z"),
    ("dueDate", "not a date"),
    ("customProperties", {"mappingKey": "n"}),
]


@pytest.mark.parametrize(("name", "value"), AGREES)
def test_what_agrees(name: str, value: Any) -> None:
    assert wire.compare({name: value}, NEWER) == wire.Comparison()


@pytest.mark.parametrize(("name", "value"), DIFFERS)
def test_what_differs(name: str, value: Any) -> None:
    assert wire.compare({name: value}, NEWER) == wire.Comparison(differs={name: value})


def test_what_an_answer_does_not_show_is_hidden_not_null() -> None:
    found = wire.compare({"cause": "Frost", "summary": "New"}, NEWER)

    assert (found.differs, found.hidden) == ({"summary": "New"}, {"cause": "Frost"})
    assert found.to_send == {"summary": "New", "cause": "Frost"}


def test_an_older_shape_is_compared_by_the_names_of_the_lists() -> None:
    statuses = [Status(id="5A", name="In progress"), Status(id="5B", name="Open")]
    priorities = [Priority(id="P1", name="High"), Priority(id="P2", name="HIGH")]
    names = name_lookup(statuses, priorities)

    assert wire.compare({"statusId": "5A"}, OLDER, names) == wire.Comparison()
    assert wire.compare({"statusId": "5B"}, OLDER, names).differs == {"statusId": "5B"}
    # Two priorities share the name: it says neither.
    assert wire.compare({"priorityId": "P1"}, OLDER, names).hidden == {"priorityId": "P1"}
    assert wire.compare({"statusId": "5A"}, OLDER).hidden == {"statusId": "5A"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(wire.FIELDS)), JSON), st.dictionaries(st.text(), JSON))
def test_any_ticket_can_be_compared_and_what_was_written_is_read_back_as_equal(
    desired: dict[str, Any], document: dict[str, Any]
) -> None:
    wire.compare(desired, document)

    assert wire.compare(desired, wire.put_body(desired)) == wire.Comparison()


WHOLE: dict[str, Any] = {
    "externalId": "WO1",
    "summary": "Leak",
    "statusId": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "twinId": "TW-1",
    "reporter": {"name": "Ann", "email": None, "phone": "1"},
    "assigneeType": "user",
    "assignee": {"name": "Bob", "email": None},
    "dueDate": "2026-11-02T09:14:11.402Z",
    "customProperties": {"mappingKey": "m"},
    "latitude": 52.5,
}


def test_what_is_sent_unchecked_is_what_the_table_says() -> None:
    # The sync's bodies are not validated as they are sent: here they are.
    assert set(wire.FIELDS) == {field.serialization_alias for field in TicketWrite.model_fields.values()}
    bodies = {
        PUT_TICKET: wire.put_body(WHOLE),
        PATCH_TICKET: wire.patch_body({"summary": "S", "dueDate": None}),
        LIST_TICKETS: wire.list_body([wire.by_external_ids(["WO1"])], [wire.Sort("createdDate")], 1, 100),
    }
    for row, body in bodies.items():
        TypeAdapter(row.request).validate_json(orjson.dumps(body), by_name=False)


def test_a_typed_ticket_makes_the_same_body() -> None:
    typed = TypeAdapter(TicketWrite).validate_json(orjson.dumps(WHOLE), by_name=False)

    body = wire.put_body(plain(typed))

    assert wire.compare(WHOLE, body).to_send == {}
    assert body.keys() == WHOLE.keys()


def test_conditions_are_joined_where_it_is_said() -> None:
    filters = [wire.Filter("a", "=", 1), wire.Filter("b", "=", 2, joined="Or")]

    sent = wire.list_body(filters, [], 0, 1)["filterSpecifications"]

    assert sent == [
        {"field": "a", "operator": "=", "value": 1},
        {"field": "b", "operator": "=", "value": 2, "filterConditionOperator": "Or"},
    ]


def test_query_parameters_as_willow_reads_them() -> None:
    given = {"start": "2026-01-01T00:00:00+01:00", "includeDataQuality": True, "end": None, "pageSize": 5, "token": ""}

    assert wire.query_text(given) == "start=2026-01-01T00%3A00%3A00%2B01%3A00&includeDataQuality=true&pageSize=5&token="


def test_no_filter_and_no_order_are_null() -> None:
    assert wire.list_body((), (), 1, 100) == {
        "filterSpecifications": None,
        "sortSpecifications": None,
        "page": 1,
        "pageSize": 100,
    }


def test_a_filter_by_external_ids_has_the_contracts_form() -> None:
    body = wire.list_body([wire.by_external_ids(["A"])], [wire.Sort("id", descending=True)], 0, 5)

    assert body["filterSpecifications"] == [{"field": "externalId", "operator": "in", "value": ["A"]}]
    assert body["sortSpecifications"] == [{"field": "id", "sort": "desc"}]
