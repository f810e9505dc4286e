"""Where a work order lies and which twin its ticket names (contract §3, *The ticket's twin*; seed 000,
Syncing)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

from schemas.identity import SPACE_TWIN_URN, TWIN_URN

MAX_DEPTH = 32
"""Links from an entity to the top. Real chains have six; without a bound a bad parent would walk for ever."""


class PlaceKind(Enum):
    SITE = "Site"
    BUILDING = "Building"
    SUB_BUILDING = "SubBuilding"
    FLOOR = "Floor"
    SPACE = "Space"
    ZONE = "Zone"
    THING = "Thing"


#: Lower is more specific.
_RANK = {
    PlaceKind.THING: 0,
    PlaceKind.SPACE: 1,
    PlaceKind.ZONE: 1,
    PlaceKind.FLOOR: 2,
    PlaceKind.SUB_BUILDING: 3,
    PlaceKind.BUILDING: 4,
    PlaceKind.SITE: 5,
}


def rank_of(kind: PlaceKind) -> int:
    """Lower is more specific; equals are equal."""
    return _RANK[kind]


#: What a twin's identity begins with.
TWIN_URNS = (TWIN_URN, SPACE_TWIN_URN)

_EXACT = {kind.value: kind for kind in PlaceKind}
_KINDS = {kind.value.lower(): kind for kind in PlaceKind}


def kind_of(exact_type: str | None) -> PlaceKind:
    """What is no place is a Thing: ``exactType`` may be any subclass of it (contract §2)."""
    if exact_type is None:
        return PlaceKind.THING
    return _EXACT.get(exact_type) or _KINDS.get(exact_type.replace("_", "").lower(), PlaceKind.THING)


@dataclass(slots=True)
class EntityNode:
    """What the twin table keeps of a place or Thing; a million of them live in memory. Never changed once it is there
    (frozen, each would take twice as long to make).

    ``parent`` is ``isPartOf`` of a place and ``hasLocation`` of a Thing. ``absent`` names the fields that the
    record left out: they are unchanged, so that a node must go ``over`` the one before it."""

    id: str
    kind: PlaceKind
    name: str | None = None
    parent: str | None = None
    twin_id: str | None = None
    absent: frozenset[str] = frozenset()

    def over(self, previous: "EntityNode | None") -> "EntityNode":
        """This node, with what its record left out taken from the node before it."""
        if not self.absent:
            return self
        if previous is None:
            return replace(self, absent=frozenset())
        kept = {name: getattr(previous, name) for name in self.absent}
        return replace(self, **kept, absent=frozenset())


class Entities(Protocol):
    """The twin table as the planner reads it."""

    def get(self, entity_id: str, /) -> EntityNode | None: ...

    def by_twin(self, twin_id: str, /) -> str | None:
        """The id of the entity that has this twin."""
        ...


def newest_value(identities: Sequence[Mapping[str, Any]] | None, *prefixes: str) -> list[str]:
    """What follows any of the prefixes in identity values: newest by ``dateCreated`` first, then undated in
    order."""
    if not identities:
        return []
    found: list[tuple[str, str]] = []
    for item in identities:
        value = item["value"]
        for prefix in prefixes:
            if value.startswith(prefix) and value != prefix:
                found += ((item.get("dateCreated") or "", value[len(prefix) :]),)
    if len(found) > 1:
        # Instants are canonical text; a stable sort keeps equals, and the undated, as they were listed.
        found.sort(key=lambda pair: pair[0].rstrip("Z"), reverse=True)
    return [value for _, value in found]


def twin_of(identities: Sequence[Mapping[str, Any]] | None) -> str | None:
    """The newest Willow twin id among identities (contract §2, *The entity*)."""
    if not identities:
        return None
    if len(identities) == 1:
        value: str = identities[0]["value"]
        return next((value[len(prefix) :] or None for prefix in TWIN_URNS if value.startswith(prefix)), None)
    values = newest_value(identities, *TWIN_URNS)
    return values[0] if values else None


class Whereabouts(Enum):
    INSIDE = "inside"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected sites: Mapped ids or site twin ids, nothing tells them apart. ``None`` selects every
    site."""

    sites: frozenset[str] | None

    @classmethod
    def of(cls, names: Iterable[str]) -> "Selection":
        sites = frozenset(name.strip() for name in names)
        return cls(None if "*" in sites else sites)

    def holds(self, node: EntityNode) -> bool:
        return self.sites is None or node.id in self.sites or node.twin_id in self.sites

    def unknown(self, entities: Entities) -> list[str]:
        """Selected sites that the twin table does not hold, sorted."""
        sites = self.sites or ()
        return sorted(name for name in sites if entities.get(name) is None and entities.by_twin(name) is None)


@dataclass(frozen=True, slots=True)
class Chain:
    """An entity and what it lies in, up to the top or to where knowledge ends."""

    whereabouts: Whereabouts
    links: tuple[str, ...]
    """Ids from the entity upwards, the unknown one at the end included."""
    missing: str | None = None
    """The link that is not known; with ``loop`` the one that comes again."""
    loop: bool = False
    twins: tuple[str, ...] = ()
    """Twin ids of the known links, from the entity upwards: where place-bound categories are offered."""
    site: str | None = None
    """The selected site that it lies in, or is."""


def chain_of(entity_id: str, entities: Entities, selection: Selection) -> Chain:
    """Walk up to the top. What lies in a selected site does so whatever is unknown above it."""
    links: list[str] = []
    twins: list[str] = []
    site, missing, loop = None, None, False
    link: str | None = entity_id
    while link is not None:
        if link in links or len(links) >= MAX_DEPTH:
            missing, loop = link, True
            break
        links.append(link)
        node = entities.get(link)
        if node is None:
            missing = link
            break
        if site is None and selection.holds(node):
            site = link
        if node.twin_id is not None:
            twins.append(node.twin_id)
        link = node.parent
    end = Whereabouts.OUTSIDE if missing is None else Whereabouts.UNKNOWN
    whereabouts = end if site is None else Whereabouts.INSIDE
    if site is not None and selection.sites is None:
        # Every place is selected: what counts as its site is the top of the chain.
        site = links[-1]
    return Chain(whereabouts, tuple(links), missing, loop, tuple(twins), site)


@dataclass(frozen=True, slots=True)
class Located:
    """A related entity with its chain, what it is and its twin."""

    id: str
    name: str | None
    kind: PlaceKind | None
    """None: neither the twin table nor the record says."""
    chain: Chain
    twin_id: str | None

    @property
    def rank(self) -> int:
        # Seed 000's query asks for no exactType of a Building, and of a Building only.
        return _RANK[self.kind or PlaceKind.BUILDING]


def locate(related: Sequence[Mapping[str, Any]], entities: Entities, selection: Selection) -> list[Located]:
    """Each related entity once, by id. An identity in the record counts where the twin table knows none."""
    found: dict[str, Located] = {}
    for item in related:
        entity = item["id"]
        node = entities.get(entity)
        twin = node.twin_id if node is not None else None
        kind = node.kind if node is not None else kind_of(item["exactType"]) if item.get("exactType") else None
        name = item.get("name") or (node.name if node is not None else None)
        if twin is None and "identities" in item:
            twin = twin_of(item["identities"])
        if entity not in found or (found[entity].twin_id is None and twin is not None):
            found[entity] = Located(entity, name, kind, chain_of(entity, entities, selection), twin)
    return [found[entity] for entity in sorted(found)]


def candidates(located: Sequence[Located]) -> list[Located]:
    """Those the ticket may name: inside a selected site, or of unknown place once another one is inside."""
    if not any(item.chain.whereabouts is Whereabouts.INSIDE for item in located):
        return []
    return [item for item in located if item.chain.whereabouts is not Whereabouts.OUTSIDE]


def most_specific(items: Sequence[Located]) -> list[Located]:
    """Of those with a twin the most specific; equals by entity id, lowest first."""
    with_twin = [item for item in items if item.twin_id is not None]
    if not with_twin:
        return []
    best = min(item.rank for item in with_twin)
    return sorted((item for item in with_twin if item.rank == best), key=lambda item: item.id)


def watched(located: Sequence[Located]) -> list[str]:
    """Every id whose change may decide otherwise: the related entities and all links of their chains."""
    return sorted({link for item in located for link in item.chain.links})
