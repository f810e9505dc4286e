"""Rows as Debezium's PostgreSQL connector sends them: the envelope with ``schemas.enable=false``.

The shape is that of the captures in ``tests/fixtures/debezium/env.*``: JSONB columns are JSON inside a
string, a delete is the envelope (``before`` holds the primary key only) and then a tombstone, keys are
``{"id": …}``.
"""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.portfolio.records import Draft, Feed, Message, Row

UNAVAILABLE = "__debezium_unavailable_value"

WORK_ORDER_COLUMNS = (
    *("id", "exactType", "mappingKey", "summary", "description"),
    *("jobStatus", "jobSubStatus", "jobPriority", "jobType", "sector"),
    *("referenceUrl", "problemDescription", "resolutionDescription"),
    *("dateCreated", "dateUpdated", "dueDate"),
    *("isReportedBy", "isCreatedBy", "hasAssignee", "hasAssignedGroup", "relatesTo", "identities"),
)
ENTITY_COLUMNS = ("id", "exactType", "name", "identities", "isPartOf", "hasLocation")

_TABLES = {Feed.WORK_ORDERS: ("work_order", WORK_ORDER_COLUMNS), Feed.ENTITIES: ("entity", ENTITY_COLUMNS)}


def instant(value: datetime) -> str:
    """A ``timestamptz`` as Debezium writes it: text with microseconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _column(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return instant(value) if isinstance(value, datetime) else value


class Connector:
    """Gives drafts of one table their place in the log: transaction, LSN and times that only grow."""

    def __init__(self, feed: Feed, start: datetime, seed: int) -> None:
        self._feed = feed
        self._table, self._columns = _TABLES[feed]
        self._at = start
        self._lsn = 22_293_424
        self._tx = 733
        self._context = (
            ("__debezium.context.connectorLogicalName", "mapped"),
            ("__debezium.context.taskId", "0"),
            ("__debezium.context.connectorName", "postgresql"),
            ("__debezium.context.runId", str(uuid.UUID(int=seed % (1 << 128), version=4))),
        )

    def messages(self, drafts: Iterable[Draft]) -> tuple[Message, ...]:
        return tuple(self._message(draft) for draft in drafts)

    def _message(self, draft: Draft) -> Message:
        key, value = draft.raw_key, draft.raw_value
        if draft.op != "raw":
            key = compact({"id": draft.row["id"]}).encode()
            value = None if draft.op == "tombstone" else self._envelope(draft.op, draft.row)
        return Message(
            feed=self._feed,
            phase=draft.phase,
            key=key,
            value=value,
            headers=tuple((name, text.encode()) for name, text in (*draft.headers, *self._context)),
            case=draft.case,
            order_id=draft.order_id,
            allowed=draft.allowed,
            ticket_of=draft.ticket_of,
        )

    def _envelope(self, op: str, row: Row) -> bytes:
        self._at += timedelta(milliseconds=37, microseconds=11)
        self._lsn += 1_848
        self._tx += 1
        full = {name: _column(row.get(name)) for name in self._columns}
        before = dict.fromkeys(self._columns) | {"id": row["id"]} if op == "d" else None
        envelope = {
            "before": before,
            "after": None if op == "d" else full,
            "source": self._source(snapshot=op == "r"),
            "transaction": None,
            "op": op,
            **self._times(self._at + timedelta(milliseconds=83)),
        }
        return compact(envelope).encode()

    def _source(self, *, snapshot: bool) -> dict[str, Any]:
        times = self._times(self._at)
        return {
            "version": "3.5.0.Final",
            "connector": "postgresql",
            "name": "mapped",
            "ts_ms": times["ts_ms"],
            "snapshot": "true" if snapshot else "false",
            "db": "postgres",
            "sequence": compact([None if snapshot else str(self._lsn - 56), str(self._lsn)]),
            "ts_us": times["ts_us"],
            "ts_ns": times["ts_ns"],
            "schema": "public",
            "table": self._table,
            "txId": self._tx,
            "lsn": self._lsn,
            "xmin": None,
            "origin": None,
            "origin_lsn": None,
        }

    @staticmethod
    def _times(at: datetime) -> dict[str, int]:
        micros = int(at.timestamp()) * 1_000_000 + at.microsecond
        return {"ts_ms": micros // 1000, "ts_us": micros, "ts_ns": micros * 1000}
