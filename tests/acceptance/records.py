"""What the scenarios are about: a small estate, and work orders in the flat form."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from ops.demo.evidence import Coordinates

UNAVAILABLE = "__debezium_unavailable_value"
TICKET_URN = "urn:willowinc:ticket:id:"
TWIN_URN = "urn:willowinc:twin:id:"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record of the work order topic, where the broker put it, and what it says."""

    at: Coordinates
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    order_id: str | None = None
    fields: Mapping[str, Any] | None = None
    """What it says of the order; None for a delete, a control record and poison."""
    poison: bool = False


def entity(entity_id: str, kind: str, parent: str | None = None, twin: str | None = None) -> Document:
    """A place or Thing as Mapped's topic has it; a Thing lies in its ``parent``, a place is part of it."""
    link = None if parent is None else {"id": parent}
    place = kind in {"Site", "Building", "SubBuilding", "Floor", "Space", "Zone"}
    return {
        "id": entity_id,
        "exactType": kind,
        "name": f"{kind} {entity_id}",
        "identities": [] if twin is None else [{"value": TWIN_URN + twin, "scope": "ORG", "scopeId": "org"}],
        "isPartOf": link if place else None,
        "hasLocation": None if place else link,
    }


ESTATE: tuple[Document, ...] = (
    entity("SITE1", "Site", twin="TW-SITE1"),
    entity("BLDG1", "Building", "SITE1", "TW-BLDG1"),
    entity("FLOOR1", "Floor", "BLDG1", "TW-FLOOR1"),
    entity("AHU1", "AirHandlingUnit", "FLOOR1", "TW-AHU1"),
    entity("AHU2", "AirHandlingUnit", "FLOOR1", "TW-AHU2"),
    entity("SITE9", "Site", twin="TW-SITE9"),
    entity("BLDG9", "Building", "SITE9", "TW-BLDG9"),
)
"""SITE1 is selected, SITE9 is not."""


def relates_to(*ids: str) -> list[Document]:
    """Name the entity whose twin the ticket should have first: the judge relies on it."""
    return [{"id": entity_id, "name": f"the {entity_id}"} for entity_id in ids]


class Calendar:
    """Gives each change a ``dateUpdated`` a second after the one before."""

    def __init__(self, start: datetime | None = None) -> None:
        self._moment = start or datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12)

    def next(self) -> str:
        self._moment += timedelta(seconds=1)
        return self._moment.isoformat().replace("+00:00", "Z")


def work_order(order_id: str, date_updated: str, *, without: Collection[str] = (), **fields: Any) -> Document:
    """A whole order; ``without`` leaves fields out, ``fields`` replace or add some."""
    whole = {
        "id": order_id,
        "exactType": "WorkOrder",
        "mappingKey": f"cmms/{order_id}",
        "summary": f"Summary of {order_id}",
        "description": f"Description of {order_id}",
        "jobStatus": "Open",
        "jobPriority": "High",
        "jobType": "General",
        "dateCreated": "2026-01-05T08:00:00Z",
        "dateUpdated": date_updated,
        "relatesTo": relates_to("AHU1"),
        **fields,
    }
    return {name: value for name, value in whole.items() if name not in without}


def names(stem: str, count: int) -> Iterator[str]:
    """``STEM-000``, ``STEM-001``, …"""
    return (f"{stem}-{number:03}" for number in range(count))


def as_json(document: Any) -> bytes:
    return orjson.dumps(document)
