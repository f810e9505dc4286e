"""Planning writes down what it looked at, and decides the same whether or not anyone asks."""

from typing import Any

import pytest

from streams.planning.enumerations import Origin
from streams.planning.lists import Listed, WillowLists
from streams.planning.trace import Trace

MAPPED = {"enumerations": {"job_status": {"mode": "map", "values": {"WIP": "In Progress"}, "default": "Open"}}}


def traced(world: Any, record: dict[str, Any]) -> Trace:
    trace = Trace()
    assert world.plan(record, trace=trace) == world.plan(record)
    return trace


def test_the_place_chain_and_why_this_twin(world: Any) -> None:
    related = [{"id": "FLR1"}, {"id": "THG9"}, {"id": "THG7"}, {"id": "THG5"}, {"id": "THG8"}]
    trace = traced(world, world.record(relatesTo=related))
    chains = {item.id: item.chain.links for item in trace.located}
    assert chains["THG9"] == ("THG9", "SPC1", "FLR1", "BLDG1", "SITE1")
    assert [item.id for item in trace.in_scope] == ["FLR1", "THG7", "THG8", "THG9"]
    assert [item.id for item in trace.equals] == ["THG8", "THG9"]


def test_a_refusal_is_all_there_is(world: Any) -> None:
    trace = traced(world, world.record(mappingKey="x@willow"))
    assert trace.refused is not None
    assert (trace.refused.code, trace.located, trace.enumerations) == ("willow_born", (), [])


def test_a_parked_order_shows_its_enumerations_too(world: Any) -> None:
    trace = traced(world, world.record(relatesTo=[{"id": "NEW"}]))
    assert [item.chain.missing for item in trace.located] == ["NEW"]
    assert [step.rule.field.setting for step in trace.enumerations] == ["job_status"]


@pytest.mark.parametrize(
    ("settings", "field", "value", "origin"),
    [
        ({}, "jobStatus", "open", Origin.NAME),
        (MAPPED, "jobStatus", "wip", Origin.VALUES),
        (MAPPED, "jobStatus", "Mystery", Origin.DEFAULT),
        ({"enumerations": {"job_status": {"mode": "pass_through"}}}, "jobStatus", "IN_PROGRESS", Origin.FORM),
        ({"enumerations": {"job_status": {"mode": "pass_through"}}}, "jobStatus", "Mystery", Origin.AS_IT_IS),
        ({}, "jobPriority", None, Origin.EMPTY),
        ({}, "jobPriority", "Mystery", None),
        ({"enumerations": {"job_type": {"default": "General"}}}, "jobType", None, Origin.DEFAULT),
    ],
)
def test_where_each_value_came_from(
    world: Any, settings: dict[str, Any], field: str, value: str | None, origin: Origin | None
) -> None:
    world.settings |= settings
    trace = traced(world, world.record(**{field: value}))
    found = {step.rule.source: step for step in trace.enumerations}
    assert (found[field].value, found[field].resolved.origin) == (value, origin)


def test_place_bound_values_are_told_for_each_of_the_equals(world: Any) -> None:
    world.lists = WillowLists(
        statuses=world.lists.statuses,
        categories=(Listed("c-9", "HVAC", locations=frozenset({"TW-AHU-3"})),),
    )
    trace = traced(world, world.record(sector="HVAC", relatesTo=[{"id": "THG8"}, {"id": "THG9"}]))
    told = {step.entity_id: step.resolved for step in trace.enumerations if step.entity_id}
    assert told["THG9"].fields == {"categoryId": "c-9"}
    assert told["THG8"].warning == "unmapped_sector: 'HVAC'"
