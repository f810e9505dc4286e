"""A row of Mapped's → the flat entity of contract §2, the form that the input topics take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schemas.base import Record
from schemas.entity import Entity
from schemas.work_order import WorkOrder
from streams.mapped.kinds import Feed, Kind


class BadRow(ValueError):
    """The row can't become a record; the message names the row and what is wrong."""


@dataclass(frozen=True, slots=True)
class KeyedValue:
    """The id as plain text, and UTF-8 JSON."""

    key: str
    value: bytes


_RECORDS: dict[Feed, type[Record]] = {Feed.WORK_ORDERS: WorkOrder, Feed.ENTITIES: Entity}


def _first(value: Any) -> Any:
    """An edge that Mapped gives as a list leads, in the contract, to one."""
    return next((item for item in value if item), None) if isinstance(value, list) else value


def _having(name: str) -> Callable[[Any], Any]:
    def only(value: Any) -> Any:
        # GraphQL answers {} for the kinds of a union that the query has no fragment for.
        return [item for item in value if item and item.get(name)] if isinstance(value, list) else value

    return only


def _related(value: Any) -> Any:
    items = _having("id")(value)
    if not isinstance(items, list):
        return items
    return [
        {**item, "exactType": _kind(item), "identities": _having("value")(item.get("identities"))} for item in items
    ]


def _kind(item: Mapping[str, Any]) -> Any:
    # Read by its subclass, an HVACZone would be taken for a Thing, and go before the room the order is about.
    typename = item.get("__typename")
    return item.get("exactType") if typename in (None, "Thing") else typename


_EDGES: Mapping[str, Callable[[Any], Any]] = {
    "isReportedBy": _first,
    "isCreatedBy": _first,
    "hasAssignee": _first,
    "hasAssignedGroup": _first,
    "isPartOf": _first,
    "hasLocation": _first,
    "relatesTo": _related,
    "identities": _having("value"),
}


def to_record(kind: Kind, row: Mapping[str, Any]) -> KeyedValue:
    """Only what the row holds is in the record: a field that Mapped does not know stays *unchanged*.

    Raises BadRow."""
    found = {name: _EDGES[name](value) if name in _EDGES else value for name, value in row.items()}
    if not kind.keeps_type or not found.get("exactType"):
        found["exactType"] = kind.exact_type
    try:
        record = _RECORDS[kind.feed].model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRow(f"{kind.name} {row.get('id')}: {where}: {first['msg']}") from None
    value = record.model_dump_json(by_alias=True, exclude_unset=True).encode()
    return KeyedValue(str(found["id"]), value)
