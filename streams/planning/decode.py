"""A Kafka record → a change of an order or an entity, in any form of contract §2. Never raises on input."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.outcome import Reason
from schemas.work_order import WorkOrder
from streams.planning.fields import (
    ENTITY_COLUMNS,
    ENTITY_FIELDS,
    UNAVAILABLE,
    WORK_ORDER_COLUMNS,
    identifier,
    identities_with,
    is_unavailable,
    one,
    snake,
    text,
    work_order_record,
)
from streams.planning.forms import USE_JSON, Header, Opened, document, key_id, open_value
from streams.planning.parsing import Poison
from streams.planning.places import TWIN_URNS, EntityNode, PlaceKind, kind_of, twin_of
from streams.planning.reasons import reason
from streams.settings import InputFormat


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one order. ``record`` holds the fields it carried: camelCase, JSON-ready, instants in UTC;
    empty for a delete, which says nothing about the fields."""

    order_id: str
    deleted: bool
    record: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def order(self) -> WorkOrder | None:
        return None if self.deleted else record_to_work_order(self.record)


@dataclass(frozen=True, slots=True)
class NotAChange:
    """A control record: ``what`` it is. ``order_id`` is what its key names, if anything."""

    what: str
    order_id: str | None


@dataclass(frozen=True, slots=True)
class Undecodable:
    """For the dead letters. ``order_id_guess`` is what the key names: the record itself could not be
    asked."""

    message: str
    remedy: str
    order_id_guess: str | None

    @property
    def reason(self) -> Reason:
        return reason("undecodable", problem=self.message, remedy=self.remedy)


@dataclass(frozen=True, slots=True)
class EntityGone:
    id: str


def decode_work_order(
    key: bytes | None, value: bytes | None, headers: Sequence[Header], form: InputFormat
) -> Change | NotAChange | Undecodable:
    """One record of the work order topic."""
    named = key_id(key)
    try:
        opened = open_value(value, headers, form)
        if opened.control is not None:
            return NotAChange(opened.control, named)
        if opened.deleted:
            order_id = _deleted_id(opened, named)
            return Change(order_id, True, {}, _key_warnings(named, order_id))
        assert opened.row is not None
        record = work_order_record(document(opened.row, WORK_ORDER_COLUMNS))
        order_id = _own_id(record.get("id"))
        return Change(order_id, False, record, _key_warnings(named, order_id))
    except Poison as poison:
        return Undecodable(poison.message, poison.remedy, named)


def decode_entity(
    key: bytes | None, value: bytes | None, headers: Sequence[Header], form: InputFormat
) -> EntityNode | EntityGone | NotAChange | Undecodable:
    """One record of the entity topic. A node that left fields out must go ``over`` the node before it."""
    try:
        opened = open_value(value, headers, form)
        if opened.control is not None:
            return NotAChange(opened.control, key_id(key))
        if opened.deleted:
            return EntityGone(_deleted_id(opened, key_id(key)))
        assert opened.row is not None
        return _node(document(opened.row, ENTITY_COLUMNS))
    except Poison as poison:
        return Undecodable(poison.message, poison.remedy, key_id(key))


def record_to_work_order(record: Mapping[str, Any]) -> WorkOrder:
    """A canonical record as the public model; ``model_fields_set`` says what it carried."""
    return WorkOrder.model_validate(record)


def _own_id(value: str | None) -> str:
    if value is None:
        raise Poison("the record has no id", "Produce the whole entity; its field id is the order's or entity's id.")
    return value


def _deleted_id(opened: Opened, named: str | None) -> str:
    row = opened.row or {}
    own = identifier(None if is_unavailable(row.get("id")) else row.get("id"), "id")
    found = own or opened.subject or named
    if found is None:
        raise Poison("a delete that names no id: its key is missing or is not JSON or plain text", USE_JSON)
    return found


def _key_warnings(named: str | None, order_id: str) -> tuple[str, ...]:
    if named == order_id:
        return ()
    return ("key_missing",) if named is None else ("key_differs",)


_ABSENT = object()
_NONE_ABSENT: frozenset[str] = frozenset()
_ALL = frozenset(ENTITY_FIELDS)
_SNAKE = {name: snake(name) for name in ENTITY_FIELDS}


def _node(row: Mapping[str, Any]) -> EntityNode:
    """A million of these are read before a worker is ready: a whole row is taken as it is, in one pass."""
    if not row.keys() >= _ALL or UNAVAILABLE in row.values() or row["identities"] == [UNAVAILABLE]:
        row = {name: _column(row, name) for name in ENTITY_FIELDS}
    kind, name, marks = row["exactType"], row["name"], row["identities"]
    entity = _own_id(None if row["id"] is _ABSENT else identifier(row["id"], "id"))
    place = PlaceKind.THING if kind is _ABSENT else kind_of(text(kind, "exactType"))
    parent = _parent(row, place)
    absent = _NONE_ABSENT
    if kind is _ABSENT or name is _ABSENT or marks is _ABSENT or parent is _ABSENT:
        left_out = (("kind", kind), ("name", name), ("parent", parent), ("twin_id", marks))
        absent = frozenset(field for field, value in left_out if value is _ABSENT)
    return EntityNode(
        entity,
        place,
        None if name is _ABSENT else text(name, "name"),
        # A million things lie in some thousand places: one text each, not one per thing.
        sys.intern(parent) if isinstance(parent, str) else None,
        None if marks is _ABSENT or marks == "[]" else twin_of(identities_with(TWIN_URNS, marks, "identities")),
        absent,
    )


def _column(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name, _ABSENT)
    if value is _ABSENT:
        value = row.get(_SNAKE[name], _ABSENT)
    return _ABSENT if is_unavailable(value) else value


def _parent(row: Mapping[str, Any], kind: PlaceKind) -> object:
    """The parent's id, None, or ``_ABSENT``. A Thing without a place lies where what it is a part of lies
    (Willow's ontology: asset parts use isPartOf)."""
    names = ("hasLocation", "isPartOf") if kind is PlaceKind.THING else ("isPartOf",)
    for name in names:
        link = None if row[name] is None or row[name] is _ABSENT else one(row[name], name)
        if link is not None and (parent := identifier(link.get("id"), f"{name}.id")) is not None:
            return parent
    return _ABSENT if row[names[0]] is _ABSENT else None
