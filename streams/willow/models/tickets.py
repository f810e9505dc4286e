"""Tickets: a thin view of the answer, for they are on the sync's hot path; typed models for everyone else."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Text
from streams.willow import wire
from streams.willow.models.base import Instant, Read, ReadInstant, Uuid, Write
from streams.willow.models.ticket_metadata import Priority, Status


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as one answer showed it. ``http_status`` is that answer's, None for an item of a list.

    ``document`` is the answer itself; ``field`` reads it by the names of contract §4, in either shape."""

    id: str
    document: Mapping[str, Any] = dataclass_field(repr=False)
    http_status: int | None = None

    def field(self, name: str) -> Any:
        """The value of a field; None where it is null or not shown (see ``shows``). Raises
        wire.UnknownField."""
        value = wire.read_field(self.document, name)
        return None if value is wire.HIDDEN else value

    def shows(self, name: str) -> bool:
        """Whether the answer has the field at all: what it does not show is unknown, which is not null."""
        return wire.read_field(self.document, name) is not wire.HIDDEN

    def compare(self, desired: Mapping[str, Any], names: wire.NameLookup | None = None) -> wire.Comparison:
        return wire.compare(desired, self.document, names)

    @property
    def details(self) -> "TicketDetails":
        """Every field that the seeds give a ticket, typed; read from the document anew each time."""
        return TicketDetails.model_validate(self.document)

    @property
    def external_id(self) -> str | None:
        return _text(self.field("externalId"))

    @property
    def summary(self) -> str | None:
        return _text(self.field("summary"))

    @property
    def twin_id(self) -> str | None:
        return _text(self.field("twinId"))

    @property
    def status_id(self) -> str | None:
        return _text(self.field("statusId"))

    @property
    def status(self) -> str | None:
        """The status' name."""
        return wire.read_name(self.document, "statusId")

    @property
    def priority_id(self) -> str | None:
        return _text(self.field("priorityId"))

    @property
    def priority(self) -> str | None:
        """The priority's name."""
        return wire.read_name(self.document, "priorityId")

    @property
    def created_date(self) -> datetime | None:
        """UTC."""
        return wire.read_instant(self.document.get("createdDate"))

    @property
    def updated_date(self) -> datetime | None:
        """UTC."""
        return wire.read_instant(self.document.get("updatedDate"))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def read_ticket(document: Any, http_status: int | None = None) -> Ticket:
    """Raises ValueError when it has no id: without one there is nothing to hold on to."""
    ticket_id = document.get("id") if isinstance(document, Mapping) else None
    if not ticket_id or not isinstance(ticket_id, str | int) or isinstance(ticket_id, bool):
        raise ValueError("a ticket without an id")
    return Ticket(str(ticket_id), document, http_status)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up by external ids found. Not ``honoured``: Willow ignored or refused the filter, and what
    is missing proves nothing. Even then a zero counts only beside a ticket known to exist (delivery.md
    §2)."""

    tickets: tuple[Ticket, ...]
    honoured: bool


class Person(Read):
    """A reporter, creator or assignee."""

    id: Text | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    company: Text | None = None


class Workgroup(Read):
    name: Text | None = None


class Place(Read):
    """One of the places that hold a twin."""

    id: Text | None = None
    name: Text | None = None
    model_id: Text | None = None


class TicketDetails(Read):
    """The fields of a ticket, of both read shapes: the older one names status and priority, the newer has objects."""

    id: Text
    ticket_status: Status | None = None
    status: Text | None = None
    ticket_priority: Priority | None = None
    priority: Text | None = None
    issue_type: Text | None = None
    twin_id: Text | None = None
    twin_name: Text | None = None
    insight_id: Text | None = None
    summary: Text | None = None
    description: Text | None = None
    cause: Text | None = None
    solution: Text | None = None
    notes: Text | None = None
    reporter: Person | None = None
    assignee_type: Text | None = None
    user_assignee: Person | None = None
    workgroup_assignee: Workgroup | None = None
    creator: Person | None = None
    due_date: ReadInstant = None
    created_date: ReadInstant = None
    updated_date: ReadInstant = None
    started_date: ReadInstant = None
    resolved_date: ReadInstant = None
    closed_date: ReadInstant = None
    source_type: Text | None = None
    source_name: Text | None = None
    external_id: Text | None = None
    external_created_date: ReadInstant = None
    external_updated_date: ReadInstant = None
    latitude: float | None = None
    longitude: float | None = None
    custom_properties: dict[str, Text | None] = Field(default_factory=dict)
    extendable_searchable_property_keys: tuple[Text, ...] = ()
    scheduled_date: ReadInstant = None
    occurrence: int | None = None
    locations: tuple[Place, ...] = ()
    category_id: Text | None = None
    job_type_id: Text | None = None
    service_needed_id: Text | None = None
    sub_status_id: Text | None = None


class ReporterWrite(Write):
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class AssigneeWrite(Write):
    name: str | None = None
    email: str | None = None


class WorkgroupWrite(Write):
    name: str | None = None


class TicketWrite(Write):
    """A ticket to create, checked before it is sent. The names are those of contract §4; ``wire`` makes the request.

    Which fields Willow needs is not published: twin and summary are an assumption (facts §3)."""

    summary: Annotated[str, Field(min_length=1)]
    twin_id: Annotated[str, Field(min_length=1)]
    external_id: str | None = None
    description: str | None = None
    cause: str | None = None
    solution: str | None = None
    notes: str | None = None
    status_id: str | None = None
    """A UUID; where the lists show statuses without ids, what they show."""
    sub_status_id: Uuid | None = None
    priority_id: str | None = None
    job_type_id: Uuid | None = None
    category_id: Uuid | None = None
    service_needed_id: Uuid | None = None
    reporter: ReporterWrite | None = None
    assignee_type: Literal["noAssignee", "user", "workgroup"] | None = None
    assignee: AssigneeWrite | None = None
    workgroup: WorkgroupWrite | None = None
    due_date: Instant | None = None
    external_created_date: Instant | None = None
    external_updated_date: Instant | None = None
    source_name: str | None = None
    custom_properties: dict[str, str] | None = None
    extendable_searchable_property_keys: list[str] | None = None
    insight_id: Uuid | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class Replacement(Write):
    """One operation of a ticket's JSON Patch; Willow takes no other than ``replace`` (seed 002)."""

    op: Literal["replace"]
    path: str
    value: Any
