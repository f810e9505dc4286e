"""A query against the schema and the graph: everything in it is checked first, then the rows are picked.

Messages are those of graphql-js, the reference implementation.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from ops.mapped.graph import Graph
from ops.mapped.language import Asked, GraphQLFault, On
from ops.mapped.schema import LISTS, TYPES, Attribute, Filterable, List

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_TYPENAME = "__typename"


class Answerer:
    """``published_only``: what is only guessed at is not known."""

    def __init__(self, graph: Graph, *, published_only: bool = False) -> None:
        self._graph = graph
        self._published_only = published_only

    def answer(self, selection: Iterable[Asked | On]) -> dict[str, Any]:
        """``data``. Raises GraphQLFault at the first thing that is wrong."""
        return {asked.key: self._value_of(asked) for asked in [self._top(item) for item in selection]}

    def _value_of(self, asked: Asked) -> Any:
        return "Query" if asked.name == _TYPENAME else self._list(asked)

    def _top(self, item: Asked | On) -> Asked:
        if isinstance(item, On) or (item.name != _TYPENAME and self._known_list(item.name) is None):
            name = item.name if isinstance(item, Asked) else item.type_name
            raise _invalid(f'Cannot query field "{name}" on type "Query".', item)
        return item

    def _known_list(self, name: str) -> List | None:
        found = LISTS.get(name)
        return None if found is None or (found.guessed and self._published_only) else found

    def _list(self, asked: Asked) -> list[dict[str, Any]]:
        known = LISTS[asked.name]
        for name in asked.arguments:
            if name != "filter":
                raise _invalid(f'Unknown argument "{name}" on field "Query.{asked.name}".', asked)
        self._check(known.type_name, asked)
        test = _filter(asked.arguments.get("filter"), known, asked)
        return [
            self._pick(known.type_name, row, asked.selection) for row in self._graph.rows(known.type_name) if test(row)
        ]

    def _check(self, type_name: str, asked: Asked | On) -> None:
        """Every field below, whether or not a row has it."""
        found = TYPES[type_name]
        for item in asked.selection:
            if isinstance(item, On):
                self._check_fragment(type_name, item)
            elif item.name != _TYPENAME:
                attribute = found.fields.get(item.name)
                if attribute is None or (attribute.guessed and self._published_only):
                    raise _invalid(f'Cannot query field "{item.name}" on type "{type_name}".', item)
                self._check_shape(type_name, item, attribute)

    def _check_fragment(self, type_name: str, item: On) -> None:
        if item.type_name not in TYPES:
            raise _invalid(f'Unknown type "{item.type_name}".', item)
        if item.type_name not in (type_name, *TYPES[type_name].members):
            raise _invalid(
                "Fragment cannot be spread here as objects of type "
                f'"{type_name}" can never be of type "{item.type_name}".',
                item,
            )
        self._check(item.type_name, item)

    def _check_shape(self, type_name: str, item: Asked, attribute: Attribute) -> None:
        if item.arguments:
            name = next(iter(item.arguments))
            raise _invalid(f'Unknown argument "{name}" on field "{type_name}.{item.name}".', item)
        if attribute.type_name is None and item.selection:
            raise _invalid(f'Field "{item.name}" must not have a selection since it has no subfields.', item)
        if attribute.type_name is not None:
            if not item.selection:
                raise _invalid(f'Field "{item.name}" of type "{attribute.type_name}" must have a selection.', item)
            self._check(attribute.type_name, item)

    def _pick(self, type_name: str, row: Row, selection: Iterable[Asked | On]) -> dict[str, Any]:
        picked: dict[str, Any] = {}
        for item in selection:
            if isinstance(item, On):
                if item.type_name == type_name:
                    picked |= self._pick(type_name, row, item.selection)
            elif item.name == _TYPENAME:
                picked[item.key] = type_name
            else:
                picked[item.key] = self._value(TYPES[type_name].fields[item.name], row.get(item.name), item)
        return picked

    def _value(self, attribute: Attribute, value: Any, item: Asked) -> Any:
        if attribute.type_name is None or value is None:
            return value
        if attribute.many:
            return [self._object(attribute.type_name, each, item) for each in value]
        return self._object(attribute.type_name, value, item)

    def _object(self, declared: str, value: Row, item: Asked) -> dict[str, Any]:
        type_name, row = self._graph.resolve(declared, value)
        return self._pick(type_name, row, item.selection)


def _filter(given: Any, known: List, asked: Asked) -> Test:
    if given is None:
        return lambda _: True
    if not isinstance(given, dict):
        raise _invalid(f'Expected value of type "{known.type_name}Filter", found {given!r}.', asked)
    tests = [_criterion(name, value, known, asked) for name, value in given.items()]
    return lambda row: all(test(row) for test in tests)


def _criterion(name: str, value: Any, known: List, asked: Asked) -> Test:
    if name in ("and", "or"):
        parts = [_filter(part, known, asked) for part in (value if isinstance(value, list) else [value])]
        return lambda row: (all if name == "and" else any)(part(row) for part in parts)
    if name == "not":
        inner = _filter(value, known, asked)
        return lambda row: not inner(row)
    kind = known.filters.get(name)
    if kind is None:
        raise _invalid(f'Field "{name}" is not defined by type "{known.type_name}Filter".', asked)
    if not isinstance(value, dict):
        raise _invalid(f'Expected an object of operators for "{name}", found {value!r}.', asked)
    tests = [_operator(name, operator, operand, kind, asked) for operator, operand in value.items()]
    return lambda row: all(test(row) for test in tests)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, wanted: bool(found == wanted),
    "ne": lambda found, wanted: bool(found != wanted),
    "in": lambda found, wanted: found in wanted,
    "contains": lambda found, wanted: found is not None and wanted in found,
    "gt": lambda found, wanted: found is not None and found > wanted,
    "gte": lambda found, wanted: found is not None and found >= wanted,
    "lt": lambda found, wanted: found is not None and found < wanted,
    "lte": lambda found, wanted: found is not None and found <= wanted,
}


def _operator(name: str, operator: str, operand: Any, kind: Filterable, asked: Asked) -> Test:
    if operator not in kind.value:
        raise _invalid(f'Field "{operator}" is not defined by the filter of "{name}".', asked)
    texts = operand if operator == "in" else [operand]
    # A bare word is an enum value, which no filter of these takes.
    if not isinstance(texts, list) or not all(type(text) is str for text in texts):
        raise _invalid(f'"{name}.{operator}" takes {"a list of text" if operator == "in" else "text"}.', asked)
    compare = _COMPARISONS[operator]
    if kind is not Filterable.TIMESTAMP:
        wanted = frozenset(texts) if operator == "in" else operand
        return lambda row: compare(row.get(name), wanted)
    instant = _instant(operand)
    if instant is None:
        raise _invalid(f'"{name}.{operator}" takes an RFC 3339 instant, found {operand!r}.', asked)
    return lambda row: compare(_instant(row.get(name)), instant)


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if found.tzinfo is None else found


def _invalid(message: str, item: Asked | On) -> GraphQLFault:
    return GraphQLFault(message, "GRAPHQL_VALIDATION_FAILED", at=item.at)
