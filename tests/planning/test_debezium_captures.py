"""Every record of real Debezium that was captured, and every trap that its README names."""

from typing import Any

import pytest

from schemas import IntentKind
from streams.planning.decode import Change, EntityGone, decode_entity, decode_work_order
from streams.planning.places import EntityNode, PlaceKind
from streams.settings import InputFormat

ORDERS = ["env", "flat", "flatiso", "wrapped"]


def orders(captures: Any, name: str, form: InputFormat = InputFormat.AUTO) -> list[Change]:
    found = [decode_work_order(key, value, headers, form) for key, value, headers, _ in captures[name]]
    assert all(isinstance(change, Change) for change in found), found
    return [change for change in found if isinstance(change, Change)]


def of(changes: list[Change], order_id: str) -> list[Change]:
    return [change for change in changes if change.order_id == order_id]


def test_every_capture_is_read_and_its_key_agrees(captures: Any) -> None:
    assert len(captures) == 15
    for name in captures:
        if ".entity" in name:
            found = [decode_entity(k, v, h, InputFormat.AUTO) for k, v, h, _ in captures[name]]
            assert all(isinstance(node, EntityNode) for node in found), (name, found)
        else:
            assert all(change.warnings == () for change in orders(captures, name)), name


def test_every_capture_gives_an_intent_that_survives_json(captures: Any, world: Any) -> None:
    for name in captures:
        if ".entity" in name:
            continue
        for change, (*_, timestamp) in zip(orders(captures, name), captures[name], strict=True):
            intent = world.plan_change(change, timestamp_ms=timestamp)
            assert type(intent).model_validate_json(intent.to_json()) == intent
            assert intent.kind is (IntentKind.DELETE if change.deleted else IntentKind.UPSERT) or intent.reason


@pytest.mark.parametrize(
    ("form", "files"),
    [
        (InputFormat.ENVELOPE, ["env.public.work_order", "ts.public.work_order_ts"]),
        (InputFormat.WRAPPED, ["wrapped.public.work_order", "wrapped.public.work_order_doc"]),
        (InputFormat.FLAT, ["flat.public.work_order", "flatiso.public.work_order_doc", "outboxraw.work-orders"]),
    ],
)
def test_a_pinned_form_reads_what_auto_reads(captures: Any, form: InputFormat, files: list[str]) -> None:
    for name in files:
        assert orders(captures, name, form) == orders(captures, name)


@pytest.mark.parametrize("setup", ORDERS)
def test_the_same_order_whatever_the_set_up(captures: Any, setup: str) -> None:
    first, second = of(orders(captures, f"{setup}.public.work_order"), "WO-1")
    assert first.record == of(orders(captures, "env.public.work_order"), "WO-1")[0].record
    assert second.record["jobStatus"] == "In Progress"
    assert second.record["dateUpdated"] == "2026-11-02T09:14:11.402000Z"


def test_jsonb_columns_are_json_inside_a_string(captures: Any) -> None:
    record = orders(captures, "env.public.work_order")[0].record
    assert [item["id"] for item in record["relatesTo"]] == ["BLDG1", "THG9"]
    assert record["identities"] == []
    assert record["isReportedBy"] == {
        "name": "Ana Ruiz",
        "emails": [{"address": "ana@example.com"}],
        "phones": ["+34 600 000 000"],
    }


def test_the_raw_outbox_is_a_json_string_that_holds_json(captures: Any) -> None:
    raw, expanded = orders(captures, "outboxraw.work-orders"), orders(captures, "outbox.work-orders")
    for one, other in zip(raw, expanded, strict=True):
        # expand.json.payload leaves out empty lists: absent, hence unchanged, not cleared.
        assert {**other.record, "identities": []} == one.record
        assert "identities" not in other.record


@pytest.mark.parametrize("setup", ORDERS)
def test_a_row_with_one_document_column_counts_as_its_document(captures: Any, setup: str) -> None:
    changes = orders(captures, f"{setup}.public.work_order_doc")
    record = of(changes, "WO-1")[0].record
    assert (record["jobStatus"], record["mappingKey"]) == ("Open", "MK-1")
    assert "doc" not in record
    assert of(changes, "WO-2")[-1].deleted


@pytest.mark.parametrize("setup", ORDERS)
def test_a_large_column_that_was_not_touched_is_unchanged(captures: Any, setup: str) -> None:
    changes = orders(captures, f"{setup}.public.work_order")
    created, updated = of(changes, "WO-2")[:2]
    assert len(created.record["description"]) > 10_000
    assert "description" not in updated.record
    # It also comes in the create that follows a primary-key change.
    assert "description" not in of(changes, "WO-3")[0].record


def test_an_unchanged_document_says_nothing_but_the_id() -> None:
    value = b'{"id":"WO-2","doc":"__debezium_unavailable_value","updated_at":"2026-11-22T08:47:30Z"}'
    change = decode_work_order(b"WO-2", value, [], InputFormat.AUTO)
    assert isinstance(change, Change)
    assert change.record == {"id": "WO-2"}


@pytest.mark.parametrize("setup", ORDERS)
@pytest.mark.parametrize("table", ["work_order", "work_order_doc"])
def test_a_delete_says_nothing_about_the_fields(captures: Any, setup: str, table: str) -> None:
    deletes = [change for change in orders(captures, f"{setup}.public.{table}") if change.deleted]
    assert deletes
    assert all(change.record == {} and change.order is None for change in deletes)


@pytest.mark.parametrize("setup", ["env", "flat", "wrapped"])
def test_one_delete_is_two_records(captures: Any, setup: str) -> None:
    deletes = [change for change in orders(captures, f"{setup}.public.work_order") if change.deleted]
    assert sorted(change.order_id for change in deletes) == ["WO-2", "WO-2", "WO-3", "WO-3"]


def test_with_rewrite_the_flag_is_a_string(captures: Any) -> None:
    deletes = [change for change in orders(captures, "flatiso.public.work_order") if change.deleted]
    assert [change.order_id for change in deletes] == ["WO-2", "WO-3"]


@pytest.mark.parametrize("setup", ORDERS)
def test_a_key_change_is_a_delete_and_a_create(captures: Any, setup: str) -> None:
    changes = orders(captures, f"{setup}.public.work_order")
    assert not of(changes, "WO-3")[0].deleted
    assert of(changes, "WO-2")[-1].deleted


def test_times_of_every_kind(captures: Any) -> None:
    record = orders(captures, "ts.public.work_order_ts")[0].record
    assert record["dateUpdated"] == "2026-11-02T09:14:11.402123Z"  # timestamp: microseconds
    assert record["dueDate"] == "2026-11-05T00:00:00Z"  # date: days since 1970
    assert "hours" not in record  # numeric as base64, no field of ours
    assert "T08:00:00Z" in orders(captures, "env.public.work_order")[0].record["dateCreated"]


def test_a_table_without_relations_is_incomplete(captures: Any, world: Any) -> None:
    intent = world.plan_change(orders(captures, "ts.public.work_order_ts")[0])
    assert (intent.kind, intent.missing, intent.twins) == (IntentKind.UPSERT, ["relatesTo"], [])


@pytest.mark.parametrize("setup", ORDERS)
def test_entities(captures: Any, setup: str) -> None:
    found = [decode_entity(k, v, h, InputFormat.AUTO) for k, v, h, _ in captures[f"{setup}.public.entity"]]
    building = EntityNode("BLDG1", PlaceKind.BUILDING, "One Plaza", None, "TW-SITE-1")
    thing = EntityNode("THG9", PlaceKind.THING, "AHU-3", "BLDG1", None)
    with_twin = EntityNode("THG9", PlaceKind.THING, "AHU-3", "BLDG1", "TW-AHU-3")
    assert sorted(found, key=str) == sorted([building, thing, with_twin], key=str)


def test_an_entity_whose_identities_were_not_touched_keeps_its_twin() -> None:
    value = (
        b'{"id":"THG9","exactType":"AirHandlingUnit","name":"AHU-3b","isPartOf":null,'
        b'"identities":"__debezium_unavailable_value","hasLocation":"{\\"id\\": \\"SPC1\\"}"}'
    )
    node = decode_entity(b"THG9", value, [], InputFormat.AUTO)
    assert isinstance(node, EntityNode)
    assert node.absent == {"twin_id"}
    before = EntityNode("THG9", PlaceKind.THING, "AHU-3", "BLDG1", "TW-AHU-3")
    assert node.over(before) == EntityNode("THG9", PlaceKind.THING, "AHU-3b", "SPC1", "TW-AHU-3")
    assert node.over(None) == EntityNode("THG9", PlaceKind.THING, "AHU-3b", "SPC1", None)


def test_an_entity_tombstone() -> None:
    assert decode_entity(b'{"id":"THG9"}', None, [], InputFormat.AUTO) == EntityGone("THG9")
