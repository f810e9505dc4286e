"""A fresh plan in steps that an operator can read."""

from typing import Any

import orjson
import pytest

from schemas.source import Source
from streams.cli.explain_text import story_lines
from streams.delivery.create import Seen
from streams.delivery.state import OrderState
from streams.planning.decode import Change
from streams.planning.lists import Listed, WillowLists
from streams.planning.rules import Rules
from streams.reading.document import story_document
from streams.reading.log import Logged
from streams.reading.order_facts import Stage
from streams.reading.records import InputRecord
from streams.reading.replanning import Replanner
from streams.reading.steps import Steps, steps_of
from streams.reading.story import InWillow, Story
from streams.settings import InputFormat, Settings
from streams.tables.twins import TwinTable

LISTS = WillowLists(
    statuses=(Listed("s-open", "Open"),),
    categories=(Listed("c-1", "HVAC", locations=frozenset({"TW-AHU1"})),),
)
SOURCE = Source(topic="work-orders", partition=0, offset=7, topic_id="id-1")
TWIN = "urn:willowinc:twin:id:"
ESTATE = [
    ("SITE1", "Site", None, None),
    ("FLR1", "Floor", "SITE1", "TW-FLR1"),
    ("AHU1", "AirHandlingUnit", "FLR1", "TW-AHU1"),
    ("AHU2", "AirHandlingUnit", "FLR1", "TW-AHU2"),
    ("PUMP1", "Pump", "FLR1", None),
    ("SITE9", "Site", None, None),
    ("LOOP", "Space", "LOOP", "TW-LOOP"),
    ("GAP", "Space", "NOWHERE", "TW-GAP"),
]


def settings_with(**changes: Any) -> Settings:
    willow = {"base_url": "http://willow.example", "client_id": "a", "client_secret": "b"}
    return Settings.model_validate({"willow": willow, "selected_sites": ["SITE1"], **changes})


def twins() -> TwinTable:
    table = TwinTable(InputFormat.AUTO)
    for offset, (entity, kind, parent, twin) in enumerate(ESTATE):
        link = None if parent is None else {"id": parent}
        thing = kind not in {"Site", "Floor", "Space"}
        document: dict[str, Any] = {"id": entity, "exactType": kind, "name": f"{kind} {entity}"}
        document["hasLocation" if thing else "isPartOf"] = link
        document["identities"] = [{"value": TWIN + twin}] if twin else []
        table.apply(0, offset, 0, entity.encode(), orjson.dumps(document))
    return table


def story(record: dict[str, Any], settings: Settings, state: OrderState | None = None) -> Story:
    state = state or OrderState()
    seen = Seen(state.ticket_id, None, ())
    whole = {"id": "WO1", "exactType": "WorkOrder", "jobStatus": "open", "summary": "Leak", **record}
    change = Change("WO1", False, whole)
    table = twins()
    replanner = Replanner(table, LISTS, Rules.of(settings), lambda _: None)
    planned = replanner.plan(change, SOURCE, 1_000, state, seen, replay_id="r")
    newest = InputRecord(Logged("work-orders", 0, 7, 1_000, b"WO1", b"", ()), change)
    return Story("WO1", (), state, seen, newest, Stage.DECIDED, table, LISTS, planned, InWillow())


def steps(record: dict[str, Any], state: OrderState | None = None, **changes: Any) -> Steps:
    settings = settings_with(**changes)
    told = story(record, settings, state)
    assert told.planned is not None
    return steps_of(told.planned, told.state.clear.get("twinId"), told.twins, LISTS, settings)


def related(*ids: str) -> dict[str, Any]:
    return {"relatesTo": [{"id": entity} for entity in ids]}


@pytest.mark.parametrize(
    ("entities", "present", "choices"),
    [
        (["AHU1"], None, {"AHU1": "chosen: the most specific with a twin"}),
        (
            ["AHU1", "FLR1"],
            None,
            {"AHU1": "chosen: the most specific with a twin", "FLR1": "another one is more specific"},
        ),
        (
            ["AHU2", "AHU1"],
            None,
            {
                "AHU1": "chosen: the lowest id of 2 that are the most specific with a twin",
                "AHU2": "as specific as the chosen one",
            },
        ),
        (
            ["AHU2", "AHU1"],
            "TW-AHU2",
            {
                "AHU1": "as specific as the chosen one",
                "AHU2": "chosen: the ticket's present twin of 2 that are the most specific with a twin",
            },
        ),
        (["PUMP1", "FLR1"], None, {"PUMP1": "has no Willow twin", "FLR1": "chosen: the most specific with a twin"}),
        (["SITE9", "AHU1"], None, {"SITE9": "in no selected site", "AHU1": "chosen: the most specific with a twin"}),
        (["NEW"], None, {"NEW": "nothing is known to lie in a selected site"}),
    ],
)
def test_why_a_twin_is_chosen_or_not(entities: list[str], present: str | None, choices: dict[str, str]) -> None:
    state = OrderState(clear={"twinId": present} if present else {})
    assert {place.id: place.choice for place in steps(related(*entities), state).places} == choices


def test_a_chain_shows_each_link_and_where_knowledge_ends() -> None:
    places = {place.id: place for place in steps(related("AHU1", "LOOP", "GAP")).places}
    chain = [(link.id, link.kind, link.selected) for link in places["AHU1"].chain]
    assert chain == [("AHU1", "Thing", False), ("FLR1", "Floor", False), ("SITE1", "Site", True)]
    assert (places["AHU1"].site, places["AHU1"].whereabouts) == ("SITE1", "inside")
    assert (places["LOOP"].loop, places["LOOP"].missing) == (True, "LOOP")
    assert [(link.id, link.kind) for link in places["GAP"].chain] == [("GAP", "Space"), ("NOWHERE", None)]
    assert places["GAP"].missing == "NOWHERE"


def test_each_enumeration_has_its_source() -> None:
    mapped = {"job_priority": {"mode": "map", "values": {"P1": "Urgent"}, "required": False}}
    found = steps({**related("AHU1"), "sector": "HVAC", "jobPriority": "P1"}, enumerations=mapped).enumerations
    told = {step.setting: (step.value, step.name, step.source, step.at) for step in found}
    assert told["job_status"] == ("open", "Open", "Willow's list, by name", None)
    assert told["sector"] == ("HVAC", "HVAC", "Willow's list, by name", "AHU1")
    assert told["job_priority"] == ("P1", None, "mode: map", None)
    assert told["services_needed"][2] == "not sent"
    why = {step.setting: step.why for step in found}
    assert (why["services_needed"], why["job_priority"]) == ("mode: omit", "unmapped_job_priority: 'P1'")
    assert why["job_type"] == "the record does not carry it, or the plan ended before"


def test_each_field_says_what_it_is_made_from() -> None:
    fields = {step.field: (step.value, step.source) for step in steps(related("AHU1")).fields}
    assert fields["twinId"] == ("TW-AHU1", "relatesTo")
    assert fields["statusId"] == ("s-open", "jobStatus")
    assert fields["externalId"] == ("WO1", "id, by external_id_template")
    assert all(source for _, source in fields.values())


def test_a_refusal_ends_the_checks() -> None:
    found = steps({**related("AHU1"), "exactType": "Asset"})
    assert [(check.code, check.passed) for check in found.checks] == [
        ("willow_born", True),
        ("other_entity_type", False),
    ]
    assert (found.places, found.fate, found.code) == ((), "skip", "other_entity_type")


def test_what_earlier_records_filled_in_is_named() -> None:
    state = OrderState(decided={"id-1/0": 7}, scope={"relatesTo": [{"id": "AHU1"}], "jobStatus": "open"})
    found = steps({}, state)
    assert (found.filled, found.twin_id, found.fate) == (("relatesTo",), "TW-AHU1", "create")


def test_the_text_and_the_document_tell_the_same() -> None:
    settings = settings_with()
    told = story({**related("AHU1", "LOOP"), "description": "Line one\nline two"}, settings)
    text = "\n".join(story_lines(told, settings))
    assert text.startswith("WO1: A fresh plan would create its ticket.")
    assert "what to do: To send it: `willow-sync replay --key WO1`." in text
    assert "Thing AirHandlingUnit AHU1 (AHU1) → Floor Floor FLR1 (FLR1) → Site Site SITE1 (SITE1) (selected)" in text
    assert "unknown, a loop at LOOP" in text
    assert "description: Line one⏎line two" in text
    assert "upsert: a ticket would be created" in text
    document = story_document(told, settings)
    assert orjson.loads(orjson.dumps(document))["plan"]["twinId"] == "TW-AHU1"
    assert document["verdict"].startswith("A fresh plan would create its ticket.")
