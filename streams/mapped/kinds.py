"""The lists that are read from Mapped, with the fields that are asked for.

Seed 000's query is the base of the orders. Published beside it: the six kinds of ``relatesTo`` with their
identities, ``exactType``, ``dateCreated`` and ``dateUpdated`` (Mapped's page on work orders); the lists of
places and things, ``isPartOf``, ``hasLocation`` and dated identities (Mapped's schema of 2023). All else is
optional: it is left out where Mapped does not know it.
"""

from dataclasses import dataclass
from enum import StrEnum

from streams.mapped.query import Field, Fields, Fragment, scalars


class Feed(StrEnum):
    """The input topic that a list goes to."""

    WORK_ORDERS = "work-orders"
    ENTITIES = "entities"


@dataclass(frozen=True, slots=True)
class Kind:
    """One top-level list. ``exact_type`` is what its rows are where they do not say; ``keeps_type``: what they
    say is kept (a Thing's subclass), else the list's word counts (an HVACZone is a Zone)."""

    name: str
    exact_type: str
    feed: Feed
    fields: Fields
    optional: bool = False
    keeps_type: bool = True


def _identities(*more: str, optional: bool = False) -> Field:
    return Field("identities", (Fragment("ExternalIdentity", scalars("value", *more)),), optional)


def _person(name: str) -> Field:
    emails = Field("emails", scalars("address"))
    return Field(name, (Field("name"), emails, Field("phones", optional=True)))


_RELATED = (*scalars("id", "name", "exactType"), _identities())
_RELATED_KINDS = ("Building", "SubBuilding", "Floor", "Space", "Zone", "Thing")

_ORDER: Fields = (
    *scalars("id", "exactType", "mappingKey", "summary", "description"),
    *scalars("jobStatus", "jobPriority", "jobType", "sector", "referenceUrl"),
    *scalars("problemDescription", "resolutionDescription", "dateCreated", "dateUpdated"),
    Field("jobSubStatus", optional=True),
    Field("dueDate", optional=True),
    _person("isReportedBy"),
    Field("isCreatedBy", scalars("name")),
    Field("hasAssignee", (Field("name"), Field("emails", scalars("address")))),
    Field("hasAssignedGroup", (Field("name"), Field("hasMember", scalars("name")))),
    Field("relatesTo", (Field("__typename"), *(Fragment(kind, _RELATED) for kind in _RELATED_KINDS))),
    _identities("scope", "scopeId"),
)

_LINK = scalars("id")
_NAMED = scalars("id", "name", "exactType")
_PLACE: Fields = (*_NAMED, _identities("dateCreated"), Field("isPartOf", _LINK))
_THING: Fields = (*_PLACE, Field("hasLocation", _LINK))
# A site is the top, and Mapped names no identities for it; a tenant's schema may.
_SITE: Fields = (*_NAMED, _identities("dateCreated", optional=True))


def _place(name: str, exact_type: str, fields: Fields = _PLACE, *, optional: bool = False) -> Kind:
    return Kind(name, exact_type, Feed.ENTITIES, fields, optional, keeps_type=False)


ENTITIES: tuple[Kind, ...] = (
    _place("sites", "Site", _SITE),
    _place("buildings", "Building"),
    _place("subBuildings", "SubBuilding", optional=True),
    _place("floors", "Floor"),
    _place("spaces", "Space"),
    _place("zones", "Zone"),
    Kind("things", "Thing", Feed.ENTITIES, _THING),
)
ORDERS: tuple[Kind, ...] = (
    Kind("workOrders", "WorkOrder", Feed.WORK_ORDERS, _ORDER),
    Kind("serviceRequests", "ServiceRequest", Feed.WORK_ORDERS, _ORDER, optional=True),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in (*ENTITIES, *ORDERS)}
"""By name, in the order in which they are read: an order that comes after its places need not be parked."""
