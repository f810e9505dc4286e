"""The six enumerations in all modes."""

from typing import Any

import pytest

from streams.planning.enumerations import (
    FIELDS,
    Missed,
    Place,
    Resolved,
    Rule,
    closed_status_id,
    configured_targets,
    resolve,
    rules_of,
)
from streams.planning.lists import Listed, WillowLists
from streams.settings import Enumerations

LISTS = WillowLists(
    statuses=(Listed("s1", "Open"), Listed("s2", "In Progress"), Listed("s3", "Old", is_active=False)),
    priorities=(Listed("p1", "High"), Listed("p2", "Twice"), Listed("p3", "twice")),
    job_types=(Listed("j1", "General"), Listed("j2", "Retired", is_active=False), Listed("j3", "Retired")),
    categories=(
        Listed("c1", "HVAC", locations=frozenset({"TW-B1"})),
        Listed("c2", "HVAC", locations=frozenset({"TW-B2"})),
        Listed("c3", "Everywhere"),
    ),
    services=(
        Listed("v1", "Noise", category_id="c1"),
        Listed("v2", "Noise", category_id="c3"),
        Listed("v3", "Free"),
        Listed("v4", "Local", locations=frozenset({"TW-B1"})),
    ),
)
HERE, THERE = Place(frozenset({"TW-AHU", "TW-B1"})), Place(frozenset({"TW-X"}))


def rule(setting: str, **given: Any) -> Rule:
    found = rules_of(Enumerations.model_validate({setting: {"mode": "match_name", **given}}))
    return next(item for item in found if item.field.setting == setting)


def resolved(setting: str, value: str | None, *where: Any, **given: Any) -> Resolved:
    return resolve(rule(setting, **given), value, LISTS, *where)


MAP = {"mode": "map", "values": {"WIP": "In Progress", "N": "s1", "x": "Nowhere", "o": "Old"}}
PASS = {"mode": "pass_through"}


@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        ("Open", {}, "s1"),
        ("  in  PROGRESS ", {}, "s2"),
        ("InProgress", {}, "s2"),
        ("Done", {"default": "Open"}, "s1"),
        ("Old", {"default": "s2"}, "s2"),
        (None, {"default": "Open"}, "s1"),
        ("wip", MAP, "s2"),
        (" W I P", MAP, "s2"),
        ("n", MAP, "s1"),
        ("Open", {**MAP, "default": "Open"}, "s1"),
        ("in-progress", PASS, "s2"),
        ("IN_PROGRESS", PASS, "s2"),
        ("s2", PASS, "s2"),
        ("Unheard", PASS, "Unheard"),
        ("Old", PASS, "Old"),
    ],
)
def test_a_status_with_a_value(value: str | None, given: dict[str, Any], expected: str) -> None:
    assert resolved("job_status", value, **given) == Resolved({"statusId": expected})


@pytest.mark.parametrize(
    ("value", "given", "said"),
    [
        ("Done", {}, "Willow has no status named 'Done'"),
        ("Old", {}, "inactive"),
        (None, {}, "empty at the source"),
        ("  ", PASS, "empty at the source"),
        ("Open", MAP, "enumerations.job_status.values does not name it"),
        ("x", MAP, "'Nowhere'"),
        ("o", MAP, "inactive"),
        ("Done", {"default": "Nowhere"}, "'Nowhere'"),
    ],
)
def test_a_status_without_one_is_unmapped(value: str | None, given: dict[str, Any], said: str) -> None:
    found = resolved("job_status", value, **given)
    assert found.fields == {}
    assert found.reason is not None
    assert found.reason.code == "unmapped_job_status"
    assert said in found.reason.message
    assert "enumerations.job_status" in found.reason.remedy


def test_required_by_default_is_the_status_alone() -> None:
    every = {item.setting: {"mode": "match_name"} for item in FIELDS}
    required = [item.field.setting for item in rules_of(Enumerations.model_validate(every)) if item.required]
    assert required == ["job_status"]


def test_not_required_and_unmapped_is_left_out_with_a_warning() -> None:
    assert resolved("job_priority", "Medium") == Resolved({}, "unmapped_job_priority: 'Medium'")
    assert resolved("job_priority", "Twice") == Resolved({}, "ambiguous_job_priority: 'Twice'")


def test_not_required_and_null_clears() -> None:
    assert resolved("job_priority", None) == Resolved({"priorityId": None})
    assert resolved("job_priority", "") == Resolved({"priorityId": None})


def test_two_of_one_name_are_ambiguous() -> None:
    found = resolved("job_priority", "TWICE", required=True, default="High")
    assert found.reason is not None
    assert found.reason.code == "ambiguous_job_priority"
    assert "p2, p3" in found.reason.message


def test_a_name_that_is_retired_once_is_not_ambiguous() -> None:
    assert resolved("job_type", "retired") == Resolved({"jobTypeId": "j3"})


def test_omit_has_no_rule() -> None:
    assert "job_type" not in [
        item.field.setting for item in rules_of(Enumerations.model_validate({"job_type": {"mode": "omit"}}))
    ]


def test_pass_through_brings_nothing_but_a_status_to_form() -> None:
    assert resolved("job_priority", "high", **PASS) == Resolved({"priorityId": "high"})
    assert resolved("job_priority", None, **PASS) == Resolved({"priorityId": None})


def test_sub_statuses_have_no_list() -> None:
    assert resolved("job_sub_status", "a", mode="map", values={"A": "id-7"}) == Resolved({"subStatusId": "id-7"})
    assert resolved("job_sub_status", "id-8", **PASS) == Resolved({"subStatusId": "id-8"})
    found = resolved("job_sub_status", "Parts", required=True)
    assert found.reason is not None
    assert found.reason.code == "unmapped_job_sub_status"
    assert "type Willow's ids" in found.reason.remedy


@pytest.mark.parametrize(
    ("setting", "value", "where", "expected"),
    [
        ("sector", "HVAC", (HERE,), "c1"),
        ("sector", "HVAC", (Place(frozenset({"TW-B2"})),), "c2"),
        ("sector", "Everywhere", (THERE,), "c3"),
        ("services_needed", "Noise", (HERE, "c1"), "v1"),
        ("services_needed", "Noise", (HERE, "c3"), "v2"),
        ("services_needed", "Free", (HERE, "c1"), "v3"),
        ("services_needed", "Local", (HERE, None), "v4"),
    ],
)
def test_place_bound_entries(setting: str, value: str, where: Any, expected: str) -> None:
    assert list(resolved(setting, value, *where).fields.values()) == [expected]


@pytest.mark.parametrize(
    ("setting", "value", "where", "code", "said"),
    [
        ("sector", "HVAC", (THERE,), "unmapped_sector", "does not offer"),
        ("services_needed", "Local", (THERE,), "unmapped_services_needed", "does not offer"),
        ("services_needed", "Noise", (HERE, "c9"), "unmapped_services_needed", "another category"),
        ("services_needed", "Noise", (HERE, None), "ambiguous_services_needed", "v1, v2"),
    ],
)
def test_place_bound_entries_elsewhere(setting: str, value: str, where: Any, code: str, said: str) -> None:
    found = resolved(setting, value, *where, required=True)
    assert found.reason is not None
    assert found.reason.code == code
    assert said in found.reason.message


def test_two_keys_that_are_one_must_agree() -> None:
    same = {"job_status": {"mode": "map", "values": {"WIP": "Open", "w i p": "Open"}}}
    assert rules_of(Enumerations.model_validate(same))
    other = {"job_status": {"mode": "map", "values": {"WIP": "Open", "w i p": "Old"}}}
    with pytest.raises(ValueError, match="job_status"):
        rules_of(Enumerations.model_validate(other))


def test_what_the_settings_write_down_is_checked() -> None:
    rules = (
        rule("job_status", mode="map", values={"a": "Open", "b": "Nowhere", "c": "Nowhere"}, default="Old"),
        rule("sector", default="HVAC"),
        rule("job_priority", default="Twice"),
    )
    found = [(item.setting, item.target, item.missed is None) for item in configured_targets(rules, LISTS)]
    assert found == [
        ("enumerations.job_status", "Open", True),
        ("enumerations.job_status", "Nowhere", False),
        ("enumerations.job_status", "Old", False),
        ("enumerations.sector", "HVAC", True),
        ("enumerations.job_priority", "Twice", False),
    ]


def test_closed_status() -> None:
    assert closed_status_id("open", LISTS) == "s1"
    assert isinstance(closed_status_id("Gone", LISTS), Missed)
