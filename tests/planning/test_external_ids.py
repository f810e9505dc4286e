"""The ticket's externalId and the order it names, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.planning.external_ids import ExternalIds

TEMPLATES = ("{id}", "mapped:{id}", "{id}@site", "a-{id}-b", "{id}/{id}", "x{id}y{id}z")


@pytest.mark.parametrize("template", TEMPLATES)
@given(order_id=st.text(min_size=1, max_size=12))
def test_there_and_back(template: str, order_id: str) -> None:
    ids = ExternalIds(template)
    assert ids.order_of(ids.of(order_id)) == order_id


@pytest.mark.parametrize(
    ("template", "external_id"),
    [
        ("mapped:{id}", "WO1"),
        ("mapped:{id}", "mapped:"),
        ("{id}@site", "WO1@other"),
        ("{id}/{id}", "WO1/WO2"),
        ("{id}", ""),
    ],
)
def test_what_another_system_wrote_names_no_order(template: str, external_id: str) -> None:
    assert ExternalIds(template).order_of(external_id) is None
