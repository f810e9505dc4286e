"""The data of the benchmarks: a building graph of any size, and orders on its things, as Debezium sends them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple

import orjson

from ops.portfolio.debezium import Connector
from ops.portfolio.estate import TWIN, identity
from ops.portfolio.mappings import enumerations
from ops.portfolio.records import Draft, Feed, Phase, Row

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
ESTATE = 2_000
"""Entities that the orders' benchmarks know."""
_CHUNK = 10_000


class Sample(NamedTuple):
    """A record to produce."""

    id: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Form(StrEnum):
    """The value's form (contract §2): Debezium's envelope, or the flat entity of its unwrap."""

    FLAT = "flat"
    ENVELOPE = "envelope"


def settings() -> dict[str, Any]:
    """The worker's settings that belong to this data; Willow's lists are ``ops.portfolio.mappings.lists()``."""
    return {"selected_sites": [_id(0)], "enumerations": enumerations()}


def orders(count: int, *, prefix: str = "WO", change: int = 0) -> list[Sample]:
    """New orders, each on a thing and its building; ids start with ``prefix``. ``change``: the same orders, changed for
    the n-th time."""
    rows = (_order(f"{prefix}-{number}", number, change) for number in range(count))
    return list(_as_debezium(Feed.WORK_ORDERS, rows))


def summary_of(order: Sample) -> str:
    """What the order's ticket has to say in the end, if nothing newer follows."""
    return str(orjson.loads(order.value)["after"]["summary"])


def entities(count: int, form: Form = Form.FLAT) -> Iterator[Sample]:
    """A site with its buildings, floors, spaces and things, each with a twin; parents come first."""
    rows = (_entity(number) for number in range(count))
    if form is Form.ENVELOPE:
        return _as_debezium(Feed.ENTITIES, rows)
    return (Sample(row["id"], row["id"].encode(), orjson.dumps(row)) for row in rows)


def _as_debezium(feed: Feed, rows: Iterator[Row]) -> Iterator[Sample]:
    connector = Connector(feed, START, seed=1)
    # In chunks: a million messages at once would be gigabytes.
    while chunk := list(islice(rows, _CHUNK)):
        messages = connector.messages(Draft(Phase.SNAPSHOT, "c", "benchmark", row) for row in chunk)
        for row, message in zip(chunk, messages, strict=True):
            yield Sample(row["id"], message.key or b"", message.value or b"", message.headers)


def _id(number: int) -> str:
    return f"ENT{number:07d}"


def _entity(number: int) -> Row:
    """In each thousand one building, in each hundred one floor, in each ten one space; the rest are things."""
    place, thing = "isPartOf", "hasLocation"
    exact_type, link, parent = (
        ("Site", place, None)
        if number == 0
        else ("Building", place, 0)
        if number % 1000 == 1
        else ("Floor", place, number // 1000 * 1000 + 1)
        if number % 100 == 2
        else ("Space", place, number // 100 * 100 + 2)
        if number % 10 == 3
        else ("VAV", thing, number // 10 * 10 + 3)
    )
    return {
        "id": _id(number),
        "exactType": exact_type,
        "name": f"{exact_type} {number}",
        "identities": [identity(f"urn:example:asset:{number}"), identity(f"{TWIN}TW-{number:07d}", START)],
        place: None,
        thing: None,
        link: None if parent is None else {"id": _id(parent)},
    }


def _order(order_id: str, number: int, change: int) -> Row:
    # Things have numbers that end in 4 to 9.
    thing = (number // 6 * 10 + 4 + number % 6) % ESTATE
    building = thing // 1000 * 1000 + 1
    person = {"emails": [{"address": "ana.ruiz@example.com"}], "phones": ["+34 600 000 000"]}
    return {
        "id": order_id,
        "exactType": "WorkOrder",
        "mappingKey": f"mapped://cmms/{order_id}",
        "summary": f"VAV {thing} rattles, number {number}" + (f", change {change}" if change else ""),
        "description": "Noise since Monday morning, louder when the damper closes. " * 4,
        "jobStatus": "Open",
        "jobPriority": "High",
        "jobType": "Corrective",
        "sector": "HVAC",
        "referenceUrl": f"https://cmms.example/wo/{order_id}",
        "problemDescription": "Noise",
        "dateCreated": START,
        "dateUpdated": START + timedelta(seconds=change),
        "isReportedBy": {"name": "Ana Ruiz", **person},
        "hasAssignee": {"name": "Ben Oak", "emails": [{"address": "ben.oak@example.com"}]},
        "relatesTo": [
            {"id": _id(building), "name": f"Building {building}", "exactType": "Building"},
            {"id": _id(thing), "name": f"VAV {thing}", "exactType": "VAV"},
        ],
        "identities": [],
    }
