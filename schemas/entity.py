"""``mapped.entities``: a place or a Thing of the building graph (contract §2)."""

from schemas.base import Record, Text
from schemas.identity import ExternalIdentity


class Link(Record):
    id: Text


class Entity(Record):
    """One place or Thing. ``is_part_of`` is a place's parent, ``has_location`` a Thing's place."""

    id: Text
    exact_type: Text | None = None
    name: Text | None = None
    identities: list[ExternalIdentity] | None = None
    is_part_of: Link | None = None
    has_location: Link | None = None
