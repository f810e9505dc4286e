"""A row's columns → the canonical source fields: camelCase, JSON-ready, only what the record carried
(contract §2)."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from streams.planning.instants import instant_text
from streams.planning.parsing import Poison, parse_text_layers, shown, wrong_shape

UNAVAILABLE = "__debezium_unavailable_value"
"""Debezium's stand-in for a large column that an update did not touch: *unchanged*, never a value."""

_STAND_INS: tuple[Any, ...] = (UNAVAILABLE, [UNAVAILABLE])

_Parser = Callable[[Any, str], Any]


def is_unavailable(value: Any) -> bool:
    # An array column's stand-in is an array that holds it.
    return value in _STAND_INS


def text(value: Any, name: str) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise wrong_shape(name, value, "text")


def identifier(value: Any, name: str) -> str | None:
    """Text or a whole number; None where there is none. Raises Poison."""
    if type(value) is str:
        return value if value.strip() else None
    if value is None:
        return None
    # JSON numbers beyond 64 bits arrive as floats, and two different ids as the same one.
    if type(value) is int:
        return str(value)
    raise wrong_shape(name, value, "an id: text or a whole number of at most 64 bits")


def instant(value: Any, name: str) -> str | None:
    try:
        return instant_text(value)
    except ValueError as error:
        raise Poison(
            f"field {name}: found {shown(value)!r}, expected an instant: ISO 8601, or a number in days, s,"
            f" ms, µs or ns since 1970 ({error})"
        ) from None


def one(value: Any, name: str) -> dict[str, Any] | None:
    """An edge to one thing: an object, JSON text of it, a list (its first item) or null. Raises Poison."""
    value = parse_text_layers(value, name)
    if type(value) is list:
        value = next((item for item in value if item is not None), None)
        value = parse_text_layers(value, name)
    if value is None or type(value) is dict:
        return value
    raise wrong_shape(name, value, "an object, JSON text of one, a list or null")


def many(value: Any, name: str) -> list[Any] | None:
    """An edge to many things: a list, JSON text of it, a single object or null; null items are left out."""
    value = parse_text_layers(value, name)
    if value is None:
        return None
    if type(value) is dict:
        return [value]
    if type(value) is list:
        return [item for item in value if item is not None]
    raise wrong_shape(name, value, "a list, JSON text of one, an object or null")


def _objects(value: Any, name: str) -> list[dict[str, Any]] | None:
    items = value if type(value) is list else many(value, name)
    if items is None:
        return None
    return [found for item in items if (found := item if type(item) is dict else one(item, name)) is not None]


def person(value: Any, name: str) -> dict[str, Any] | None:
    found = one(value, name)
    if found is None:
        return None
    result: dict[str, Any] = {}
    if "name" in found:
        result["name"] = text(found["name"], f"{name}.name")
    if (emails := _contacts(found.get("emails"), f"{name}.emails")) is not None:
        result["emails"] = [{"address": address} for item in emails if (address := _address(item, name))]
    if (phones := _contacts(found.get("phones"), f"{name}.phones")) is not None:
        result["phones"] = [phone for item in phones if (phone := text(item, f"{name}.phones"))]
    return result


def _contacts(value: Any, name: str) -> list[Any] | None:
    # Some exporters flatten a list of one to the one.
    if isinstance(value, int) or (isinstance(value, str) and not value.lstrip().startswith(("[", "{", '"'))):
        return [value]
    return many(value, name)


def _address(item: Any, name: str) -> str | None:
    # Some exporters flatten emails{address} to a list of plain addresses.
    return text(item.get("address") if type(item) is dict else item, f"{name}.emails.address")


def group(value: Any, name: str) -> dict[str, Any] | None:
    """The members are people's data that no ticket field needs: they are not carried on."""
    found = one(value, name)
    if found is None:
        return None
    return {"name": text(found["name"], f"{name}.name")} if "name" in found else {}


_Spellings = tuple[tuple[str, str], ...]

_IDENTITY_TEXTS: _Spellings = (("exactType", "exact_type"), ("scope", "scope"), ("scopeId", "scope_id"))


def identities(value: Any, name: str) -> list[dict[str, Any]] | None:
    """Identities with a value; GraphQL answers ``{}`` for the kinds that a query has no fragment for."""
    items = _objects(value, name)
    if items is None:
        return None
    return [found for item in items if (found := _identity(item, name, _IDENTITY_TEXTS)) is not None]


def identities_with(prefixes: tuple[str, ...], value: Any, name: str) -> list[dict[str, Any]]:
    """Those whose value begins so, with what one is chosen by: a million entities have one each, and more of others."""
    items = _objects(value, name) or ()
    found = [item for item in items if (text(item.get("value"), name) or "").startswith(prefixes)]
    if len(found) == 1:
        return [{"value": found[0]["value"]}]
    return [identity for item in found if (identity := _identity(item, name, ())) is not None]


def _identity(item: Mapping[str, Any], name: str, texts: _Spellings) -> dict[str, Any] | None:
    value = text(item.get("value"), name)
    if not value:
        return None
    result: dict[str, Any] = {"value": value}
    for camel, other in texts:
        found = item.get(camel) if camel in item else item.get(other)
        if found is not None:
            result[camel] = text(found, name)
    created = item.get("dateCreated") if "dateCreated" in item else item.get("date_created")
    if created is not None:
        # It only orders identities among themselves: not worth losing an order for.
        with suppress(ValueError):
            result["dateCreated"] = instant_text(created)
    return result


def related(value: Any, name: str) -> list[dict[str, Any]] | None:
    """Related entities that have an id; GraphQL answers ``{}`` for the kinds a query has no fragment for."""
    items = _objects(value, name)
    if items is None:
        return None
    return [found for item in items if (found := _related(item, name)) is not None]


def _related(item: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    entity = identifier(item.get("id"), name)
    if entity is None:
        return None
    result: dict[str, Any] = {"id": entity}
    if (label := text(item.get("name"), name)) is not None:
        result["name"] = label
    kind = item.get("exactType") if "exactType" in item else item.get("exact_type")
    if kind is not None:
        result["exactType"] = text(kind, name)
    if found := identities(item.get("identities"), name):
        result["identities"] = found
    return result


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


_TEXTS = (
    "exactType",
    "mappingKey",
    "summary",
    "description",
    "jobStatus",
    "jobSubStatus",
    "jobPriority",
    "jobType",
    "sector",
    "referenceUrl",
    "problemDescription",
    "resolutionDescription",
)

#: The work order of contract §2: field → how its value is read.
WORK_ORDER_FIELDS: dict[str, _Parser] = {
    "id": identifier,
    **dict.fromkeys(_TEXTS, text),
    **dict.fromkeys(("dateCreated", "dateUpdated", "dueDate"), instant),
    **dict.fromkeys(("isReportedBy", "isCreatedBy", "hasAssignee"), person),
    "hasAssignedGroup": group,
    "relatesTo": related,
    "identities": identities,
}

ENTITY_FIELDS = ("id", "exactType", "name", "identities", "isPartOf", "hasLocation")


def spellings(names: Mapping[str, Any] | tuple[str, ...]) -> dict[str, str]:
    """camelCase and snake_case spelling → canonical name."""
    return {spelling: name for name in names for spelling in (snake(name), name)}


_COLUMNS = {spelling: (name, WORK_ORDER_FIELDS[name]) for spelling, name in spellings(WORK_ORDER_FIELDS).items()}
WORK_ORDER_COLUMNS = frozenset(_COLUMNS)
ENTITY_COLUMNS = spellings(ENTITY_FIELDS)


def work_order_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical record of a row. Where both spellings of a field are there, camelCase counts. Raises
    Poison."""
    record: dict[str, Any] = {}
    for column, value in row.items():
        entry = _COLUMNS.get(column)
        if entry is None or value in _STAND_INS:
            continue
        name, read = entry
        if column == name or name not in record:
            record[name] = None if value is None else read(value, name)
    if record.get("hasAssignee", "") is None and _has_unavailable_group(row):
        # The pair is one statement: with its larger half unsent, a null assignee would read as "nobody at
        # all" and take the ticket away from the group that still has it.
        del record["hasAssignee"]
    return record


def _has_unavailable_group(row: Mapping[str, Any]) -> bool:
    return any(is_unavailable(row.get(column)) for column in ("hasAssignedGroup", "has_assigned_group"))
