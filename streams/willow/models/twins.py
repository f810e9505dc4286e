"""Twins: what they are, how they are asked for, how they are changed."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Text
from streams.willow.models.base import Instant, Query, Read, ReadInstant, Write
from streams.willow.models.paging import Joined
from streams.willow.models.relationships import NonEmpty, Relationship

MAX_TWIN_IDS = 100
"""Ids in one call of ``/twins/ids`` (seed 001)."""

MAX_TWINS = 1000
"""Twins on one page (seed 001)."""

Direction = Literal["Incoming", "Outgoing", "IncomingOrOutgoing"]


class Twin(Read):
    """``contents`` are its properties by Willow's names (facts §8). Relationships are empty where none were asked
    for."""

    id: Text
    model_id: Text | None = None
    last_update_time: ReadInstant = None
    contents: dict[str, Any] = Field(default_factory=dict)
    incoming_relationships: tuple[Relationship, ...] = ()
    outgoing_relationships: tuple[Relationship, ...] = ()

    @property
    def name(self) -> str | None:
        return _text(self.contents.get("name"))

    @property
    def external_id(self) -> str | None:
        """For a tenant fed by Mapped: the Mapped id (contract §7)."""
        return _text(self.contents.get("externalID"))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


class TwinWrite(Write):
    id: NonEmpty
    model_id: NonEmpty
    last_update_time: Instant | None = None
    contents: dict[str, Any] | None = None


class TwinPatch(Write):
    """One JSON Patch operation on a twin; ``path`` points into it, like ``/contents/name``."""

    op: str | None = None
    path: str | None = None
    value: Any = None
    from_: str | None = Field(default=None, alias="from")
    operation_type: str | None = None
    """Seed 001 shows it beside ``op``, with the same meaning ("Add"); ``op`` is what we send."""


class RelationshipsQuery(Query):
    include_relationships: bool | None = None


class ModelFilter(Write):
    """Twins of these models; their subclasses too, unless ``exact_model_match``."""

    model_ids: list[str] | None = None
    exact_model_match: bool | None = None


class RelationshipFilter(Write):
    relationship_direction: Direction | None = None
    relationship_names: list[str] | None = None
    related_model_filter: ModelFilter | None = None


class LocationFilter(Write):
    location_id: str | None = None


class DateFilter(Write):
    last_updated_after: Instant | None = None
    last_updated_before: Instant | None = None


class PropertyFilter(Write):
    """One condition on a property (``externalID``), or ``filters`` joined by ``filter_condition_operator``."""

    field: str | None = None
    operator: str | None = None
    value: Any = None
    filter_condition_operator: Joined | None = None
    filters: "list[PropertyFilter] | None" = None


class CountTwins(Write):
    """Which twins; all filters must hold."""

    model_filter: ModelFilter | None = None
    relationship_filter: RelationshipFilter | None = None
    location_filter: LocationFilter | None = None
    date_filter: DateFilter | None = None
    property_filter: PropertyFilter | None = None


class Include(Write):
    outgoing_relationships: bool | None = None
    incoming_relationships: bool | None = None


class ListTwins(CountTwins):
    include: Include | None = None
    page_size: Annotated[int, Field(ge=1, le=MAX_TWINS)] | None = None
    continuation_token: str | None = None


class GraphStep(Write):
    """From a twin along relationships to others, and on from those. ``alias`` names them in the answer.

    Lists that are empty do not narrow. A step without an alias is the end of the way (seed 001 sends it empty)."""

    alias: str | None = None
    relationship_names: list[str] | None = None
    model_names: list[str] | None = None
    direction: Direction | None = None
    relationship: "GraphStep | None" = None


class TwinGraphRequest(Write):
    id: str
    alias: str
    relationships: list[GraphStep] | None = None


TwinIds = Annotated[list[str], Field(min_length=1, max_length=MAX_TWIN_IDS)]
TwinGraph = dict[str, list[Twin]]
"""Alias → the twins found there."""
