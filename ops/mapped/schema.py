"""The part of Mapped's schema that is known: seed 000's query, Mapped's page on work orders, and the schema of
2023 (lists, links, filters). What is only guessed at is marked, and can be switched off."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Filterable(Enum):
    """A filter's operators, by what is compared (2023 schema)."""

    ID = frozenset({"eq", "in"})
    TEXT = frozenset({"eq", "ne", "in", "contains"})
    TIMESTAMP = frozenset({"eq", "gt", "gte", "lt", "lte"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field. ``type_name`` None: a scalar."""

    type_name: str | None = None
    many: bool = False
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """An object type, or a union where ``members`` are named."""

    fields: Mapping[str, Attribute] = field(default_factory=dict)
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class List:
    """A top-level list: its rows' type, and what its filter takes."""

    type_name: str
    filters: Mapping[str, Filterable]
    guessed: bool = False


PLACES = ("Site", "Building", "SubBuilding", "Floor", "Space", "Zone")
RELATED = (*PLACES[1:], "Thing")

_SCALAR = Attribute()
_GUESSED = Attribute(guessed=True)
_IDENTITIES = Attribute("Identity", many=True)
_PERSON = Attribute("Person")

_ORDER_SCALARS = (
    *("id", "name", "exactType", "mappingKey", "summary", "description"),
    *("jobStatus", "jobPriority", "jobType", "sector", "referenceUrl"),
    *("problemDescription", "resolutionDescription", "dateCreated", "dateUpdated", "connectedDataSourceId"),
)
_ORDER: dict[str, Attribute] = {
    **dict.fromkeys(_ORDER_SCALARS, _SCALAR),
    "jobSubStatus": _GUESSED,
    "dueDate": _GUESSED,
    "isReportedBy": _PERSON,
    "isCreatedBy": _PERSON,
    "hasAssignee": _PERSON,
    "hasAssignedGroup": Attribute("Group"),
    "relatesTo": Attribute("Related", many=True),
    "identities": _IDENTITIES,
}
_NAMED = dict.fromkeys(["id", "name", "exactType", "description", "dateCreated", "dateUpdated"], _SCALAR)
_PLACE = {**_NAMED, "identities": _IDENTITIES, "isPartOf": Attribute("Place")}
_IDENTITY = dict.fromkeys(["id", "value", "dateCreated", "dateUpdated"], _SCALAR)

TYPES: dict[str, Type] = {
    "WorkOrder": Type(_ORDER),
    "ServiceRequest": Type(_ORDER),
    "Person": Type({"name": _SCALAR, "emails": Attribute("Email", many=True), "phones": _GUESSED}),
    "Email": Type({"address": _SCALAR}),
    "Group": Type({"name": _SCALAR, "hasMember": Attribute("Person", many=True)}),
    "Related": Type(members=RELATED),
    "Identity": Type(members=("ExternalIdentity", "FloorLevelIdentity", "SpaceCode", "NameIdentity")),
    "ExternalIdentity": Type({**_IDENTITY, "scope": _SCALAR, "scopeId": _SCALAR}),
    **{name: Type(_IDENTITY) for name in ("FloorLevelIdentity", "SpaceCode", "NameIdentity")},
    "Place": Type(_NAMED),
    "Site": Type({**_NAMED, "identities": Attribute("Identity", many=True, guessed=True)}),
    **{name: Type(_PLACE) for name in PLACES[1:]},
    "Thing": Type({**_PLACE, "mappingKey": _SCALAR, "hasLocation": Attribute("Place"), "isPartOf": Attribute("Thing")}),
}

_DATES = {"dateCreated": Filterable.TIMESTAMP, "dateUpdated": Filterable.TIMESTAMP}
_PLACE_FILTER = {"id": Filterable.ID, "name": Filterable.TEXT, **_DATES}
_ORDER_FILTER = {"id": Filterable.ID, "connectedDataSourceId": Filterable.ID, **_DATES}

LISTS: dict[str, List] = {
    "sites": List("Site", _PLACE_FILTER),
    "buildings": List("Building", _PLACE_FILTER),
    "subBuildings": List("SubBuilding", _PLACE_FILTER, guessed=True),
    "floors": List("Floor", _PLACE_FILTER),
    "spaces": List("Space", _PLACE_FILTER),
    "zones": List("Zone", _PLACE_FILTER),
    "things": List("Thing", {**_PLACE_FILTER, "id": Filterable.TEXT, "exactType": Filterable.TEXT}),
    "workOrders": List("WorkOrder", _ORDER_FILTER),
    "serviceRequests": List("ServiceRequest", _ORDER_FILTER, guessed=True),
}
