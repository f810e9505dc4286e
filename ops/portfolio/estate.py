"""The buildings of the portfolio: sites, floors, spaces, zones and things, and their twins in Willow."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

TWIN = "urn:willowinc:twin:id:"
SPACE_TWIN = "urn:willowinc:spacetwin:id:"

RANK = {"Thing": 0, "Space": 1, "Zone": 1, "Floor": 2, "SubBuilding": 3, "Building": 4, "Site": 5}
"""Kind → how far from the most specific; Space and Zone are equals (contract §3)."""

SITE_LATE = "BLDG03"
"""The selected building whose entity arrives only in the morning."""
SELECTED_SITES = ["BLDG01", "TW-HAF-SITE", SITE_LATE]
"""By Mapped id, by the site twin's id, and one that is not known yet when the workers start."""

BUILDINGS = (
    ("BLDG01", "OPZ", "One Plaza", None, 6),
    ("BLDG02", "HFN", "Hafenquartier, Haus Nord", "SITE02", 4),
    ("BLDG04", "HFS", "Hafenquartier, Haus Süd", "SITE02", 3),
    (SITE_LATE, "GVA", "Edificio Gran Vía 12", None, 4),
    ("BLDG09", "MRN", "Marina Depot", None, 2),
)
"""id, code, name, site above it, floors. Marina Depot is not selected."""
UNSELECTED = "BLDG09"

THINGS = (
    ("AirHandlingUnit", "AHU", 3),
    ("VAV", "VAV", 7),
    ("Chiller", "CH", 1),
    ("Pump", "P", 3),
    ("Elevator", "LIFT", 3),
    ("FanCoilUnit", "FCU", 3),
    ("ElectricalPanel", "DB", 2),
    ("FireAlarmPanel", "FAP", 1),
    ("AccessReader", "DOOR", 2),
    ("WaterHeater", "WH", 1),
)
"""exactType, label, how many in each building."""
SPACES = ("Lobby", "Meeting Room", "Open Office", "Kitchenette", "Plant Room")


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    kind: str
    exact_type: str
    name: str
    parent: str | None
    identities: tuple[dict[str, Any], ...] = ()

    @property
    def twin(self) -> str | None:
        """The newest Willow identity's twin id."""
        named = [i for i in self.identities if i["value"].startswith((TWIN, SPACE_TWIN))]
        if not named:
            return None
        newest = max(named, key=lambda identity: identity.get("dateCreated") or "")
        return str(newest["value"]).removeprefix(TWIN).removeprefix(SPACE_TWIN)

    def row(self) -> dict[str, Any]:
        link = {"id": self.parent} if self.parent else None
        thing = self.kind == "Thing"
        return {
            "id": self.id,
            "exactType": self.exact_type,
            "name": self.name,
            "identities": list(self.identities),
            "isPartOf": None if thing else link,
            "hasLocation": link if thing else None,
        }

    def related(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "exactType": self.exact_type}


def identity(value: str, created: datetime | None = None, *, exact_type: str = "ExternalIdentity") -> dict[str, Any]:
    found = {"scope": "ORG", "value": value, "scopeId": "ORGdemo", "exactType": exact_type}
    return found | ({"dateCreated": created.astimezone(UTC).isoformat()} if created else {})


def twinned(thing: Node) -> Node:
    """The thing once Willow's import has given it a twin."""
    return replace(thing, identities=(*thing.identities, identity(f"{TWIN}TW-{thing.name}")))


def _building(spec: tuple[str, str, str, str | None, int], random: Random) -> Iterator[Node]:
    building_id, code, name, site, floors = spec
    number = building_id[-2:]
    building = Node(building_id, "Building", "Building", name, site, (identity(f"{TWIN}TW-{code}"),))
    yield building
    parent = building_id
    if code == "HFN":
        parent = f"SUB{number}01"
        yield Node(parent, "SubBuilding", "SubBuilding", "Turm", building_id, (identity(f"{TWIN}TW-{code}-TURM"),))
    spaces: list[str] = []
    for level in range(floors):
        floor = f"FLR{number}{level:02}"
        above = parent if level >= 2 else building_id
        codes = (
            identity(str(level), exact_type="FloorLevelIdentity"),
            identity(f"{TWIN}TW-{code}-L{level:02}"),
        )
        yield Node(floor, "Floor", "Floor", f"{name} Level {level}", above, codes)
        for index, label in enumerate(SPACES):
            space = f"SPC{number}{level:02}{index:02}"
            urn = SPACE_TWIN if index == 1 else TWIN
            twin = () if index == 3 else (identity(f"{urn}TW-{code}-L{level:02}-S{index}"),)
            spaces.append(space)
            yield Node(space, "Space", "Space", f"{label} {code} {level}.{index:02}", floor, twin)
    zone = (identity(f"{TWIN}TW-{code}-ZN"),)
    yield Node(f"ZON{number}01", "Zone", "HVACZone", f"Zone North {code}", f"FLR{number}01", zone)
    yield from _things(code, number, spaces, random)


def _things(code: str, number: str, spaces: list[str], random: Random) -> Iterator[Node]:
    serial = 0
    for exact_type, label, count in THINGS:
        for index in range(1, count + 1):
            serial += 1
            name = f"{label}-{code}-{index}"
            # A fifth has no twin: the ticket then goes on the room, the floor or the building.
            twin = (identity(f"{TWIN}TW-{name}"),) if random.random() < 0.8 else ()
            yield Node(f"THG{number}{serial:03}", "Thing", exact_type, name, random.choice(spaces), twin)


class Estate:
    """All entities by id, as they are when everything late has arrived."""

    def __init__(self, random: Random) -> None:
        site = Node("SITE02", "Site", "Site", "Hafenquartier", None, (identity(f"{TWIN}TW-HAF-SITE"),))
        self.nodes: dict[str, Node] = {site.id: site}
        for spec in BUILDINGS:
            self.nodes |= {node.id: node for node in _building(spec, random)}

    def put(self, node: Node) -> Node:
        self.nodes[node.id] = node
        return node

    def building_of(self, node: Node) -> str | None:
        """Id of the building that the node is, or lies in."""
        while node.kind != "Building":
            if node.parent is None:
                return None
            node = self.nodes[node.parent]
        return node.id

    def within(self, building: str, kind: str) -> list[Node]:
        return [n for n in self.nodes.values() if n.kind == kind and self.building_of(n) == building]

    def floor_of(self, node: Node) -> Node:
        while node.kind != "Floor":
            node = self.nodes[node.parent or ""]
        return node

    def ticket_twin(self, related: list[str], inline: dict[str, str] | None = None) -> str:
        """The twin for an order on these entities: the most specific one that has one, then the lowest id."""
        found = [(RANK[self.nodes[i].kind], i, self.nodes[i].twin or (inline or {}).get(i)) for i in related]
        return min((rank, entity, twin) for rank, entity, twin in found if twin)[2]
