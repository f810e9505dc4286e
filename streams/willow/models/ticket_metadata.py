"""Willow's own lists for tickets: categories, job types, services needed, statuses, priorities.

The sync decides by them, so their reads are strict where a guess would let a wrong ticket through: an entry that
can't be read fails the list.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from schemas.base import Record, Text
from streams.willow import wire
from streams.willow.models.base import Uuid, Write


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


def name_lookup(statuses: Iterable[Status], priorities: Iterable[Priority]) -> wire.NameLookup:
    """For ``Ticket.compare``: case-folded name → id. A name that two entries share is left out, for it says
    neither."""
    return {"statusId": _unique(statuses), "priorityId": _unique(priorities)}


def _unique(entries: Iterable[Status | Priority]) -> dict[str, str]:
    ids: dict[str, set[str]] = {}
    for entry in entries:
        ids.setdefault(entry.name.casefold(), set()).add(entry.id)
    return {name: next(iter(found)) for name, found in ids.items() if len(found) == 1}


CategoryName = Annotated[str, Field(max_length=80)]
EntryName = Annotated[str, Field(max_length=500)]


class CategoryWrite(Write):
    name: CategoryName
    locations: list[str] | None = None


class CategoryPatch(Write):
    """What is given is changed; ``is_active=False`` retires the entry, for there is no delete."""

    name: CategoryName | None = None
    is_active: bool | None = None
    locations: list[str] | None = None


class JobTypeWrite(Write):
    name: EntryName


class JobTypePatch(Write):
    name: EntryName | None = None
    is_active: bool | None = None


class ServiceNeededWrite(Write):
    name: EntryName
    category_id: Uuid | None = None
    locations: list[str] | None = None


class ServiceNeededPatch(Write):
    name: EntryName | None = None
    category_id: Uuid | None = None
    is_active: bool | None = None
    locations: list[str] | None = None
