"""Every order of a portfolio at once, for the commands that look at all: on disk, for states and records of a million
orders are gigabytes."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import orjson

from streams.delivery.reconcile import is_older
from streams.delivery.state import OrderState, outdated
from streams.planning.decode import Change
from streams.planning.plan import counting_date
from streams.reading.records import InputRecord

_SCHEMA = """
CREATE TABLE orders (
    id TEXT PRIMARY KEY, state BLOB, record BLOB, deleted INTEGER,
    partition INTEGER, "offset" INTEGER, stamp INTEGER, seen INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE tickets (order_id TEXT, place INTEGER, id TEXT, PRIMARY KEY (order_id, place)) WITHOUT ROWID;
"""
_STATE = "INSERT INTO orders (id, state) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state"
_RECORD = """INSERT INTO orders (id, record, deleted, partition, "offset", stamp) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET record = excluded.record, deleted = excluded.deleted, partition = excluded.partition,
"offset" = excluded."offset", stamp = excluded.stamp"""
_ROW = 'id, state, record, deleted, partition, "offset", stamp'


@dataclass(frozen=True, slots=True)
class Folded:
    """The newest record of an order that is not stale, folded over those before it (contract §2)."""

    change: Change
    at: tuple[int, int]
    """Its partition and offset."""
    stamp: int | None
    """Kafka's timestamp (ms since 1970)."""

    def over(self, older: "Folded") -> "Folded":
        """A delete says nothing about the fields: they are kept for what may come behind it."""
        return replace(self, change=replace(self.change, record={**older.change.record, **self.change.record}))


@dataclass(frozen=True, slots=True)
class Known:
    """What the topics say of an order. ``newest`` None: the input no longer holds a record of it."""

    order_id: str
    state: OrderState
    newest: Folded | None


class Ledger:
    """``with Ledger() as ledger``. Used from one thread; its file has no name and ends with it."""

    def __enter__(self) -> Self:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(f"PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN; {_SCHEMA}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    # -- orders --------------------------------------------------------------------------------------------------

    def put_state(self, order_id: str, raw: bytes | None) -> None:
        """The order's state as its changelog has it, in log order; None: it was deleted."""
        kept = self._db.execute("SELECT state FROM orders WHERE id = ?", (order_id,)).fetchone()
        if raw is not None and kept is not None and outdated(raw, kept[0]):
            return
        self._db.execute(_STATE, (order_id, raw))

    def put_order(self, order_id: str) -> None:
        """An order of which nothing else may be known."""
        self._db.execute("INSERT OR IGNORE INTO orders (id) VALUES (?)", (order_id,))

    def put_record(self, order_id: str, record: InputRecord) -> None:
        """A record of the input, in log order: folded over what is there, unless it is stale."""
        change, logged = record.change, record.logged
        if change is None:
            return
        newer = Folded(change, (logged.partition, logged.offset), logged.timestamp_ms)
        known = self.get(order_id)
        older = known.newest if known is not None else None
        if older is not None:
            if _is_behind(newer, older):
                return
            newer = newer.over(older)
        said = newer.change
        row = (order_id, orjson.dumps([said.record, list(said.warnings)]), said.deleted, *newer.at, newer.stamp)
        self._db.execute(_RECORD, row)

    def get(self, order_id: str) -> Known | None:
        row = self._db.execute(f"SELECT {_ROW} FROM orders WHERE id = ?", (order_id,)).fetchone()
        return None if row is None else _known(row)

    def __iter__(self) -> Iterator[Known]:
        """All orders, by id."""
        # A cursor of its own each: what is written meanwhile does not disturb it.
        for row in self._db.execute(f"SELECT {_ROW} FROM orders ORDER BY id"):
            yield _known(row)

    def __len__(self) -> int:
        count: int = self._db.execute("SELECT COUNT(*) FROM orders").fetchone()[0]
        return count

    # -- tickets -------------------------------------------------------------------------------------------------

    def see(self, order_id: str) -> None:
        """The order's own ticket was looked at."""
        self._db.execute("UPDATE orders SET seen = 1 WHERE id = ?", (order_id,))

    def unseen(self) -> Iterator[Known]:
        """Orders whose own ticket was not looked at, by id."""
        for row in self._db.execute(f"SELECT {_ROW} FROM orders WHERE seen = 0 ORDER BY id"):
            yield _known(row)

    def put_ticket(self, order_id: str, ticket_id: str) -> None:
        """A ticket that names the order, in the order of the list."""
        place = self._db.execute("SELECT COUNT(*) FROM tickets WHERE order_id = ?", (order_id,)).fetchone()[0]
        self._db.execute("INSERT INTO tickets VALUES (?, ?, ?)", (order_id, place, ticket_id))

    def tickets_of(self, order_id: str) -> list[str]:
        rows = self._db.execute("SELECT id FROM tickets WHERE order_id = ? ORDER BY place", (order_id,))
        return [ticket for (ticket,) in rows]

    def ticketed(self) -> Iterator[str]:
        """Orders that any ticket names, by id."""
        for (order_id,) in self._db.execute("SELECT DISTINCT order_id FROM tickets ORDER BY order_id"):
            yield order_id


def _is_behind(newer: Folded, older: Folded) -> bool:
    """Whether the one that was read later is the older one: stale (contract §2), or, where an upstream keys an order
    otherwise than before, of an earlier time in another partition."""
    if newer.at[0] != older.at[0] and (newer.stamp or 0) < (older.stamp or 0):
        return True
    return not newer.change.deleted and is_older(_instant(newer), _instant(older))


def _instant(item: Folded) -> str | None:
    text = item.change.record.get("dateUpdated")
    return text if counting_date(text, item.stamp) is not None else None


def _known(row: tuple[str, bytes | None, bytes | None, int, int, int, int | None]) -> Known:
    order_id, state, record, deleted, partition, offset, stamp = row
    newest = None
    if record is not None:
        fields, warnings = orjson.loads(record)
        newest = Folded(Change(order_id, bool(deleted), fields, tuple(warnings)), (partition, offset), stamp)
    return Known(order_id, OrderState() if state is None else OrderState.from_json(state), newest)
