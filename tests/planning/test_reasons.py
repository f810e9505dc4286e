from pathlib import Path

import pytest

from streams.planning.enumerations import FIELDS
from streams.planning.reasons import ENUMERATION_NAMES, REASONS, left, markdown, reason

#: Contract §3 in its order, then what Willow's answers lead to.
CONTRACT = [
    "undecodable",
    "internal_error",
    "not_a_change",
    "stale",
    "willow_born",
    "other_entity_type",
    "ticket_owned_by_other",
    "deleted_untracked",
    "deleted_kept",
    "missing_job_status",
    "incomplete_record",
    "no_related_entity",
    "unknown_site",
    "unknown_entity",
    "outside_selected_sites",
    "no_willow_twin",
    "create_in_doubt",
    "park_expired",
    "ticket_not_found",
    "forbidden",
    "conflict",
    "invalid",
    "superseded_by_rejected",
]


def test_every_code_of_the_contract_is_there() -> None:
    enumerations = {f"{what}_{name}" for name in ENUMERATION_NAMES for what in ("unmapped", "ambiguous")}
    assert set(REASONS) == {*CONTRACT, *enumerations}
    assert [code for code in REASONS if code not in enumerations and code != "no_willow_twin"] == [
        code for code in CONTRACT if code != "no_willow_twin"
    ]
    assert [item.setting for item in FIELDS] == list(ENUMERATION_NAMES)


@pytest.mark.parametrize("code", REASONS)
def test_each_says_something_and_what_to_do(code: str) -> None:
    entry = REASONS[code]
    said = reason(code, **dict.fromkeys(entry.values, "value at hand"))
    assert said.code == code
    assert said.message
    assert said.remedy
    assert "{" not in said.message + said.remedy


def test_a_message_does_not_grow_with_the_record() -> None:
    said = reason("unknown_entity", entities="x" * 100_000)
    assert len(said.message) < 1000


def test_a_missing_value_is_our_own_fault() -> None:
    with pytest.raises(KeyError):
        reason("stale")


def test_left() -> None:
    said = left(reason("outside_selected_sites", entities="Pump"))
    assert said.code == "left_outside_selected_sites"
    assert "Pump" in said.message


def test_the_page_is_fresh() -> None:
    page = Path(__file__).parents[2] / "docs" / "reasons.md"
    stale = "stale: python -m streams.planning.reasons > docs/reasons.md"
    assert page.read_text(encoding="utf-8") == markdown(), stale
