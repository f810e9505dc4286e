"""The plan of what Willow lacks."""

from streams.cli.creating import Creation, plan_of, shown_plan
from streams.planning.lists import Listed, WillowLists
from streams.planning.suggesting import suggest
from streams.settings import Enumerations, Settings

LISTS = WillowLists(
    statuses=(Listed("s1", "Open"),),
    categories=(Listed("c1", "HVAC"), Listed("c2", "Retired", is_active=False)),
    job_types=(Listed("j1", "Repair"),),
)
COUNTS = {
    "job_status": {"Mystery": 9},
    "job_type": {"Repair": 5, "Pest control": 3, "PEST-CONTROL": 2, "Odd": 1},
    "sector": {"hvac": 5, "Retired": 4, " Roofing ": 2, "x" * 81: 1},
    "services_needed": {"Leak": 7},
}


def planned(*only: str, min_records: int = 1) -> list[Creation]:
    return plan_of(suggest(COUNTS, LISTS, Enumerations()), only, min_records)


def test_what_a_new_entry_would_mend() -> None:
    assert [(item.setting, item.name[:20], item.records) for item in planned()] == [
        ("job_type", "Pest control", 3),
        ("job_type", "Odd", 1),
        ("sector", "Roofing", 2),
        ("sector", "x" * 20, 1),
    ]


def test_a_field_that_is_not_sent_is_left_out_unless_it_is_named() -> None:
    assert [item.name for item in planned("services_needed")] == ["Leak"]


def test_rare_values_can_be_left_out() -> None:
    assert [item.name for item in planned(min_records=3)] == ["Pest control"]


def test_the_plan_tells_what_cannot_be_made_and_which_settings_must_follow() -> None:
    settings = Settings.model_validate(
        {"willow": {"base_url": "http://w", "client_id": "a", "client_secret": "b"}, "selected_sites": ["*"]}
    )
    lines = list(shown_plan([*planned("sector"), *planned("services_needed")], settings))
    assert lines == [
        "sector: create 'Roofing' (2 records)",
        "sector: can't be created: Willow takes names of up to 80 characters (1 record)",
        "services_needed: create 'Leak' (7 records)",
        "    note: enumerations.services_needed has mode omit; `enumerations suggest` prints what it should be then",
    ]
