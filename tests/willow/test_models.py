"""Tolerant reads."""

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.willow.models import Category, Priority, ServiceNeeded, Status, read_ticket


@pytest.mark.parametrize("document", [None, [], "T1", {}, {"id": None}, {"id": ""}, {"id": True}, {"id": {}}])
def test_a_ticket_without_an_id_is_none(document: Any) -> None:
    with pytest.raises(ValueError, match="without an id"):
        read_ticket(document)


def test_a_ticket_keeps_out_of_reprs() -> None:
    assert "Ann" not in repr(read_ticket({"id": "T1", "reporter": {"name": "Ann"}}))


def test_instants_are_utc() -> None:
    ticket = read_ticket({"id": 7, "createdDate": "2026-11-02T10:00:00.1234567+01:00", "updatedDate": "x"})

    assert ticket.id == "7"
    assert ticket.created_date == datetime(2026, 11, 2, 9, 0, 0, 123456, UTC)
    assert ticket.updated_date is None


@pytest.mark.parametrize(
    "document",
    [
        {"id": "5", "name": "Open", "tab": "open", "color": "red"},
        {"statusCode": 5, "status": "Open", "tab": "open", "color": "red", "new": 1},
    ],
)
def test_a_status_in_both_shapes(document: dict[str, Any]) -> None:
    assert Status.model_validate(document) == Status(id="5", name="Open", tab="open", color="red")


def test_a_priority_in_both_shapes() -> None:
    newer = Priority.model_validate({"id": "P", "name": "High", "priorityLevel": "high"})
    older = Priority.model_validate({"name": "High"})

    assert (newer.id, newer.name, newer.priority_level) == ("P", "High", "high")
    assert (older.id, older.name, older.priority_level) == ("High", "High", None)


def test_nulls_in_the_lists() -> None:
    category = Category.model_validate({"id": "C", "name": "HVAC", "isActive": None, "locations": None})
    service = ServiceNeeded.model_validate(
        {"id": "S", "name": "Filter", "categoryId": "C", "isActive": False, "locations": ["TW-1"]}
    )

    assert (category.is_active, category.locations) == (True, ())
    assert (service.is_active, service.locations, service.category_id) == (False, ("TW-1",), "C")
