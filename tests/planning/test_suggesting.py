"""Suggested enumerations: what matches, how, and that the planner then finds what was suggested."""

from typing import Any

from streams.planning.enumerations import Resolved, resolve, rules_of
from streams.planning.lists import Listed, WillowLists
from streams.planning.suggesting import Match, Suggestion, suggest
from streams.settings import Enumeration, EnumerationMode, Enumerations

LISTS = WillowLists(
    statuses=(Listed("s1", "Open"), Listed("s2", "In Progress"), Listed("s3", "Old", is_active=False)),
    priorities=(Listed("p1", "High"), Listed("p2", "high !")),
    categories=(Listed("c1", "HVAC", locations=frozenset({"TW1"})), Listed("c2", "HVAC", locations=frozenset({"TW2"}))),
    job_types=(Listed("j1", "Calibration"), Listed("j2", "Calibration"), Listed("j3", "Repair")),
)


def of(setting: str, counts: dict[str, int], **present: Any) -> Suggestion:
    given = Enumerations.model_validate({setting: present} if present else {})
    return next(item for item in suggest({setting: counts}, LISTS, given) if item.field.setting == setting)


def told(found: Suggestion) -> dict[str, tuple[int, Match | None, str | None]]:
    return {item.value: (item.records, item.match, item.target) for item in found.values}


def test_exact_goes_before_form_and_what_fits_nothing_is_told() -> None:
    found = of("job_status", {"Open": 5, "IN_PROGRESS": 3, "Mystery": 2, "Old": 1})
    assert found.mode is EnumerationMode.MAP
    assert told(found) == {
        "Open": (5, Match.EXACT, "Open"),
        "IN_PROGRESS": (3, Match.FORM, "In Progress"),
        "Mystery": (2, None, None),
        "Old": (1, None, None),
    }
    assert [(item.value, item.absent, item.creatable) for item in found.unmatched] == [
        ("Mystery", True, False),
        ("Old", False, False),
    ]


def test_spellings_that_are_one_to_the_planner_are_one_line_in_the_most_frequent() -> None:
    assert told(of("job_status", {"open": 2, " OPEN ": 7, "O pen": 1})) == {" OPEN ": (10, Match.EXACT, "Open")}


def test_what_is_configured_is_kept_also_when_it_was_not_met() -> None:
    found = of("job_status", {"wip": 4}, mode="map", values={"WIP": "In Progress", "Parked": "Open", "Lost": "Nowhere"})
    assert told(found) == {
        "wip": (4, Match.CONFIGURED, "In Progress"),
        "Parked": (0, Match.CONFIGURED, "Open"),
        "Lost": (0, None, None),
    }


def test_names_alone_need_no_map_and_a_new_entry_may_complete_them() -> None:
    found = of("job_type", {"Repair": 3, "Vandalism": 1})
    assert found.mode is EnumerationMode.MATCH_NAME
    assert [item.value for item in found.unmatched if item.creatable] == ["Vandalism"]


def test_two_entries_of_one_name_need_an_id_unless_places_tell_them_apart() -> None:
    found = of("job_type", {"Repair": 3, "Calibration": 2})
    assert found.mode is EnumerationMode.MAP
    assert found.unmatched[0].why == "2 of Willow's fit 'Calibration': j1, j2"
    assert not found.unmatched[0].creatable
    assert told(of("sector", {"hvac": 1})) == {"hvac": (1, Match.EXACT, "HVAC")}


def test_a_form_that_two_entries_have_is_no_match() -> None:
    assert told(of("job_priority", {"HIGH-": 1})) == {"HIGH-": (1, None, None)}


def test_without_a_value_or_a_match_the_mode_stays_usable() -> None:
    assert of("job_status", {}).mode is EnumerationMode.MATCH_NAME
    assert of("job_status", {"Mystery": 1}, mode="map", default="Open").mode is EnumerationMode.MATCH_NAME
    assert of("services_needed", {"Leak": 1}).mode is EnumerationMode.OMIT
    assert of("job_sub_status", {"On hold": 1}).unmatched[0].why == "Willow publishes no list of them: write the id"


def test_the_planner_finds_what_was_suggested() -> None:
    found = of("job_status", {"Open": 5, "IN_PROGRESS": 3})
    values = {item.value: item.target for item in found.matched}
    written = Enumerations(job_status=Enumeration.model_validate({"mode": found.mode, "values": values}))
    (rule,) = (rule for rule in rules_of(written) if rule.field.setting == "job_status")
    assert resolve(rule, "in_progress", LISTS) == Resolved({"statusId": "s2"})
    assert resolve(rule, "Open", LISTS) == Resolved({"statusId": "s1"})
