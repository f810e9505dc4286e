"""Events: weather forecasts, calendar entries, bills and the like, each about a twin."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field, model_validator

from schemas.base import Text
from streams.willow.models.base import Instant, Read, ReadInstant, Uuid, Write
from streams.willow.models.paging import Int32


class Event(Read):
    """``payload`` and ``locations`` are JSON texts; what is in the payload depends on the type."""

    id: Text
    name: Text | None = None
    description: Text | None = None
    start_time: ReadInstant = None
    end_time: ReadInstant = None
    event_type_id: int | None = None
    event_source_id: Text | None = None
    external_id: Text | None = None
    payload: Text | None = None
    payload_version: Text | None = None
    scalar_value: float | None = None
    twin_id: Text | None = None
    locations: Text | None = None
    created_date: ReadInstant = None
    last_modified_date: ReadInstant = None


class EventWrite(Write):
    """An event to create, or to update where ``id`` or ``external_id`` names one. What seed 001 requires may be
    null where it says so, but must be given."""

    id: Uuid | None = None
    name: str | None
    description: str | None = None
    start_time: Instant
    end_time: Instant | None = None
    event_type_id: Int32
    event_source_id: str | None = None
    external_id: str | None = None
    payload: str | None
    payload_version: str | None
    scalar_value: float | None = None
    twin_id: str | None
    locations: str | None = None
    created_date: Instant
    last_modified_date: Instant


EventIds = Annotated[list[Uuid], Field(min_length=1)]


class EventType(Read):
    """A kind of event, by number or name. The shape is not published: objects, names and numbers are all read;
    ``document`` is the entry as it came."""

    id: int | None = Field(default=None, validation_alias=AliasChoices("id", "eventTypeId"))
    name: Text | None = Field(default=None, validation_alias=AliasChoices("name", "eventType", "type"))
    document: Any = None

    @model_validator(mode="before")
    @classmethod
    def _from_any_form(cls, entry: Any) -> dict[str, Any]:
        if isinstance(entry, dict):
            return {**entry, "document": entry}
        if isinstance(entry, bool) or not isinstance(entry, str | int):
            raise ValueError("expected an event type as an object, a name or a number")
        return {"id" if isinstance(entry, int) else "name": entry, "document": entry}
