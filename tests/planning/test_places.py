"""Chains, sites and the choice of the ticket's twin."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.planning.places import (
    MAX_DEPTH,
    EntityNode,
    PlaceKind,
    Selection,
    Whereabouts,
    candidates,
    chain_of,
    kind_of,
    locate,
    most_specific,
)

BLDG1 = Selection.of(["BLDG1"])


@pytest.mark.parametrize(
    ("exact_type", "kind"),
    [
        ("Building", PlaceKind.BUILDING),
        ("SubBuilding", PlaceKind.SUB_BUILDING),
        ("SUB_BUILDING", PlaceKind.SUB_BUILDING),
        ("zone", PlaceKind.ZONE),
        ("AirHandlingUnit", PlaceKind.THING),
        (None, PlaceKind.THING),
    ],
)
def test_what_is_no_place_is_a_thing(exact_type: str | None, kind: PlaceKind) -> None:
    assert kind_of(exact_type) is kind


def test_a_chain_goes_to_the_top(world: Any) -> None:
    chain = chain_of("THG9", world.table, BLDG1)
    assert chain.whereabouts is Whereabouts.INSIDE
    assert chain.links == ("THG9", "SPC1", "FLR1", "BLDG1", "SITE1")
    assert chain.twins == ("TW-AHU-3", "TW-R101", "TW-F1", "TW-SITE-1", "TW-CAMPUS")
    assert chain.site == "BLDG1"


@pytest.mark.parametrize("name", ["BLDG1", "TW-SITE-1", "SITE1", " TW-CAMPUS ", "*"])
def test_a_site_is_selected_by_either_id(world: Any, name: str) -> None:
    assert chain_of("THG9", world.table, Selection.of([name])).whereabouts is Whereabouts.INSIDE


def test_what_is_unknown_above_a_selected_site_does_not_matter(world: Any) -> None:
    del world.table.nodes["SITE1"]
    assert chain_of("THG9", world.table, BLDG1).whereabouts is Whereabouts.INSIDE
    chain = chain_of("THG5", world.table, BLDG1)
    assert (chain.whereabouts, chain.missing) == (Whereabouts.UNKNOWN, "SITE1")


def test_a_site_that_is_not_in_the_table_is_not_known(world: Any) -> None:
    del world.table.nodes["BLDG1"]
    assert chain_of("THG9", world.table, BLDG1).whereabouts is Whereabouts.UNKNOWN
    assert BLDG1.unknown(world.table) == ["BLDG1"]
    assert Selection.of(["TW-SITE-9", "BLDG9", "TW-NONE"]).unknown(world.table) == ["TW-NONE"]
    assert Selection.of(["*"]).unknown(world.table) == []


@pytest.mark.parametrize("links", [["A"], ["A", "B"], ["A", "B", "C"]])
def test_a_loop_ends_and_counts_as_unknown(world: Any, links: list[str]) -> None:
    for link, parent in zip(links, [*links[1:], links[0]], strict=True):
        world.table.add(EntityNode(link, PlaceKind.SPACE, None, parent))
    chain = chain_of("A", world.table, BLDG1)
    assert (chain.whereabouts, chain.loop, chain.missing) == (Whereabouts.UNKNOWN, True, "A")
    assert chain.links == tuple(links)


def test_a_chain_ends_at_its_depth(world: Any) -> None:
    for depth in range(MAX_DEPTH):
        world.table.add(EntityNode(f"D{depth}", PlaceKind.SPACE, None, f"D{depth + 1}"))
    world.table.add(EntityNode(f"D{MAX_DEPTH}", PlaceKind.SPACE, None, None))
    assert chain_of("D0", world.table, BLDG1).loop
    assert chain_of("D1", world.table, BLDG1).whereabouts is Whereabouts.OUTSIDE


def chosen(world: Any, *related: Any) -> list[tuple[str, str | None]]:
    items = [{"id": item} if isinstance(item, str) else item for item in related]
    located = locate(items, world.table, BLDG1)
    return [(item.id, item.twin_id) for item in most_specific(candidates(located))]


@pytest.mark.parametrize(
    ("related", "expected"),
    [
        (["SITE1", "BLDG1", "FLR1", "SPC1", "THG9"], ["THG9"]),
        (["BLDG1", "FLR1", "SPC1"], ["SPC1"]),
        (["FLR1", "BLDG1"], ["FLR1"]),
        (["ZNE1", "SPC1"], ["SPC1", "ZNE1"]),
        (["THG9", "THG8", "THG9"], ["THG8", "THG9"]),
        (["THG7", "SPC1"], ["SPC1"]),  # the Thing has no twin
        (["THG7", "SPC2"], []),
        (["THG5", "BLDG1"], ["BLDG1"]),  # the Thing is elsewhere
        (["THG5"], []),
    ],
)
def test_the_most_specific_with_a_twin(world: Any, related: list[str], expected: list[str]) -> None:
    assert [entity for entity, _ in chosen(world, *related)] == expected
    assert [entity for entity, _ in chosen(world, *reversed(related))] == expected


MARK = [{"value": "urn:willowinc:twin:id:TW-NEW"}]


def test_an_identity_in_the_record_counts_where_the_table_knows_none(world: Any) -> None:
    assert chosen(world, {"id": "THG7", "identities": MARK}) == [("THG7", "TW-NEW")]
    assert chosen(world, {"id": "THG9", "identities": MARK}) == [("THG9", "TW-AHU-3")]


def test_one_of_unknown_place_counts_once_another_is_inside(world: Any) -> None:
    unknown = {"id": "THG0", "exactType": "Pump", "identities": MARK}
    assert chosen(world, unknown) == []
    assert chosen(world, unknown, "BLDG1") == [("THG0", "TW-NEW")]
    # Seed 000's query asks for no exactType of a Building: without one it does not outrank what is known.
    assert chosen(world, {"id": "X", "identities": MARK}, "FLR1") == [("FLR1", "TW-F1")]


KINDS = st.sampled_from(list(PlaceKind))
NODES = st.dictionaries(
    st.sampled_from("ABCDEFGH"),
    st.tuples(KINDS, st.sampled_from([None, *"ABCDEFGH", "BLDG1", "?"]), st.sampled_from([None, "t1", "t2"])),
    max_size=8,
)


class Table(dict[str, EntityNode]):
    def by_twin(self, twin_id: str, /) -> str | None:
        return next((node.id for node in self.values() if node.twin_id == twin_id), None)


@given(NODES, st.lists(st.sampled_from("ABCDEFGH"), max_size=5))
def test_invariants_of_the_choice(nodes: Any, related: list[str]) -> None:
    table = Table(BLDG1=EntityNode("BLDG1", PlaceKind.BUILDING, None, None, "tb"))
    for entity, (kind, parent, twin) in nodes.items():
        table[entity] = EntityNode(entity, kind, None, parent, twin)
    located = locate([{"id": item} for item in related], table, BLDG1)
    chosen = most_specific(candidates(located))
    assert [item.id for item in chosen] == sorted({item.id for item in chosen})
    assert len({item.rank for item in chosen}) <= 1
    assert all(item.twin_id and item.chain.whereabouts is not Whereabouts.OUTSIDE for item in chosen)
    if chosen:
        assert any(item.chain.whereabouts is Whereabouts.INSIDE for item in located)
    else:
        assert not any(item.twin_id and item.chain.whereabouts is Whereabouts.INSIDE for item in located)
    assert all(len(item.chain.links) <= MAX_DEPTH for item in located)
    backwards = locate([{"id": item} for item in reversed(related)], table, BLDG1)
    assert most_specific(candidates(backwards)) == chosen
