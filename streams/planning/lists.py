"""Willow's own lists (contract §7: the five metadata lists), looked up by id and by name."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields


def fold_name(text: str) -> str:
    """Names match without regard to case and spacing (contract §8)."""
    return "".join(text.split()).casefold()


def fold_form(text: str) -> str:
    """Looser: ``IN_PROGRESS``, ``in-progress`` and ``In Progress`` are one status (seed 000, the toggle's
    note)."""
    return "".join(char for char in text.casefold() if char.isalnum())


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list of Willow's. ``locations`` are the twin ids it is offered at; empty means
    everywhere."""

    id: str
    name: str
    is_active: bool = True
    locations: frozenset[str] = frozenset()
    category_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Entries by id, by folded name and by form; more than one entry may share a name."""

    by_id: dict[str, Listed]
    by_name: dict[str, tuple[Listed, ...]]
    by_form: dict[str, tuple[Listed, ...]]

    @classmethod
    def of(cls, entries: Iterable[Listed]) -> "Lookup":
        by_id: dict[str, Listed] = {}
        by_name: dict[str, tuple[Listed, ...]] = {}
        by_form: dict[str, tuple[Listed, ...]] = {}
        for entry in entries:
            by_id[entry.id] = entry
            for table, key in ((by_name, fold_name(entry.name)), (by_form, fold_form(entry.name))):
                table[key] = (*table.get(key, ()), entry)
        return cls(by_id, by_name, by_form)


@dataclass(frozen=True, slots=True)
class WillowLists:
    statuses: tuple[Listed, ...] = ()
    priorities: tuple[Listed, ...] = ()
    categories: tuple[Listed, ...] = ()
    job_types: tuple[Listed, ...] = ()
    services: tuple[Listed, ...] = ()
    lookups: dict[str, Lookup] = field(init=False, repr=False, compare=False)
    """List name, as the fields above are called → its look-up."""

    def __post_init__(self) -> None:
        names = (item.name for item in fields(self) if item.init)
        object.__setattr__(self, "lookups", {name: Lookup.of(getattr(self, name)) for name in names})
