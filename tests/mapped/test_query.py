"""What is asked of Mapped: seed 000's query whole, filters as literals, optional fields left out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.mapped.language import Asked, On, parse
from streams.mapped import KINDS
from streams.mapped.query import Criteria, Field, Fragment, optional_names, render, scalars

SEED_QUERY = """
{
  workOrders(filter: {connectedDataSourceId: {eq: "your-connector-Id"}}) {
    id mappingKey summary description jobStatus jobPriority jobType sector referenceUrl
    problemDescription resolutionDescription
    isReportedBy { name emails { address } }
    isCreatedBy { name }
    hasAssignee { name emails { address } }
    hasAssignedGroup { name hasMember { name } }
    relatesTo {
      ... on Building { id name }
      ... on Space { id name exactType }
      ... on Thing { id name exactType }
    }
    identities { ... on ExternalIdentity { value scope scopeId } }
  }
}
"""
"""Seed 000, *List Work Orders with ExternalIdentity values*; only line breaks differ."""


def paths(selection: tuple[Asked | On, ...], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for item in selection:
        here = (*above, item.name if isinstance(item, Asked) else f"on {item.type_name}")
        found |= {here} | paths(item.selection, here)
    return found


def test_the_seed_s_query_is_asked_whole() -> None:
    asked = render("workOrders", KINDS["workOrders"].fields, Criteria(connector="your-connector-Id"))
    assert paths(parse(SEED_QUERY)) <= paths(parse(asked))
    (ours,), (seeds,) = parse(asked), parse(SEED_QUERY)
    assert isinstance(ours, Asked)
    assert isinstance(seeds, Asked)
    assert ours.arguments == seeds.arguments


@pytest.mark.parametrize(
    ("criteria", "literal"),
    [
        (Criteria(), ""),
        (Criteria(connector="CON1"), '{connectedDataSourceId: {eq: "CON1"}}'),
        (Criteria(ids=("A", "B")), '{id: {in: ["A", "B"]}}'),
        (Criteria(since=datetime(2026, 11, 2, tzinfo=UTC)), '{dateUpdated: {gte: "2026-11-02T00:00:00Z"}}'),
        (
            Criteria(
                "C",
                None,
                datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
                datetime.max.replace(tzinfo=UTC),
            ),
            '{connectedDataSourceId: {eq: "C"}, '
            'dateUpdated: {gte: "2026-01-01T00:00:00Z", lt: "9999-12-31T23:59:59.999999Z"}}',
        ),
    ],
)
def test_filters_are_literals(criteria: Criteria, literal: str) -> None:
    assert criteria.literal() == literal


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_any_id_arrives_as_it_is_and_breaks_out_of_nothing(ids: list[str]) -> None:
    (asked,) = parse(render("workOrders", scalars("id"), Criteria(ids=tuple(ids))))
    assert isinstance(asked, Asked)
    assert asked.arguments == {"filter": {"id": {"in": ids}}}


def test_only_optional_fields_are_left_out_at_any_depth() -> None:
    fields = (
        Field("id"),
        Field("who", (Field("name"), Field("phones", optional=True))),
        Field("in", (Fragment("Place", (Field("phones", optional=True), Field("name"))),)),
    )
    assert set(optional_names(fields)) == {"phones"}
    assert render("a", fields, Criteria(), {"phones", "id"}) == "{ a { id who { name } in { ... on Place { name } } } }"


@pytest.mark.parametrize("name", KINDS)
def test_each_list_s_query_can_be_parsed(name: str) -> None:
    assert len(parse(render(name, KINDS[name].fields, Criteria()))) == 1
