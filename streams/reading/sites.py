"""Which sites and buildings there are to select, what lies in them, and what is wrong with the selection."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from streams.planning.admission import refused
from streams.planning.lists import fold_name
from streams.planning.places import EntityNode, PlaceKind, Selection, chain_of
from streams.planning.rules import Rules
from streams.reading.log import Log, Watch, unwatched
from streams.reading.newest import newest_records
from streams.reading.records import InputRecord, opened
from streams.reading.states import read_twins
from streams.settings import Settings
from streams.tables.twins import TwinTable

_KINDS = frozenset({PlaceKind.SITE, PlaceKind.BUILDING})

#: Entities between two signs of progress: showing each would take longer than placing it.
_STEP = 1000

#: How like two spellings are, from 0 to 1, to be taken for one.
_ALIKE = 0.8

#: Every place: chains are asked for as such, not for what is selected in them.
_NONE = Selection(frozenset())


@dataclass(frozen=True, slots=True)
class Candidate:
    """A site, a building, or another entity that is selected. ``entities`` lie in it, ``with_twin`` of them have a
    Willow twin; ``orders`` relate to it or to one of them. ``selected_by``: the selected id that takes it in, its own
    or that of a place above it."""

    id: str
    kind: str
    name: str | None
    twin_id: str | None
    within: str | None
    entities: int
    with_twin: int
    orders: int
    selected_by: str | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A selected id that the entity topic does not hold. ``meant``: a candidate that is called nearly so."""

    selected: str
    meant: str | None


@dataclass(frozen=True, slots=True)
class SitesFound:
    """``orders`` of the newest ``records`` may become tickets; ``placeless`` of them lie in no candidate."""

    candidates: tuple[Candidate, ...]
    unknown: tuple[Unknown, ...]
    every: bool
    entities: int
    records: int
    orders: int
    placeless: int


def sites_of(settings: Settings, last: int | None, *, watch: Watch = unwatched) -> SitesFound:
    """``last``: the newest records of the work order topic that are read, None for all. Raises BrokerUnreachable,
    ReadFailed."""
    with Log(settings, watch=watch) as log:
        twins = read_twins(log, settings)
        records = newest_records(log, settings.topics.work_orders, last)
        return survey(twins, (opened(record, settings) for record in records), Rules.of(settings), watch)


def survey(twins: TwinTable, records: Iterable[InputRecord], rules: Rules, watch: Watch = unwatched) -> SitesFound:
    selection = rules.selection
    places = {node.id: node for node in _candidates(twins, selection)}
    held, with_twin = Counter[str](), Counter[str]()
    with watch(len(twins), "placing entities") as advance:
        for number, node in enumerate(twins.nodes(), start=1):
            inside = _above(node.id, twins, places)
            held.update(inside)
            if node.twin_id is not None:
                with_twin.update(inside)
            if number % _STEP == 0:
                advance(_STEP)
        advance(len(twins) % _STEP)
    read, by_order = _places_of_orders(twins, records, rules, places)
    orders = Counter(place for inside in by_order.values() for place in inside)
    return SitesFound(
        candidates=tuple(
            _candidate(node, twins, places, selection, held[node.id] - 1, with_twin[node.id], orders[node.id])
            for node in sorted(places.values(), key=lambda item: (_top(item, twins, places), item.id))
        ),
        unknown=tuple(Unknown(name, _called(name, places.values())) for name in selection.unknown(twins)),
        every=selection.sites is None,
        entities=len(twins),
        records=read,
        orders=len(by_order),
        placeless=sum(not inside for inside in by_order.values()),
    )


def _candidates(twins: TwinTable, selection: Selection) -> Iterator[EntityNode]:
    for node in twins.nodes():
        chosen = selection.sites is not None and selection.holds(node)
        if node.kind in _KINDS or chosen:
            yield node


def _above(entity_id: str, twins: TwinTable, places: Mapping[str, EntityNode]) -> tuple[str, ...]:
    """The candidates that an entity lies in, itself included, nearest first."""
    return tuple(link for link in chain_of(entity_id, twins, _NONE).links if link in places)


def _places_of_orders(
    twins: TwinTable, records: Iterable[InputRecord], rules: Rules, places: Mapping[str, EntityNode]
) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Records read, and order → candidates that its newest record names, directly or by what lies in them."""
    read, found = 0, dict[str, tuple[str, ...]]()
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for record in records:
        read += 1
        change = record.change
        if change is None:
            continue
        why = None if change.deleted else refused(change.record, rules)
        if change.deleted or (why is not None and why.code != "missing_job_status"):
            found.pop(change.order_id, None)
        elif "relatesTo" in change.record:
            inside = tuple(sorted(_related(change.record["relatesTo"] or (), twins, places)))
            # One tuple for all orders of a place: a portfolio has a million orders and some thousand places.
            found[change.order_id] = known.setdefault(inside, inside)
    return read, found


def _related(related: Sequence[Mapping[str, Any]], twins: TwinTable, places: Mapping[str, EntityNode]) -> set[str]:
    return {place for item in related for place in _above(item["id"], twins, places)}


def _candidate(
    node: EntityNode,
    twins: TwinTable,
    places: Mapping[str, EntityNode],
    selection: Selection,
    entities: int,
    with_twin: int,
    orders: int,
) -> Candidate:
    above = [link for link in _above(node.id, twins, places) if link != node.id]
    return Candidate(
        id=node.id,
        kind=node.kind.value,
        name=node.name,
        twin_id=node.twin_id,
        within=above[0] if above else None,
        entities=entities,
        with_twin=with_twin - (node.twin_id is not None),
        orders=orders,
        selected_by=_selected_by((node.id, *above), places, selection),
    )


def _selected_by(ids: Iterable[str], places: Mapping[str, EntityNode], selection: Selection) -> str | None:
    if selection.sites is None:
        return "*"
    for entity in ids:
        for name in (entity, places[entity].twin_id):
            if name in selection.sites:
                return name
    return None


def _top(node: EntityNode, twins: TwinTable, places: Mapping[str, EntityNode]) -> tuple[str, ...]:
    """A place comes after the one that holds it."""
    return tuple(reversed(_above(node.id, twins, places)))


def _called(name: str, places: Iterable[EntityNode]) -> str | None:
    """The candidate that is most likely meant by an unknown name: called so, or spelled nearly so."""
    spellings = {fold_name(text): node.id for node in places for text in (node.name, node.twin_id, node.id) if text}
    near = get_close_matches(fold_name(name), spellings, 1, _ALIKE)
    return spellings[near[0]] if near else None
