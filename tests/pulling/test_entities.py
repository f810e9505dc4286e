"""Twins as records: their place, their identities."""

import json
from typing import Any

import pytest

from streams.planning.decode import decode_entity
from streams.planning.places import EntityNode, PlaceKind
from streams.pulling.entities import Places, place_entity, placed, thing_entity
from streams.settings import InputFormat
from streams.willow import Twin


def twin(twin_id: str, entity: str | None = None, *links: tuple[str, str], **contents: Any) -> Twin:
    relationships = [{"sourceId": twin_id, "name": name, "targetId": target} for name, target in links]
    given = {"name": twin_id, **contents, **({"externalID": entity} if entity else {})}
    model = "dtmi:com:willowinc:Pump;1"
    return Twin.model_validate(
        {"id": twin_id, "modelId": model, "contents": given, "outgoingRelationships": relationships}
    )


PART, IN = "isPartOf", "locatedIn"


@pytest.fixture
def places() -> Places:
    found = Places()
    for place, kind in (
        (twin("LAND", "SITE1"), PlaceKind.SITE),
        (twin("BLDG", "B1", (PART, "LAND"), (PART, "PORTFOLIO")), PlaceKind.BUILDING),
        (twin("WING", None, (PART, "BLDG")), PlaceKind.SUB_BUILDING),
        (twin("L1", "F1", (PART, "WING"), ("servedBy", "X")), PlaceKind.FLOOR),
        (twin("ZONE", "Z1", (PART, "L1")), PlaceKind.ZONE),
        (twin("ROOM", "R1", (PART, "ZONE"), (PART, "BLDG"), (PART, "L1")), PlaceKind.SPACE),
        (twin("NOOK", "N1", (PART, "ROOM")), PlaceKind.SPACE),
        (twin("LOOP1", None, (PART, "LOOP2")), PlaceKind.SPACE),
        (twin("LOOP2", None, (PART, "LOOP1")), PlaceKind.SPACE),
    ):
        found.add(place, kind)
    return found


@pytest.mark.parametrize(
    ("place", "above"),
    [
        ("LAND", None),
        ("BLDG", "SITE1"),  # a portfolio is no place
        ("L1", "B1"),  # the wing has no Mapped id, the building above it has
        ("ROOM", "F1"),  # larger than itself: not the zone, and not the whole building
        ("NOOK", "R1"),  # none is larger: the one there is
        ("LOOP1", None),
    ],
)
def test_a_place_hangs_under_the_nearest_one_that_mapped_knows(places: Places, place: str, above: str | None) -> None:
    assert places.above(place) == above


def test_a_thing_is_in_the_most_specific_place_that_holds_it(places: Places) -> None:
    assert places.holding(["BLDG", "ROOM", "L1"]) == "R1"
    assert places.holding(["WING"]) == "B1"
    assert places.holding(["PORTFOLIO", "LOOP1"]) is None


def test_the_twin_table_reads_what_was_written(places: Places) -> None:
    room = twin("ROOM", "R1", mappedIds=[{"exactType": "SpaceCode", "scope": "BUILDING", "value": "1.01"}])
    record = placed(place_entity(room, PlaceKind.SPACE, "ORG1"), places.above("ROOM"))
    assert json.loads(record.to_json()) == {
        "id": "R1",
        "exactType": "Space",
        "name": "ROOM",
        "identities": [
            {
                "exactType": "ExternalIdentity",
                "scope": "ORG",
                "scopeId": "ORG1",
                "value": "urn:willowinc:twin:id:ROOM",
                "dateCreated": None,
            },
            {"exactType": "SpaceCode", "scope": "BUILDING", "scopeId": None, "value": "1.01", "dateCreated": None},
        ],
        "isPartOf": {"id": "F1"},
        "hasLocation": None,
    }
    node = decode_entity(b"R1", record.to_json(), (), InputFormat.AUTO)
    assert node == EntityNode("R1", PlaceKind.SPACE, "ROOM", "F1", "ROOM")


def test_this_twin_wins_over_an_older_one_that_mapped_still_names() -> None:
    older = {
        "exactType": "ExternalIdentity",
        "value": "urn:willowinc:twin:id:OLD",
        "dateCreated": "2024-01-01T00:00:00Z",
    }
    record = thing_entity(twin("P1", "T1", mappedIds=[older, "odd", {"scope": "ORG"}]), "R1", None, None)
    node = decode_entity(b"T1", record.to_json(), (), InputFormat.AUTO)
    assert node == EntityNode("T1", PlaceKind.THING, "P1", "R1", "P1")
    assert record.exact_type == "Pump"


def test_a_part_lies_where_the_thing_lies_that_it_is_part_of() -> None:
    record = thing_entity(twin("MOTOR", "T2"), None, "T1", None)
    node = decode_entity(b"T2", record.to_json(), (), InputFormat.AUTO)
    assert isinstance(node, EntityNode)
    assert node.parent == "T1"
