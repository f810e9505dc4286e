"""What the settings of the six enumerations should be, from the values that are met and Willow's lists. Pure.

Matching is the planner's own: what is suggested here is what ``enumerations.resolve`` makes of it afterwards.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from streams.planning.enumerations import FIELDS, EnumField, Missed, by_form, find
from streams.planning.lists import WillowLists, fold_name
from streams.settings import Enumeration, EnumerationMode, Enumerations

CREATABLE = frozenset({"job_type", "sector", "services_needed"})
"""Settings whose list can be added to through Willow's API (seed 002); statuses and priorities are Willow's."""


class Match(StrEnum):
    """How a value came to its target, in the order in which they are tried."""

    CONFIGURED = "configured"
    """``enumerations.….values`` of the settings in hand."""
    EXACT = "exact"
    """Willow's list, by name (case and spacing do not count) or id."""
    FORM = "form"
    """Willow's list, by form: ``IN_PROGRESS`` for ``In Progress``."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A value as most records spell it. ``target`` is the Willow id or name to write for it; with none, ``why``."""

    value: str
    records: int
    match: Match | None
    target: str | None
    why: str | None = None
    absent: bool = False
    """Nothing in Willow has its name."""
    creatable: bool = False
    """An entry of its name can be made, and would be its match."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One enumeration. ``mode`` and ``values`` with a match are what to write; ``entries`` counts Willow's list."""

    field: EnumField
    present: Enumeration
    mode: EnumerationMode
    values: tuple[Suggested, ...]
    entries: int | None

    @property
    def matched(self) -> tuple[Suggested, ...]:
        return tuple(item for item in self.values if item.match is not None)

    @property
    def unmatched(self) -> tuple[Suggested, ...]:
        return tuple(item for item in self.values if item.match is None)


def suggest(
    counts: Mapping[str, Mapping[str, int]], lists: WillowLists, present: Enumerations
) -> tuple[Suggestion, ...]:
    """``counts``: setting → value → records; what ``present`` has written down already is kept."""
    return tuple(
        _suggestion(item, counts.get(item.setting, {}), lists, getattr(present, item.setting)) for item in FIELDS
    )


def _suggestion(item: EnumField, counts: Mapping[str, int], lists: WillowLists, present: Enumeration) -> Suggestion:
    configured = {fold_name(key): target for key, target in present.values.items()}
    seen = list(_spellings(counts))
    met = {fold_name(value) for value, _ in seen}
    # What is configured and was not met lately may be met tomorrow.
    kept = [(key, 0) for key in present.values if fold_name(key) not in met]
    values = tuple(_suggested(item, value, records, lists, configured) for value, records in (*seen, *kept))
    entries = None if item.list_name is None else len(getattr(lists, item.list_name))
    return Suggestion(item, present, _mode(present, values), values, entries)


def _spellings(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Values that are one to the planner as one, most records first."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for value, records in counts.items():
        groups.setdefault(fold_name(value), []).append((records, value))
    totals = [(sum(records for records, _ in group), max(group)[1]) for group in groups.values()]
    for records, value in sorted(totals, key=lambda pair: (-pair[0], pair[1])):
        yield value, records


def _suggested(
    item: EnumField, value: str, records: int, lists: WillowLists, configured: Mapping[str, str]
) -> Suggested:
    target = configured.get(fold_name(value))
    if target is not None and _found(item, target, lists) is None:
        return Suggested(value, records, Match.CONFIGURED, target)
    if item.list_name is None:
        return Suggested(value, records, None, None, "Willow publishes no list of them: write the id")
    missed = _found(item, value, lists)
    if missed is None:
        return Suggested(value, records, Match.EXACT, _named(item, value, lists))
    entry = by_form(item, value, lists)
    if entry is not None:
        unique = _found(item, entry.name, lists) is None
        return Suggested(value, records, Match.FORM, entry.name if unique else entry.id)
    absent = fold_name(value) not in lists.lookups[item.list_name].by_name
    return Suggested(value, records, None, None, missed.why, absent, absent and item.setting in CREATABLE)


def _found(item: EnumField, target: str, lists: WillowLists) -> Missed | None:
    """None: the planner will find it. Of two that are for two places the ticket's place takes one."""
    found = find(item, target, lists)
    if not isinstance(found, Missed) or (found.ambiguous and item.placed):
        return None
    return found


def _named(item: EnumField, value: str, lists: WillowLists) -> str:
    assert item.list_name is not None
    lookup = lists.lookups[item.list_name]
    entries = lookup.by_name.get(fold_name(value), ())
    return value if value in lookup.by_id or not entries else entries[0].name


def _mode(present: Enumeration, values: Iterable[Suggested]) -> EnumerationMode:
    values = tuple(values)
    matches = {item.match for item in values if item.match is not None}
    if not values:
        return present.mode
    if not matches:
        # An empty map would skip every order; names find what is created in Willow later.
        return EnumerationMode.OMIT if present.mode is EnumerationMode.OMIT else EnumerationMode.MATCH_NAME
    to_complete = any(item.match is None and not item.creatable for item in values)
    return EnumerationMode.MATCH_NAME if matches == {Match.EXACT} and not to_complete else EnumerationMode.MAP
