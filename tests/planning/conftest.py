"""A small building, Willow's lists, and a planner over both."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas import Intent, Source
from streams.planning.decode import Change
from streams.planning.lists import Listed, WillowLists
from streams.planning.places import EntityNode, PlaceKind
from streams.planning.plan import Rules, plan
from streams.settings import Settings

CAPTURES = Path(__file__).parents[1] / "fixtures" / "debezium"
NOW_MS = 1_793_620_800_000  # 2026-11-02T12:00:00Z


class Table:
    """The twin table as a dictionary."""

    def __init__(self, nodes: Iterable[EntityNode] = ()) -> None:
        self.nodes = {node.id: node for node in nodes}

    def add(self, *nodes: EntityNode) -> None:
        self.nodes.update({node.id: node for node in nodes})

    def get(self, entity_id: str, /) -> EntityNode | None:
        return self.nodes.get(entity_id)

    def by_twin(self, twin_id: str, /) -> str | None:
        return next((node.id for node in self.nodes.values() if node.twin_id == twin_id), None)


class World:
    """One selected building with a floor, a space, a zone and things; one building that is not selected."""

    def __init__(self) -> None:
        self.table = Table(
            [
                EntityNode("SITE1", PlaceKind.SITE, "Campus", None, "TW-CAMPUS"),
                EntityNode("BLDG1", PlaceKind.BUILDING, "One Plaza", "SITE1", "TW-SITE-1"),
                EntityNode("FLR1", PlaceKind.FLOOR, "Level 1", "BLDG1", "TW-F1"),
                EntityNode("SPC1", PlaceKind.SPACE, "Room 101", "FLR1", "TW-R101"),
                EntityNode("ZNE1", PlaceKind.ZONE, "Zone A", "FLR1", "TW-ZA"),
                EntityNode("SPC2", PlaceKind.SPACE, "Room 102", "FLR1", None),
                EntityNode("THG9", PlaceKind.THING, "AHU-3", "SPC1", "TW-AHU-3"),
                EntityNode("THG8", PlaceKind.THING, "AHU-2", "SPC1", "TW-AHU-2"),
                EntityNode("THG7", PlaceKind.THING, "VAV-1", "SPC1", None),
                EntityNode("BLDG9", PlaceKind.BUILDING, "Elsewhere", "SITE1", "TW-SITE-9"),
                EntityNode("SPC9", PlaceKind.SPACE, "Room 901", "BLDG9", "TW-R901"),
                EntityNode("THG5", PlaceKind.THING, "Pump", "SPC9", "TW-PUMP"),
            ]
        )
        self.lists = WillowLists(
            statuses=_listed("Open", "In Progress", "Closed"),
            priorities=_listed("High", "Low"),
            job_types=_listed("Corrective", "General"),
            categories=_listed("HVAC", "Plumbing"),
            services=(Listed("sv-noise", "Noise", category_id="HVAC-id"),),
        )
        self.settings: dict[str, Any] = {"selected_sites": ["BLDG1"]}

    def rules(self) -> Rules:
        willow = {"base_url": "http://willow.example", "client_id": "a", "client_secret": "b"}
        return Rules.of(Settings.model_validate({"willow": willow, **self.settings}))

    def plan(self, record: Mapping[str, Any], *, deleted: bool = False, **more: Any) -> Intent:
        order_id = str(record.get("id", "WO1"))
        return self.plan_change(Change(order_id, deleted, {} if deleted else dict(record)), **more)

    def plan_change(self, change: Change, **more: Any) -> Intent:
        given: dict[str, Any] = {
            "source": Source(topic="mapped.work-orders", partition=3, offset=1207),
            "timestamp_ms": NOW_MS,
            "entities": self.table,
            "lists": self.lists,
            "positions": {0: 42},
            "rules": self.rules(),
        }
        return plan(change, **{**given, **more})

    @staticmethod
    def record(**changed: Any) -> dict[str, Any]:
        """An order that becomes a ticket; ``changed`` fields replace or add."""
        return {
            "id": "WO1",
            "exactType": "WorkOrder",
            "summary": "AHU-3 rattles",
            "jobStatus": "Open",
            "relatesTo": [{"id": "THG9", "name": "AHU-3", "exactType": "AirHandlingUnit"}],
            **changed,
        }


def _listed(*names: str) -> tuple[Listed, ...]:
    return tuple(Listed(f"{name}-id", name) for name in names)


@pytest.fixture
def world() -> World:
    return World()


Capture = tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def read_captures(path: Path) -> list[Capture]:
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return [
        (
            _bytes(line["key"]),
            _bytes(line["value"]),
            [(name, value.encode()) for name, value in line["headers"]],
            line["timestamp"],
        )
        for line in lines
    ]


@pytest.fixture(scope="session")
def captures() -> dict[str, list[Capture]]:
    """File name without its suffix → (key, value, headers, timestamp in ms) of each record."""
    return {path.stem: read_captures(path) for path in sorted(CAPTURES.glob("*.jsonl"))}
