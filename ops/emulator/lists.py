"""Willow's own lists: statuses, priorities, categories, job types and services needed (facts §7).

A built-in set whose ids stay the same from run to run, or the reader's own from a JSON file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.emulator.built_in import BUILT_IN
from ops.emulator.problems import EmulatorError


class Kind(StrEnum):
    """The five lists, by their name in a lists file."""

    STATUSES = "statuses"
    PRIORITIES = "priorities"
    CATEGORIES = "categories"
    JOB_TYPES = "jobTypes"
    SERVICES_NEEDED = "servicesNeeded"


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry. ``details`` are its further fields in Willow's newer shape; ``code`` numbers the entries of
    a list from 0 (the older shape's ``statusCode``)."""

    id: str
    name: str
    code: int
    details: Mapping[str, Any]


@dataclass(slots=True)
class Lists:
    """Kind → id → entry, in their order. They can be added to, as Willow's API lets its users do."""

    entries: dict[Kind, dict[str, Listed]]

    def __getitem__(self, kind: Kind) -> tuple[Listed, ...]:
        return tuple(self.entries[kind].values())

    def by_id(self, kind: Kind) -> Mapping[str, Listed]:
        """A view that shows later entries too."""
        return self.entries[kind]

    def put(self, kind: Kind, item: Listed) -> None:
        """Adds an entry at the end, or replaces the one with its id."""
        self.entries[kind][item.id] = item

    def id_of(self, kind: Kind, name: str) -> str:
        """The id of the first entry with this name. Raises KeyError with the names there are."""
        for item in self[kind]:
            if item.name == name:
                return item.id
        raise KeyError(f"no {name!r} in {kind}; there are {[item.name for item in self[kind]]}")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    name: Annotated[str, Field(min_length=1)]


class _Status(_Row):
    tab: str | None = None
    color: str | None = None


class _Priority(_Row):
    priorityLevel: Literal["urgent", "high", "medium", "low"] = "medium"


class _JobType(_Row):
    isActive: bool = True


class _Category(_JobType):
    locations: list[str] = []


class _ServiceNeeded(_Category):
    categoryId: str | None = None
    """A category's id or its name."""


class _ListsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    statuses: list[_Status] | None = None
    priorities: list[_Priority] | None = None
    categories: list[_Category] | None = None
    jobTypes: list[_JobType] | None = None
    servicesNeeded: list[_ServiceNeeded] | None = None


def built_in_lists() -> Lists:
    return _lists(_ListsFile.model_validate(BUILT_IN))


def load_lists(file: Path) -> Lists:
    """Reads ``{"statuses": [{"name", "id"?, "tab"?, "color"?}], "priorities": […], …}``; a list that the file
    leaves out keeps its built-in entries, an entry without ``id`` gets one made from its name.

    Raises EmulatorError when the file can't be read or doesn't hold together."""
    remedy = "compare with `willow-sync emulator --help` and the answers of the built-in lists"
    try:
        return _over_built_in(_ListsFile.model_validate_json(file.read_bytes()))
    except OSError as error:
        raise EmulatorError(f"can't read the lists file {file}: {error.strerror}", "check --lists") from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise EmulatorError(f"the lists file {file} is not usable: {said}", remedy) from error
    except ValueError as error:
        raise EmulatorError(f"the lists file {file} is not usable: {error}", remedy) from error


def lists_of(document: Mapping[str, Any]) -> Lists:
    """From what a lists file holds. Raises ValueError when it doesn't hold together."""
    return _over_built_in(_ListsFile.model_validate(document))


def _over_built_in(given: _ListsFile) -> Lists:
    built_in = _ListsFile.model_validate(BUILT_IN)
    return _lists(built_in.model_copy(update={name: getattr(given, name) for name in given.model_fields_set}))


def _lists(file: _ListsFile) -> Lists:
    entries = {kind: _entries(kind, getattr(file, kind) or []) for kind in Kind}
    if not entries[Kind.STATUSES]:
        raise ValueError("statuses is empty; expected at least one, for a ticket always has a status")
    categories = {handle: item.id for item in entries[Kind.CATEGORIES] for handle in (item.name, item.id)}
    services = []
    for item in entries[Kind.SERVICES_NEEDED]:
        category = item.details["categoryId"]
        if category is not None and category not in categories:
            raise ValueError(f"servicesNeeded {item.name!r} names the category {category!r}, which is not listed")
        details = {**item.details, "categoryId": categories.get(category)}
        services.append(Listed(item.id, item.name, item.code, details))
    whole: dict[Kind, Sequence[Listed]] = {**entries, Kind.SERVICES_NEEDED: services}
    return Lists({kind: {item.id: item for item in found} for kind, found in whole.items()})


def _entries(kind: Kind, rows: Sequence[_Row]) -> tuple[Listed, ...]:
    found = tuple(
        Listed(
            id=str(row.id or uuid5(NAMESPACE_URL, f"urn:willow-sync:emulator:{kind}:{row.name}")),
            name=row.name,
            code=code,
            details=row.model_dump(exclude={"id", "name"}),
        )
        for code, row in enumerate(rows)
    )
    if len({item.id for item in found}) < len(found):
        raise ValueError(f"two entries of {kind} have one id; entries with the same name need their own ids")
    return found
