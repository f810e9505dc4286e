"""Input forms that no capture shows (contract §2): CloudEvents, keys, control records, poison."""

import base64
from typing import Any

import orjson
import pytest

from streams.planning.decode import (
    Change,
    EntityGone,
    NotAChange,
    Undecodable,
    decode_entity,
    decode_work_order,
)
from streams.settings import InputFormat

ROW = {"id": "WO1", "jobStatus": "Open"}
ENVELOPE = {"op": "u", "before": None, "after": ROW}


def decode(value: Any, key: bytes | None = b"WO1", headers: Any = (), form: str = "auto") -> Any:
    raw = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return decode_work_order(key, raw, list(headers), InputFormat(form))


def event(**more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "e-1", "source": "/cmms", "type": "order.changed", **more}


@pytest.mark.parametrize(
    "value",
    [
        ROW,
        ENVELOPE,
        {"schema": None, "payload": ENVELOPE},
        {"schema": {"type": "string"}, "payload": orjson.dumps(ROW).decode()},
        event(data=ROW, subject="other"),
        event(data=ENVELOPE),
        event(data={"schema": {}, "payload": ENVELOPE}),
        event(data={"before": None, "after": ROW}, iodebeziumop="u"),
        event(data_base64=base64.b64encode(orjson.dumps(ROW)).decode()),
        orjson.dumps(ROW).decode(),
        {"id": "WO1", "job_status": "Open", "__op": "u", "__deleted": "false", "__ts_ms": 1},
        {"id": "WO1", "doc": ROW, "updated_at": 1},
        {"op": "c", "before": None, "after": orjson.dumps(ROW).decode()},
    ],
)
def test_one_change_in_every_form(value: Any) -> None:
    assert decode(value) == Change("WO1", False, ROW)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"null",
        {"schema": None, "payload": None},
        {"op": "d", "before": {"id": "WO1", "jobStatus": None}, "after": None},
        {"op": "d", "before": None, "after": None},
        {"id": "WO1", "jobStatus": None, "__deleted": "true"},
        {"id": "WO1", "__deleted": True},
        {"id": "WO1", "__op": "d"},
        event(type="com.mapped.order.deleted", subject="WO1"),
        event(type="com.mapped.order.Removed", data=ROW),
        event(type="order.delete", subject="WO1", data=None),
        event(subject="WO1"),
        event(data={"before": {"id": "WO1"}, "after": None}, iodebeziumop="d"),
    ],
)
def test_one_delete_in_every_form(value: Any) -> None:
    assert decode(value) == Change("WO1", True, {})


def test_binary_cloud_events() -> None:
    changed = [("ce_type", b"order.changed"), ("ce_subject", b"WO1")]
    deleted = [("ce_type", b"order.deleted"), ("ce_subject", b"WO1")]
    assert decode(ROW, headers=changed, form="cloudevents") == Change("WO1", False, ROW)
    assert decode(ROW, headers=deleted) == Change("WO1", True, {})
    assert decode(None, key=None, headers=deleted) == Change("WO1", True, {}, ("key_missing",))


@pytest.mark.parametrize(
    ("key", "warnings"),
    [
        (b"WO1", ()),
        (b'"WO1"', ()),
        (b'{"id":"WO1"}', ()),
        (b'{"schema":{},"payload":{"id":"WO1"}}', ()),
        (b'{"schema":{},"payload":"WO1"}', ()),
        (None, ("key_missing",)),
        (b"", ("key_missing",)),
        (b"null", ("key_missing",)),
        (b"\x00\x00\x00\x00\x01\x06WO1", ("key_missing",)),
        (b"\xff\xfe", ("key_missing",)),
        (b"WO2", ("key_differs",)),
        (b'{"id":"WO2"}', ("key_differs",)),
        (b"{not json", ("key_differs",)),
    ],
)
def test_the_entitys_id_counts_and_the_key_is_noted(key: bytes | None, warnings: tuple[str, ...]) -> None:
    assert decode(ROW, key=key) == Change("WO1", False, ROW, warnings)


def test_a_number_is_an_id_too() -> None:
    assert decode({"id": 17}, key=b"17") == Change("17", False, {"id": "17"})
    assert decode(None, key=b'{"id":17}') == Change("17", True, {})


@pytest.mark.parametrize(
    "value",
    [
        {"ts_ms": 1},
        {"ts_ms": 1, "ts_us": 1, "ts_ns": 1},
        {"source": {}, "databaseName": "d", "ddl": "ALTER TABLE", "tableChanges": []},
        {"op": "t", "source": {}, "ts_ms": 1},
        {"op": "m", "source": {}, "message": {"prefix": "p", "content": ""}},
        {"op": "t", "before": None, "after": None},
        {"status": "BEGIN", "id": "571:1", "event_count": None, "data_collections": None, "ts_ms": 1},
        {"schema": {}, "payload": {"ts_ms": 1}},
    ],
)
@pytest.mark.parametrize("form", ["auto", "envelope"])
def test_control_records_are_no_change(value: Any, form: str) -> None:
    if form == "envelope" and "payload" in value:
        return
    assert isinstance(decode(value, form=form), NotAChange)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'"hello"', "not JSON"),
        (b'""', "blank text"),
        (b'{"id":"WO1"', "not JSON"),
        (b'{"id":"WO1","x":NaN}', "not JSON"),
        (b'"\\ud800"', "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"\xff\xfe{\x00", "not JSON"),
        (b"\x00\x00\x00\x00\x07abc", "zero byte"),
        (b"[]", "expected an object"),
        (b"17", "expected an object"),
        ({}, "no id"),
        ({"id": None}, "no id"),
        ({"id": "  "}, "no id"),
        ({"id": 1.5}, "expected an id"),
        (b'{"id":18446744073709551616}', "expected an id"),
        ({"id": ["WO1"]}, "expected an id"),
        ({"op": "u", "before": ROW, "after": None}, "after"),
        ({"op": "x", "after": ROW}, "op is"),
        ({"op": ["u"], "after": ROW}, "op is"),
        ({"id": "WO1", "summary": {"a": 1}}, "summary"),
        ({"id": "WO1", "summary": True}, "summary"),
        ({"id": "WO1", "dueDate": "soon"}, "dueDate"),
        ({"id": "WO1", "relatesTo": "BLDG1"}, "relatesTo"),
        ({"id": "WO1", "relatesTo": 5}, "relatesTo"),
        ({"id": "WO1", "hasAssignee": [[]]}, "hasAssignee"),
        ({"id": "WO1", "doc": "[]"}, "doc"),
        (event(data_base64="?"), "data_base64"),
    ],
)
def test_poison_says_what_was_found_and_what_to_do(value: Any, said: str) -> None:
    found = decode(value)
    assert isinstance(found, Undecodable)
    assert said in found.message
    assert found.order_id_guess == "WO1"
    assert found.reason.code == "undecodable"
    assert found.remedy == found.reason.remedy


def test_a_schema_registrys_format_has_its_own_remedy() -> None:
    assert "JSON converter" in decode(b"\x00\x00\x00\x00\x07abc").remedy


def test_wrapping_without_end_is_poison() -> None:
    value: Any = ROW
    for _ in range(50):
        value = {"schema": None, "payload": value}
    assert isinstance(decode(value), Undecodable)


def test_a_delete_without_any_id_is_poison() -> None:
    assert isinstance(decode(None, key=None), Undecodable)
    assert isinstance(decode({"op": "d", "before": None}, key=None), Undecodable)


@pytest.mark.parametrize(
    ("form", "value"),
    [("envelope", ROW), ("wrapped", ENVELOPE), ("cloudevents", ROW), ("flat", [ROW]), ("envelope", [ROW])],
)
def test_a_pinned_form_refuses_the_others(form: str, value: Any) -> None:
    assert isinstance(decode(value, form=form), Undecodable)


def test_pinned_flat_takes_a_field_called_op_for_a_field() -> None:
    assert decode({"id": "WO1", "op": "x", "before": 1}, form="flat") == Change("WO1", False, {"id": "WO1"})


def test_both_spellings_camel_case_counts() -> None:
    for row in (
        {"id": "WO1", "jobStatus": "A", "job_status": "B"},
        {"id": "WO1", "job_status": "B", "jobStatus": "A"},
    ):
        assert decode(row).record["jobStatus"] == "A"


def test_a_row_with_fields_of_ours_beside_doc_is_no_document() -> None:
    assert decode({"id": "WO1", "doc": "any", "job_status": "Open"}).record == ROW


def test_the_documents_own_id_counts() -> None:
    assert decode({"id": "7", "doc": {"id": "WO1"}}).order_id == "WO1"
    assert decode({"id": "WO1", "doc": {"jobStatus": "Open"}}).record == ROW


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (None, None),
        ("", None),
        ("null", None),
        ([], []),
        ("[]", []),
        ({"id": "A"}, [{"id": "A"}]),
        ('{"id":"A"}', [{"id": "A"}]),
        ([{"id": "A"}, None, {}, '{"id":"B"}'], [{"id": "A"}, {"id": "B"}]),
        ([{"id": 5, "exact_type": "Floor"}], [{"id": "5", "exactType": "Floor"}]),
    ],
)
def test_an_edge_in_every_form(edge: Any, expected: Any) -> None:
    assert decode({"id": "WO1", "relatesTo": edge}).record["relatesTo"] == expected


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (None, None),
        ([], None),
        ([{"name": "Ana"}], {"name": "Ana"}),
        ('{"name":"Ana"}', {"name": "Ana"}),
        ({"name": "Ana", "emails": ["a@x"]}, {"name": "Ana", "emails": [{"address": "a@x"}]}),
        ({"emails": "a@x", "phones": 34600}, {"emails": [{"address": "a@x"}], "phones": ["34600"]}),
        ({"emails": [{"address": None}, {}]}, {"emails": []}),
    ],
)
def test_a_person_in_every_form(person: Any, expected: Any) -> None:
    assert decode({"id": "WO1", "isReportedBy": person}).record["isReportedBy"] == expected


def test_an_assignee_is_not_cleared_while_the_group_is_not_told() -> None:
    row = {"id": "WO1", "hasAssignee": None, "hasAssignedGroup": "__debezium_unavailable_value"}
    assert decode(row).record == {"id": "WO1"}


def test_the_record_is_a_work_order() -> None:
    order = decode({"id": "WO1", "dueDate": 20762, "sector": None}).order
    assert order is not None
    assert (order.id, order.due_date.isoformat(), order.sector) == ("WO1", "2026-11-05T00:00:00+00:00", None)
    assert order.model_fields_set == {"id", "due_date", "sector"}


def decode_node(value: Any) -> Any:
    return decode_entity(b"E1", orjson.dumps(value), [], InputFormat.AUTO)


@pytest.mark.parametrize(
    ("value", "parent", "absent"),
    [
        ({"exactType": "Floor", "isPartOf": {"id": "B"}}, "B", {"name", "twin_id"}),
        ({"exact_type": "SUB_BUILDING", "is_part_of": '{"id": "B"}'}, "B", {"name", "twin_id"}),
        ({"exactType": "Pump", "name": "P", "hasLocation": [{"id": "S"}], "identities": None}, "S", set()),
        ({"exactType": "Pump", "name": "P", "isPartOf": {"id": "T"}, "identities": []}, "T", set()),
        ({"exactType": "Floor", "name": "F", "isPartOf": None, "identities": []}, None, set()),
        ({"exactType": "Floor", "name": "F", "identities": []}, None, {"parent"}),
    ],
)
def test_an_entitys_parent(value: Any, parent: str | None, absent: set[str]) -> None:
    node = decode_node({"id": "E1", **value})
    assert (node.parent, node.absent) == (parent, absent)


@pytest.mark.parametrize(
    ("identities", "twin"),
    [
        ([{"value": "urn:willowinc:twin:id:A"}], "A"),
        ([{"value": "urn:willowinc:spacetwin:id:A"}], "A"),
        ([{"value": "urn:other:twin:id:A"}, {}, {"value": "urn:willowinc:twin:id:"}], None),
        ([{"value": "urn:willowinc:twin:id:A"}, {"value": "urn:willowinc:twin:id:B"}], "A"),
        # Nothing is chosen by a scope: an odd one costs no entity.
        ([{"value": "urn:willowinc:twin:id:A", "scope": {}}, {"value": "urn:willowinc:twin:id:B"}], "A"),
        (
            [
                {"value": "urn:willowinc:twin:id:A", "dateCreated": "2026-01-01T00:00:00Z"},
                {"value": "urn:willowinc:twin:id:B", "dateCreated": "2026-01-01T00:00:00.5Z"},
                {"value": "urn:willowinc:twin:id:C"},
                {"value": "urn:willowinc:twin:id:D", "dateCreated": "not a date"},
            ],
            "B",
        ),
    ],
)
def test_of_several_twins_the_newest_else_the_first(identities: Any, twin: str | None) -> None:
    assert decode_node({"id": "E1", "identities": identities}).twin_id == twin


def test_entity_poison_and_control() -> None:
    assert isinstance(decode_node({"id": "E1", "isPartOf": "B", "exactType": "Floor"}), Undecodable)
    assert isinstance(decode_node({"name": "no id"}), Undecodable)
    assert isinstance(decode_node({"ts_ms": 1}), NotAChange)
    assert decode_node({"id": "E1", "__deleted": "true"}) == EntityGone("E1")
