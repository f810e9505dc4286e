"""The writable fields of a ticket (contract §4 and §7), each with its check, as one table.

A check returns the value as Willow keeps it, or raises ``Bad`` with what is wrong. Hand-written rather than a
pydantic model: the emulator is the other side of throughput benchmarks on the same two cores.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.emulator.clock import utc_text
from ops.emulator.lists import Kind
from ops.emulator.problems import invalid, kind_of, shown
from ops.emulator.twins import Twins


class Bad(ValueError):
    """What is wrong with a value, as one sentence."""


@dataclass(frozen=True, slots=True)
class Known:
    """What ids may name: ``handles[kind]`` maps each accepted spelling (lower case) to the entry's id."""

    twins: Twins
    handles: dict[Kind, dict[str, str]]


Check = Callable[[Any, Known], Any]


def _text(value: Any, known: Known) -> str:
    if not isinstance(value, str):
        raise Bad(f"Expected text, got {kind_of(value)}.")
    return value


def _needed_text(value: Any, known: Known) -> str:
    if not _text(value, known).strip():
        raise Bad("Expected text that is not blank.")
    return str(value)


def _twin(value: Any, known: Known) -> str:
    twin_id = _needed_text(value, known)
    if twin_id not in known.twins:
        raise Bad(f"There is no twin with the id {shown(twin_id)}.")
    return twin_id


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _uuid(value: Any, known: Known) -> str:
    found = _text(value, known).lower()
    if not _UUID.fullmatch(found):
        raise Bad(f"{shown(value)} is not a UUID.")
    return found


def _listed(kind: Kind) -> Check:
    def check(value: Any, known: Known) -> str:
        found = known.handles[kind].get(_text(value, known).lower())
        if found is not None:
            return found
        raise Bad(f"{_uuid(value, known)} is in none of Willow's {kind}.")

    return check


def _one_of(*allowed: str) -> Check:
    def check(value: Any, known: Known) -> str:
        if value not in allowed:
            raise Bad(f"Expected one of {', '.join(allowed)}; got {shown(value)}.")
        return str(value)

    return check


def _instant(value: Any, known: Known) -> str:
    text = _text(value, known)
    try:
        moment = datetime.fromisoformat(text)
        # Python also reads a bare date and a time without offset; RFC 3339's date-time is neither.
        if moment.tzinfo is not None and text[10:11] == "T":
            return utc_text(moment)
    except (ValueError, OverflowError):
        pass
    raise Bad(f"{shown(value)} is no date-time with an offset, like 2026-11-02T09:14:11Z.")


def _number(lowest: float, highest: float) -> Check:
    def check(value: Any, known: Known) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Bad(f"Expected a number, got {kind_of(value)}.")
        if not lowest <= value <= highest:
            raise Bad(f"Expected {lowest} to {highest}, got {value}.")
        return value

    return check


def _object(*names: str) -> Check:
    """An object with some of these texts, each of which may be null."""

    def check(value: Any, known: Known) -> dict[str, str | None]:
        if not isinstance(value, dict):
            raise Bad(f"Expected an object, got {kind_of(value)}.")
        for name, item in value.items():
            if name not in names:
                raise Bad(f"Unknown field {shown(name)}; there are {', '.join(names)}.")
            if item is not None and not isinstance(item, str):
                raise Bad(f"{shown(name)}: expected text, got {kind_of(item)}.")
        return value

    return check


def _text_map(value: Any, known: Known) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Bad(f"Expected an object, got {kind_of(value)}.")
    for name, item in value.items():
        if not isinstance(item, str):
            raise Bad(f"{shown(name)}: expected text, got {kind_of(item)}.")
    return value


def _text_list(value: Any, known: Known) -> list[str]:
    if not isinstance(value, list):
        raise Bad(f"Expected a list, got {kind_of(value)}.")
    if not all(isinstance(item, str) for item in value):
        raise Bad("Expected a list of texts.")
    return value


@dataclass(frozen=True, slots=True)
class Field:
    check: Check
    needed: bool = False
    """Must be in a PUT."""
    nullable: bool = True


FIELDS: Mapping[str, Field] = {
    "externalId": Field(_text),
    "summary": Field(_needed_text, needed=True, nullable=False),
    "description": Field(_text),
    "cause": Field(_text),
    "solution": Field(_text),
    "notes": Field(_text),
    "statusId": Field(_listed(Kind.STATUSES), nullable=False),
    "subStatusId": Field(_uuid),
    "priorityId": Field(_listed(Kind.PRIORITIES)),
    "jobTypeId": Field(_listed(Kind.JOB_TYPES)),
    "categoryId": Field(_listed(Kind.CATEGORIES)),
    "serviceNeededId": Field(_listed(Kind.SERVICES_NEEDED)),
    "twinId": Field(_twin, needed=True, nullable=False),
    "reporter": Field(_object("name", "email", "phone")),
    "assigneeType": Field(_one_of("noAssignee", "user", "workgroup"), nullable=False),
    "assignee": Field(_object("name", "email")),
    "workgroup": Field(_object("name")),
    "dueDate": Field(_instant),
    "externalCreatedDate": Field(_instant),
    "externalUpdatedDate": Field(_instant),
    "sourceName": Field(_text),
    "customProperties": Field(_text_map),
    "extendableSearchablePropertyKeys": Field(_text_list),
    "insightId": Field(_uuid),
    "latitude": Field(_number(-90, 90)),
    "longitude": Field(_number(-180, 180)),
}
NEEDED = tuple(name for name, field in FIELDS.items() if field.needed)


def checked(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The fields as Willow keeps them. Raises Refusal (400) naming every field that is wrong or unknown."""
    kept: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, value in document.items():
        field = FIELDS.get(name)
        if field is None:
            errors[name] = [f"Unknown field; there are {', '.join(FIELDS)}."]
        elif value is None and field.nullable:
            kept[name] = None
        else:
            try:
                kept[name] = field.check(value, known)
            except Bad as bad:
                errors[name] = [str(bad)]
    if errors:
        raise invalid(errors)
    return kept
