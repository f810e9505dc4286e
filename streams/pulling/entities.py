"""A twin → the record of the entity topic: under its Mapped id, at its place, with its Willow identity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from schemas.entity import Entity, Link
from schemas.identity import SPACE_TWIN_URN, TWIN_URN, ExternalIdentity
from streams.planning.places import MAX_DEPTH, PlaceKind, rank_of
from streams.pulling.models import name_of
from streams.willow import Twin

PART_OF, LOCATED_IN = "isPartOf", "locatedIn"


@dataclass(frozen=True, slots=True)
class Place:
    """What is kept of a place while things are read. ``entity_id`` None: it has no externalID. ``above`` are the twins
    that it is a part of."""

    entity_id: str | None
    kind: PlaceKind
    above: tuple[str, ...]


@dataclass(slots=True)
class Places:
    """Every place of Willow's by twin id."""

    by_twin: dict[str, Place] = field(default_factory=dict)

    def add(self, twin: Twin, kind: PlaceKind) -> None:
        above = targets(twin, PART_OF) or targets(twin, LOCATED_IN)
        self.by_twin[twin.id] = Place(twin.external_id, kind, above)

    def above(self, twin_id: str) -> str | None:
        """The entity that a place is a part of: the nearest above it that has a Mapped id."""
        return self._climb(self._next(twin_id))

    def holding(self, twins: Iterable[str]) -> str | None:
        """Of places that hold a thing the most specific one's entity, or the nearest above it with a Mapped id."""
        known = [(rank_of(self.by_twin[one].kind), one) for one in twins if one in self.by_twin]
        return self._climb(min(known)[1]) if known else None

    def _climb(self, twin_id: str | None) -> str | None:
        for _ in range(MAX_DEPTH):
            if twin_id is None:
                return None
            place = self.by_twin[twin_id]
            if place.entity_id is not None:
                return place.entity_id
            twin_id = self._next(twin_id)
        return None

    def _next(self, twin_id: str) -> str | None:
        """A room is part of its level and of a zone: the smallest that is larger than itself counts, else any."""
        place = self.by_twin[twin_id]
        known = [(rank_of(self.by_twin[one].kind), one) for one in place.above if one in self.by_twin]
        known = [(rank, one) for rank, one in known if one != twin_id]
        larger = [(rank, one) for rank, one in known if rank > rank_of(place.kind)]
        return min(larger or known)[1] if known else None


def targets(twin: Twin, name: str) -> tuple[str, ...]:
    return tuple(item.target_id for item in twin.outgoing_relationships if item.name == name)


def place_entity(twin: Twin, kind: PlaceKind, org_id: str | None) -> Entity:
    """Still without the place above it: see ``placed``."""
    return _entity(twin, kind.value, org_id, is_part_of=None)


def placed(place: Entity, above: str | None) -> Entity:
    return place if above is None else place.model_copy(update={"is_part_of": Link(id=above)})


def thing_entity(twin: Twin, location: str | None, whole: str | None, org_id: str | None) -> Entity:
    """``location``: the entity of the place that holds it; ``whole``: that of the thing that it is a part of."""
    exact_type = name_of(twin.model_id or "") or PlaceKind.THING.value
    return _entity(twin, exact_type, org_id, is_part_of=whole, has_location=location)


def _entity(
    twin: Twin, exact_type: str, org_id: str | None, *, is_part_of: str | None, has_location: str | None = None
) -> Entity:
    assert twin.external_id is not None
    own = ExternalIdentity(exact_type="ExternalIdentity", scope="ORG", scope_id=org_id, value=TWIN_URN + twin.id)
    return Entity(
        id=twin.external_id,
        exact_type=exact_type,
        name=twin.name,
        identities=[own, *_mapped_ids(twin.contents)],
        is_part_of=None if is_part_of is None else Link(id=is_part_of),
        has_location=None if has_location is None else Link(id=has_location),
    )


def _mapped_ids(contents: Mapping[str, Any]) -> Iterable[ExternalIdentity]:
    """The identities that Mapped holds of it, but for those that name a twin: this twin is the one, and an older dated
    one would win over it."""
    found = contents.get("mappedIds")
    for item in found if isinstance(found, list) else ():
        try:
            identity = ExternalIdentity.model_validate(item)
        except ValidationError:
            continue
        if not identity.value.startswith((TWIN_URN, SPACE_TWIN_URN)):
            yield identity
