"""What Willow's answers become: tolerant reads of both read shapes (contract §7), unknown fields ignored.

Tickets are a thin view of the answer, for they are on the hot path; the lists are pydantic models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field

from schemas.base import Record, Text
from streams.willow import wire

T = TypeVar("T")


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


def _none_is_true(value: Any) -> Any:
    return True if value is None else value


def _none_is_empty(value: Any) -> Any:
    return () if value is None else value


Active = Annotated[bool, BeforeValidator(_none_is_true)]
Locations = Annotated[tuple[Text, ...], BeforeValidator(_none_is_empty)]


class JobType(Record):
    """Inactive entries are for tickets that have them already, not for new ones."""

    id: Text
    name: Text
    is_active: Active = True


class Category(JobType):
    """``locations`` are twin ids in which it may be used; none: everywhere (an assumption, facts §7)."""

    locations: Locations = ()


class ServiceNeeded(Category):
    category_id: Text | None = None


class Status(Record):
    """Newer shape ``{id, name, tab, color}``; older ``{statusCode, status, tab, color}``: the code is the
    id."""

    id: Text = Field(validation_alias=AliasChoices("id", "statusCode"))
    name: Text = Field(validation_alias=AliasChoices("name", "status"))
    tab: Text | None = None
    color: Text | None = None


class Priority(Record):
    """Newer shape ``{id, name, priorityLevel}``; the older has a name only, which is then the id."""

    id: Text = Field(validation_alias=AliasChoices("id", "name"))
    name: Text
    priority_level: Text | None = None


class Twin(Record):
    """A twin of ``/twins/ids`` (facts §8); ``contents`` are its properties by Willow's names."""

    id: Text
    model_id: Text | None = None
    contents: dict[str, Any] = Field(default_factory=dict)

    @property
    def name(self) -> str | None:
        return _text(self.contents.get("name"))

    @property
    def external_id(self) -> str | None:
        """For a tenant fed by Mapped: the Mapped id (contract §7)."""
        return _text(self.contents.get("externalID"))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; ``before`` and ``after`` count the items around it. Each figure is None where it was not
    given."""

    items: tuple[T, ...]
    before: int | None
    after: int | None
    total: int | None

    @property
    def adds_up(self) -> bool:
        """The figures agree with the items: only then do they say anything about the page base or the end."""
        figures = (self.before, self.after, self.total)
        if any(figure is None or figure < 0 for figure in figures):
            return False
        return (self.before or 0) + len(self.items) + (self.after or 0) == self.total


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up by external ids found. Not ``honoured``: Willow ignored or refused the filter, and what
    is missing proves nothing. Even then a zero counts only beside a ticket known to exist (delivery.md
    §2)."""

    tickets: tuple[Ticket, ...]
    honoured: bool


def name_lookup(statuses: Iterable[Status], priorities: Iterable[Priority]) -> wire.NameLookup:
    """For ``Ticket.compare``: case-folded name → id. A name that two entries share is left out, for it says
    neither."""
    return {"statusId": _unique(statuses), "priorityId": _unique(priorities)}


def _unique(entries: Iterable[Status | Priority]) -> dict[str, str]:
    ids: dict[str, set[str]] = {}
    for entry in entries:
        ids.setdefault(entry.name.casefold(), set()).add(entry.id)
    return {name: next(iter(found)) for name, found in ids.items() if len(found) == 1}
