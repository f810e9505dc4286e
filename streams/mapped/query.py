"""GraphQL text: selections as data, filters as literals.

The filter stands in the query and not in variables: a variable must name its type, and Mapped has published
no type names for the filters of work orders (seed 000 writes literals too).
"""

import json
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Field:
    """``optional``: not published by Mapped. It is asked for, and left out where Mapped refuses it."""

    name: str
    fields: "Fields" = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """``... on Type { fields }``: the way into a union (identities, relatesTo)."""

    on: str
    fields: tuple[Field, ...]


Fields = tuple[Field | Fragment, ...]


def scalars(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name) for name in names)


def optional_names(fields: Fields) -> Iterator[str]:
    """Names of all fields that may be left out, at any depth."""
    for field in fields:
        if isinstance(field, Field) and field.optional:
            yield field.name
        yield from optional_names(field.fields)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a list is filtered by; all that is set must hold. ``since`` is included, ``until`` is not."""

    connector: str | None = None
    ids: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def literal(self) -> str:
        """``{id: {in: ["A"]}, dateUpdated: {gte: "…"}}``, or nothing."""
        dates = [f"{name}: {_text(_instant(at))}" for name, at in (("gte", self.since), ("lt", self.until)) if at]
        parts = []
        if self.connector is not None:
            parts.append(f"connectedDataSourceId: {{eq: {_text(self.connector)}}}")
        if self.ids is not None:
            parts.append(f"id: {{in: [{', '.join(map(_text, self.ids))}]}}")
        if dates:
            parts.append(f"dateUpdated: {{{', '.join(dates)}}}")
        return f"{{{', '.join(parts)}}}" if parts else ""


def render(name: str, fields: Fields, criteria: Criteria, without: Set[str] = frozenset()) -> str:
    """The query for one top-level list. ``without``: optional fields that Mapped does not know."""
    literal = criteria.literal()
    arguments = f"(filter: {literal})" if literal else ""
    return f"{{ {name}{arguments} {{ {_fields(fields, without)} }} }}"


def _fields(fields: Iterable[Field | Fragment], without: Set[str]) -> str:
    return " ".join(_field(field, without) for field in fields if not _left_out(field, without))


def _left_out(field: Field | Fragment, without: Set[str]) -> bool:
    return isinstance(field, Field) and field.optional and field.name in without


def _field(field: Field | Fragment, without: Set[str]) -> str:
    head = field.name if isinstance(field, Field) else f"... on {field.on}"
    return f"{head} {{ {_fields(field.fields, without)} }}" if field.fields else head


def _text(value: str) -> str:
    # JSON's escapes are a part of GraphQL's. In ASCII, so that half a surrogate pair does no harm here.
    return json.dumps(value)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
