"""Willow's wire form where it is not published or could differ (contract §7): a tenant's difference is one edit,
of a ticket's ``FIELDS`` as a rule.

Fields go by their names of contract §4 everywhere else. Nothing here knows HTTP.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import urlencode

Path = tuple[str, ...]


def _plain(value: Any) -> Any:
    return value


def _folded(value: Any) -> Any:
    # UUIDs and enumerations come back in the server's casing, whatever was sent.
    return str(value).casefold()


def read_instant(value: Any) -> datetime | None:
    """ISO 8601 as UTC; without an offset it is UTC. None where it is none."""
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _instant(value: Any) -> Any:
    # .NET gives seven digits, others none or three: no difference that anyone made.
    instant = read_instant(value)
    return value if instant is None else instant.replace(microsecond=instant.microsecond // 1000 * 1000)


class Kind(Enum):
    """How two values of a field are told apart."""

    TEXT = "text"
    ID = "id"
    INSTANT = "instant"
    OBJECT = "object"
    """Compared over our own keys, absent as empty: Willow adds ids and companies to people."""
    OTHER = "other"


_COMPARABLE: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _plain,
    Kind.ID: _folded,
    Kind.INSTANT: _instant,
    Kind.OBJECT: _plain,
    Kind.OTHER: _plain,
}


@dataclass(frozen=True, slots=True)
class WireField:
    """``name`` is contract §4's; ``sent_as`` the property of PUT and the path of PATCH; ``read_from`` where
    a read may show the value (newer and older shape), ``named_by`` where it may show its name instead of its
    id. ``keys`` are those of an object that are ours (contract §4)."""

    name: str
    kind: Kind
    sent_as: str
    read_from: tuple[Path, ...]
    named_by: tuple[Path, ...] = ()
    compared: bool = True
    keys: tuple[str, ...] = ()


def _field(
    name: str,
    kind: Kind = Kind.TEXT,
    *older: Path,
    named_by: tuple[Path, ...] = (),
    compared: bool = True,
    keys: tuple[str, ...] = (),
) -> WireField:
    return WireField(name, kind, name, ((name,), *older), named_by, compared, keys)


FIELDS: dict[str, WireField] = {
    entry.name: entry
    for entry in (
        _field("externalId"),
        _field("summary"),
        _field("description"),
        _field("cause"),
        _field("solution"),
        _field(
            "statusId",
            Kind.ID,
            ("ticketStatus", "id"),
            named_by=(("ticketStatus", "name"), ("status",)),
        ),
        _field("subStatusId", Kind.ID),
        _field(
            "priorityId",
            Kind.ID,
            ("ticketPriority", "id"),
            named_by=(("ticketPriority", "name"), ("priority",)),
        ),
        _field("jobTypeId", Kind.ID),
        _field("categoryId", Kind.ID),
        _field("serviceNeededId", Kind.ID),
        _field("twinId"),
        _field("reporter", Kind.OBJECT, keys=("name", "email", "phone")),
        _field("assigneeType", Kind.ID),
        # Its phone is never sent: Willow may show the one that it knows of the user.
        _field("assignee", Kind.OBJECT, ("userAssignee",), keys=("name", "email")),
        _field("workgroup", Kind.OBJECT, ("workgroupAssignee",), keys=("name",)),
        _field("dueDate", Kind.INSTANT),
        _field("externalCreatedDate", Kind.INSTANT),
        # Goes only with another change (contract §4): compared, it would make every replay an update.
        _field("externalUpdatedDate", Kind.INSTANT, compared=False),
        _field("sourceName"),
        _field(
            "customProperties",
            Kind.OBJECT,
            keys=("referenceUrl", "mappingKey", "createdBy", "relatedEntities"),
        ),
        _field("notes"),
        _field("insightId", Kind.ID),
        _field("latitude", Kind.OTHER),
        _field("longitude", Kind.OTHER),
        _field("extendableSearchablePropertyKeys", Kind.OTHER),
    )
}

PROPERTIES: dict[str, str] = {
    path[0].casefold(): entry.name
    for entry in FIELDS.values()
    for path in (*entry.named_by, *entry.read_from, (entry.sent_as,), (entry.name,))
}
"""Case-folded property, of a write or of a read → field: what Willow's validation errors are keyed by."""


class UnknownField(ValueError):
    """A field that the wire form does not have: a fault of ours, found before anything is sent."""

    def __init__(self, name: str) -> None:
        self.remedy = "Use one of those, or add it to FIELDS in streams/willow/wire.py."
        super().__init__(f"no ticket field {name!r}; known: {', '.join(FIELDS)}")


def field_of(name: str) -> WireField:
    """Raises UnknownField."""
    try:
        return FIELDS[name]
    except KeyError:
        raise UnknownField(name) from None


def put_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a create; a field that is null is left out, for there is nothing to clear."""
    return {field_of(name).sent_as: value for name, value in fields.items() if value is not None}


def patch_body(changed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One ``replace`` for each field: Willow refuses other operations and more of them than it has
    properties."""
    return [{"op": "replace", "path": f"/{field_of(name).sent_as}", "value": value} for name, value in changed.items()]


HIDDEN = object()
"""What a read gives for a field that the answer does not show: unknown, which is not null."""


def read_field(document: Mapping[str, Any], name: str) -> Any:
    """The value of a field in a ticket of either read shape, or ``HIDDEN``. Raises UnknownField."""
    return _first(document, field_of(name).read_from)


def _first(document: Mapping[str, Any], paths: Iterable[Path]) -> Any:
    for path in paths:
        value: Any = document
        for step in path:
            value = value.get(step, HIDDEN) if isinstance(value, Mapping) else HIDDEN
        if value is not HIDDEN:
            return value
    return HIDDEN


def read_name(document: Mapping[str, Any], name: str) -> str | None:
    """The display name that a read shows for a field (``statusId`` → "In Progress"), or None."""
    value = _first(document, field_of(name).named_by)
    return value if isinstance(value, str) else None


NameLookup = Mapping[str, Mapping[str, str]]
"""Field (``statusId``, ``priorityId``) → case-folded name → id, from Willow's own lists."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The desired fields that the ticket does not hold, and those that the answer does not show."""

    differs: Mapping[str, Any] = field(default_factory=dict)
    hidden: Mapping[str, Any] = field(default_factory=dict)

    @property
    def to_send(self) -> dict[str, Any]:
        """What makes the ticket right whatever it holds: a ``replace`` with the same value does no harm."""
        return {**self.differs, **self.hidden}


def compare(desired: Mapping[str, Any], document: Mapping[str, Any], names: NameLookup | None = None) -> Comparison:
    """Desired fields (contract §4 names) against a ticket as read. ``names`` resolves an older shape's
    status and priority words; without it they are hidden. Raises UnknownField."""
    differs: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for name, want in desired.items():
        entry = field_of(name)
        if not entry.compared:
            continue
        have = _first(document, entry.read_from)
        if have is HIDDEN and names:
            word = read_name(document, name)
            have = names.get(name, {}).get(word.casefold(), HIDDEN) if word is not None else HIDDEN
        if have is HIDDEN and not _is_empty(want):
            hidden[name] = want
        elif have is not HIDDEN and not _agree(entry, want, have):
            differs[name] = want
    return Comparison(differs, hidden)


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def _agree(entry: WireField, want: Any, have: Any) -> bool:
    if entry.kind is Kind.OBJECT:
        ours, theirs = ({} if _is_empty(value) else value for value in (want, have))
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            keys = dict.fromkeys((*entry.keys, *ours))
            return all(_same(Kind.TEXT, ours.get(key), theirs.get(key)) for key in keys)
    return _same(entry.kind, want, have)


def _same(kind: Kind, want: Any, have: Any) -> bool:
    if _is_empty(want) or _is_empty(have):
        return _is_empty(want) and _is_empty(have)
    comparable = _COMPARABLE[kind]
    return bool(comparable(want) == comparable(have))


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a list call; ``joined`` (``And``, ``Or``) ties it to the ones before, And if not given.
    Which fields can be filtered is not documented."""

    field: str
    operator: str
    value: Any
    joined: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    descending: bool = False


def list_body(filters: Iterable[Filter], sort: Iterable[Sort], page: int, page_size: int) -> dict[str, Any]:
    """The body of every paged list (seed 001): no filter and no order are null there."""
    return {
        "filterSpecifications": [_condition(item) for item in filters] or None,
        "sortSpecifications": [{"field": item.field, "sort": "desc" if item.descending else "asc"} for item in sort]
        or None,
        "page": page,
        "pageSize": page_size,
    }


def _condition(item: Filter) -> dict[str, Any]:
    condition = {"field": item.field, "operator": item.operator, "value": item.value}
    return condition if item.joined is None else {**condition, "filterConditionOperator": item.joined}


MAX_PAGE_SIZE = 1000
"""Willow's own maximum for tickets (seed 002)."""


def by_external_ids(external_ids: Iterable[str]) -> Filter:
    return Filter("externalId", "in", list(external_ids))


FIRST_TOKEN = ""
"""The ``continuationToken`` of a first page where seed 001 requires one (``/time-series/ids``)."""

FILES_FIELD = "files"
"""The form field of ``/events/files``: not published, this is what such endpoints are generated with."""


def query_text(values: Mapping[str, Any]) -> str:
    """Encoded query parameters: booleans as JSON has them, nothing for null."""
    return urlencode(
        {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in values.items()
            if value is not None
        }
    )
