"""Relationships between twins."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from schemas.base import Text
from streams.willow.models.base import Query, Read, Write

NonEmpty = Annotated[str, Field(min_length=1)]


class Relationship(Read):
    """From a source twin to a target twin; ``name`` is its type (isPartOf, locatedIn, servedBy, …)."""

    # Willow writes "Id" in answers (seed 001's samples) and names the field "id".
    id: Text | None = Field(default=None, validation_alias=AliasChoices("id", "Id"))
    source_id: Text
    target_id: Text
    name: Text
    properties: dict[str, Any] = Field(default_factory=dict)


class RelationshipWrite(Write):
    """``id`` is derived by Willow; what is given is overridden."""

    id: str | None = None
    source_id: NonEmpty
    target_id: NonEmpty
    name: NonEmpty
    properties: dict[str, Any] | None = None


class OutgoingQuery(Query):
    relationship_name: str | None = None
