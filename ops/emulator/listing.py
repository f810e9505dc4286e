"""The list calls' body and answer (facts §5): filter, sort, page, and ``before, after, total, items``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ops.emulator.problems import Refusal, invalid, kind_of, shown

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

_BODY = ("sortSpecifications", "filterSpecifications", "page", "pageSize")
_FILTER = ("field", "operator", "value", "filterConditionOperator")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Collection:
    """What may be asked of one list: the fields it can be filtered on and sorted by. ``numbers`` are those filter
    fields that hold numbers."""

    filter_fields: tuple[str, ...]
    sort_fields: tuple[str, ...]
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """``values`` are those that fit; ``either`` joins it to the conditions before by Or, not And."""

    field: str
    values: frozenset[Any]
    either: bool


@dataclass(frozen=True, slots=True)
class Query:
    conditions: tuple[Condition, ...]
    sorts: tuple[tuple[str, bool], ...]
    """(field, descending), the first one weighs most."""
    offset: int
    size: int

    def holds(self, value: Callable[[str], Any]) -> bool:
        """Whether the conditions let an item through; ``value`` gives its fields."""
        found = True
        for number, condition in enumerate(self.conditions):
            fits = value(condition.field) in condition.values
            found = fits if number == 0 else (found or fits) if condition.either else (found and fits)
        return found

    @property
    def wanted(self) -> frozenset[Any] | None:
        """For a list with one filter field: the values to list; None lists everything."""
        wanted: frozenset[Any] | None = None
        for condition in self.conditions:
            if wanted is None:
                wanted = condition.values
            else:
                wanted = wanted | condition.values if condition.either else wanted & condition.values
        return wanted


def parse_query(document: Any, of: Collection, *, page_base: int, filter_support: bool) -> Query:
    """Raises Refusal (400) for anything that is not as facts §5 has it. Without ``filter_support`` filters
    are taken and ignored, as a server does that doesn't know the field."""
    if not isinstance(document, dict):
        raise invalid({"$": [f"Expected an object, got {kind_of(document)}."]})
    unknown = {name: [f"Unknown field; there are {', '.join(_BODY)}."] for name in document if name not in _BODY}
    if unknown:
        raise invalid(unknown)
    filters = _specifications(document, "filterSpecifications", _FILTER)
    size = _integer(document, "pageSize", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE)
    page = _integer(document, "page", page_base, 0, 2**31 - 1)
    return Query(
        conditions=tuple(_condition(item, of) for item in filters) if filter_support else (),
        sorts=_sorts(_specifications(document, "sortSpecifications", ("field", "sort")), of),
        offset=max(0, page - page_base) * size,
        size=size,
    )


def page_of(
    items: Sequence[Item],
    query: Query,
    sort_keys: Mapping[str, Callable[[Item], Any]],
    show: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """Sorts (stably, over the given order) and cuts. ``before`` and ``after`` count the items around the
    page."""
    ordered = list(items)
    for field, descending in reversed(query.sorts):
        ordered.sort(key=sort_keys[field], reverse=descending)
    cut = ordered[query.offset : query.offset + query.size]
    before = min(query.offset, len(ordered))
    return {
        "before": before,
        "after": len(ordered) - before - len(cut),
        "total": len(ordered),
        "items": [show(item) for item in cut],
    }


def _integer(document: Mapping[str, Any], name: str, default: int, lowest: int, highest: int) -> int:
    value = document.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid({name: [f"Expected an integer, got {kind_of(value)}."]})
    if not lowest <= value <= highest:
        raise invalid({name: [f"Expected {lowest} to {highest}, got {value}."]})
    return value


def _specifications(document: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> list[dict[str, Any]]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid({name: ["Expected a list of objects."]})
    for item in value:
        if not item.keys() <= set(allowed):
            raise invalid({name: [f"Unknown field in {sorted(item)}; there are {', '.join(allowed)}."]})
    return value


def _sorts(specifications: list[dict[str, Any]], of: Collection) -> tuple[tuple[str, bool], ...]:
    sorts = []
    for item in specifications:
        field, direction = item.get("field"), item.get("sort")
        if field not in of.sort_fields:
            raise _bad("sortSpecifications", f"Can't sort by {shown(field)}; there are {', '.join(of.sort_fields)}.")
        if not isinstance(direction, str) or direction.lower() not in ("asc", "desc"):
            raise _bad("sortSpecifications", f"Expected asc or desc, got {shown(direction)}.")
        sorts.append((str(field), direction.lower() == "desc"))
    return tuple(sorts)


def _condition(item: dict[str, Any], of: Collection) -> Condition:
    values = _values(item, of)
    joined = item.get("filterConditionOperator") or "And"
    if str(joined).lower() not in ("and", "or"):
        raise _bad("filterSpecifications", f"Expected And or Or as filterConditionOperator, got {shown(joined)}.")
    return Condition(str(item["field"]), values, str(joined).lower() == "or")


def _values(item: dict[str, Any], of: Collection) -> frozenset[Any]:
    field, operator, value = item.get("field"), item.get("operator"), item.get("value")
    if field not in of.filter_fields:
        names = ", ".join(of.filter_fields)
        raise _bad("filterSpecifications", f"Can't filter on {shown(field)}; there is {names}.")
    kind, words = (int, "number") if field in of.numbers else (str, "text")
    if operator in ("=", "equals") and isinstance(value, kind):
        return frozenset((value,))
    if operator == "in" and isinstance(value, list) and all(isinstance(one, kind) for one in value):
        return frozenset(value)
    given = f"{shown(operator)} with {kind_of(value)}"
    raise _bad(
        "filterSpecifications",
        f"Expected the operator in with a list of {words}s, or = or equals with a {words}; got {given}.",
    )


def _bad(name: str, said: str) -> Refusal:
    return invalid({name: [said]})
