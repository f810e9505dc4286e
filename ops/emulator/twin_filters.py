"""Which twins a filter of ``POST /twins`` and ``/twins/count`` lets through (seed 001, facts §8)."""

from collections.abc import Callable, Iterable
from typing import Any

from ops.emulator.graph import Graph, Relationship, Twin
from ops.emulator.problems import invalid, shown
from streams.willow.models.twins import (
    CountTwins,
    DateFilter,
    LocationFilter,
    ModelFilter,
    PropertyFilter,
    RelationshipFilter,
)
from streams.willow.wire import read_instant

Test = Callable[[Twin], bool]


def chosen(graph: Graph, which: CountTwins) -> list[Twin]:
    """Raises Refusal (400) for an operator that is not known."""
    tests: list[Test] = []
    if which.model_filter:
        tests.append(_of_model(graph, which.model_filter))
    if which.relationship_filter:
        tests.append(_with_relationship(graph, which.relationship_filter))
    if which.location_filter and which.location_filter.location_id:
        tests.append(_within(graph, which.location_filter))
    if which.date_filter:
        tests.append(_updated(which.date_filter))
    if which.property_filter:
        tests.append(_with_property(which.property_filter))
    return [twin for twin in graph if all(test(twin) for test in tests)]


def _of_model(graph: Graph, wanted: ModelFilter) -> Test:
    ids = wanted.model_ids or []
    if not ids:
        return lambda twin: True
    if wanted.exact_model_match:
        return lambda twin: twin.model_id in ids
    return lambda twin: any(graph.is_a(twin.model_id, one) for one in ids)


def _with_relationship(graph: Graph, wanted: RelationshipFilter) -> Test:
    names = wanted.relationship_names or []
    related = _of_model(graph, wanted.related_model_filter or ModelFilter())

    def test(twin: Twin) -> bool:
        return any(
            (not names or item.name in names) and (other := graph.twin(end)) is not None and related(other)
            for item, end in ends(graph, twin.id, wanted.relationship_direction or "IncomingOrOutgoing")
        )

    return test


def ends(graph: Graph, twin_id: str, direction: str) -> Iterable[tuple[Relationship, str]]:
    """The twin's relationships in a direction, each with the id at its other end."""
    if direction != "Incoming":
        yield from ((item, item.target) for item in graph.outgoing(twin_id))
    if direction != "Outgoing":
        yield from ((item, item.source) for item in graph.incoming(twin_id))


def _within(graph: Graph, wanted: LocationFilter) -> Test:
    return lambda twin: any(place.id == wanted.location_id for place in graph.holders(twin.id))


def _updated(wanted: DateFilter) -> Test:
    def test(twin: Twin) -> bool:
        updated = read_instant(twin.updated)
        after, before = wanted.last_updated_after, wanted.last_updated_before
        return updated is not None and (after is None or updated > after) and (before is None or updated < before)

    return test


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: have == want,
    "equals": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "in": lambda have, want: isinstance(want, list) and have in want,
}
"""Those of seed 001's samples, and their counterparts; Willow's full list is not published."""


def _with_property(wanted: PropertyFilter) -> Test:
    if wanted.filters is not None:
        tests = [_with_property(item) for item in wanted.filters]
        join = any if (wanted.filter_condition_operator or "And").lower() == "or" else all
        return lambda twin: join(test(twin) for test in tests)
    operator = _OPERATORS.get(wanted.operator or "")
    if operator is None or not wanted.field:
        known = ", ".join(_OPERATORS)
        given = f"{shown(wanted.field)} {shown(wanted.operator)}"
        raise invalid({"propertyFilter": [f"Expected a field and one of the operators {known}; got {given}."]})
    field, value = wanted.field, wanted.value
    return lambda twin: operator(_property(twin, field), value)


def _property(twin: Twin, field: str) -> Any:
    own = {"id": twin.id, "modelId": twin.model_id}
    return own.get(field, twin.contents.get(field))
