"""What the emulator serves: the rows of each list, as they are now."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.emulator.problems import EmulatorError
from ops.mapped.schema import LISTS, PLACES, TYPES
from ops.portfolio import Message, Portfolio
from ops.portfolio.debezium import UNAVAILABLE

Row = Mapping[str, Any]

_ORDER_TYPES = ("WorkOrder", "ServiceRequest")


class Graph:
    """``lists``: a list's name (``workOrders``, ``floors``, …) → its rows, in the fields of the schema."""

    def __init__(self, lists: Mapping[str, Iterable[Row]]) -> None:
        self._rows: dict[str, list[Row]] = {LISTS[name].type_name: list(rows) for name, rows in lists.items()}
        self._entities: dict[str, tuple[str, Row]] = {
            row["id"]: (type_name, row)
            for type_name, rows in self._rows.items()
            if type_name not in _ORDER_TYPES
            for row in rows
        }

    def rows(self, type_name: str) -> list[Row]:
        return self._rows.get(type_name, [])

    def resolve(self, declared: str, value: Row) -> tuple[str, Row]:
        """The type that a value really has, and its fields: an entity's own, under those of the edge."""
        if declared == "Identity":
            kind = value.get("exactType")
            return (kind if kind in TYPES[declared].members else "ExternalIdentity"), value
        known = self._entities.get(str(value.get("id")))
        if declared == "Related":
            kind = known[0] if known else kind_of(value.get("exactType"))
            return kind, {**(known[1] if known else {}), **value}
        return declared, {**(known[1] if known else {}), **value}


def kind_of(exact_type: str | None) -> str:
    """A place's kind by its word, subclasses by the word's end (``HVACZone``); all else is a Thing."""
    return next((kind for kind in reversed(PLACES) if (exact_type or "").endswith(kind)), "Thing")


def load_graph(file: Path) -> Graph:
    """A JSON object of lists by name. Raises EmulatorError."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmulatorError(f"{file} can't be read: {error}", "name a JSON file") from error
    expected = f"an object of lists: {', '.join(LISTS)}"
    if not isinstance(found, dict) or not found.keys() <= LISTS.keys():
        raise EmulatorError(f"{file} is not {expected}", "correct the file")
    for name, rows in found.items():
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows
        ):
            raise EmulatorError(f"{file}: {name} is no list of objects with an id", "correct the file")
    return Graph(found)


def portfolio_graph(portfolio: Portfolio) -> Graph:
    """The sample portfolio as Mapped would show it at the end of its day: orders and entities that are not
    deleted, each in its newest version."""
    lists: dict[str, list[Row]] = {name: [] for name in LISTS}
    by_type = {known.type_name: name for name, known in LISTS.items()}
    for row in _newest((*portfolio.entities_now, *portfolio.entities_late)):
        lists[by_type[kind_of(row.get("exactType"))]].append(row)
    for row in _newest(portfolio.changes):
        kind = row.get("exactType")
        # An order of another type (WorkOrderCost) stands in no list of these.
        if kind in _ORDER_TYPES:
            lists[by_type[kind]].append({**row, "connectedDataSourceId": _connector(row.get("mappingKey"))})
    return Graph(lists)


def _newest(messages: Iterable[Message]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for message in messages:
        envelope = _envelope(message.value)
        if envelope is None:
            continue
        if envelope["op"] == "d":
            rows.pop(envelope["before"]["id"], None)
            continue
        row = {name: _plain(value) for name, value in envelope["after"].items() if value != UNAVAILABLE}
        at = datetime.fromtimestamp(envelope["source"]["ts_ms"] / 1000, UTC).isoformat(timespec="milliseconds")
        before = rows.get(row["id"], {"dateCreated": at, "dateUpdated": at})
        rows[row["id"]] = {**before, "dateUpdated": at, **row}
    return list(rows.values())


def _envelope(value: bytes | None) -> dict[str, Any] | None:
    """None for tombstones, poison and control records."""
    try:
        found = json.loads(value or b"null")
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("op") in ("c", "u", "r", "d") else None


def _plain(value: Any) -> Any:
    # A JSONB column is JSON inside a string.
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def _connector(mapping_key: Any) -> str | None:
    """``msrc://CON-…@cmms/…`` names the connector that an order came from."""
    return str(mapping_key).removeprefix("msrc://").partition("@")[0] if mapping_key else None
