"""Each row of contract §3 that the planner decides, in its order; and what each intent carries."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import Cause, EntityType, IntentKind, Source
from streams.planning.decode import Change, NotAChange
from streams.planning.lists import Listed, WillowLists
from streams.planning.places import EntityNode, PlaceKind
from streams.planning.plan import changed_at, plan_not_a_change

NOW_MS = 1_793_620_800_000
NOTHING: dict[str, Any] = {}


@dataclass(frozen=True)
class Row:
    """One decision: ``record`` and ``settings`` change the world's; ``without`` are entities not in the table."""

    id: str
    code: str | None
    record: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    kind: IntentKind = IntentKind.SKIP
    said: str = ""
    waiting_for: tuple[str, ...] = ()


def related(*ids: str) -> dict[str, Any]:
    return {"relatesTo": [{"id": item} for item in ids]}


PARK, UPSERT = IntentKind.PARK, IntentKind.UPSERT
BORN = {"mappingKey": "msrc:///CON@willow-source/ticket/1"}
NO_STATUS, OUT = {"jobStatus": None}, related("THG5")

ROWS = [
    Row("ticket", None, kind=UPSERT),
    Row("born by key", "willow_born", BORN, said="mappingKey"),
    Row("born by identity", "willow_born", {"identities": [{"value": "x@willow"}]}, said="x@willow"),
    Row("guard off", None, BORN, {"willow_born": {"patterns": []}}, kind=UPSERT),
    Row("other pattern", "willow_born", {"mappingKey": "W-1"}, {"willow_born": {"patterns": ["^W-"]}}),
    Row("born before type", "willow_born", {**BORN, "exactType": "Asset"}),
    Row("type", "other_entity_type", {"exactType": "WorkOrderCost"}, said="WorkOrder, ServiceRequest"),
    Row("type before status", "other_entity_type", {"exactType": "Asset", **NO_STATUS}),
    Row("type spelt otherwise", None, {"exactType": "SERVICE_REQUEST"}, kind=UPSERT),
    Row("no type", None, {"exactType": None}, kind=UPSERT),
    Row("null status", "missing_job_status", NO_STATUS, said="null"),
    Row("blank status", "missing_job_status", {"jobStatus": " "}, said="blank"),
    Row("default or not", "missing_job_status", NO_STATUS, {"enumerations": {"job_status": {"default": "Open"}}}),
    Row("status before relation", "missing_job_status", {**NO_STATUS, "relatesTo": None}),
    Row("null relation", "no_related_entity", {"relatesTo": None}),
    Row("no relation", "no_related_entity", {"relatesTo": []}),
    Row("thing alone", "no_related_entity", {}, {"require_related_place": True}, said="place"),
    Row("thing and place", None, related("THG9", "FLR1"), {"require_related_place": True}, kind=UPSERT),
    Row(
        "perhaps a place",
        "unknown_entity",
        related("NEW"),
        {"require_related_place": True},
        kind=PARK,
        waiting_for=("NEW",),
    ),
    Row("site unknown", "unknown_site", OUT, {"selected_sites": ["BLDG1", "TW-X"]}, kind=PARK, waiting_for=("TW-X",)),
    Row(
        "site before entity", "unknown_site", related("NEW"), {"selected_sites": ["B7"]}, kind=PARK, waiting_for=("B7",)
    ),
    Row("a known site suffices", None, NOTHING, {"selected_sites": ["BLDG1", "TW-X"]}, kind=UPSERT),
    Row("entity unknown", "unknown_entity", related("NEW"), kind=PARK, waiting_for=("NEW",), said="NEW"),
    Row("link unknown", "unknown_entity", OUT, without=("SITE1",), kind=PARK, waiting_for=("SITE1",), said="SITE1"),
    Row("one unknown, one outside", "unknown_entity", related("NEW", "THG5"), kind=PARK, waiting_for=("NEW",)),
    Row("one unknown, one inside", None, related("NEW", "THG9"), kind=UPSERT),
    Row("outside", "outside_selected_sites", OUT, said="Pump (THG5)"),
    Row("above is outside", "outside_selected_sites", related("SITE1")),
    Row("every site", None, OUT, {"selected_sites": ["*"]}, kind=UPSERT),
    Row("no twin", "no_willow_twin", related("THG7"), kind=PARK, waiting_for=("THG7",), said="VAV-1"),
    Row("twin outside", "no_willow_twin", related("THG7", "THG5"), kind=PARK, waiting_for=("THG7",)),
    Row(
        "no twin before unmapped",
        "no_willow_twin",
        {**related("THG7"), "jobStatus": "?"},
        kind=PARK,
        waiting_for=("THG7",),
    ),
    Row("unmapped", "unmapped_job_status", {"jobStatus": "Mislaid"}, said="'Mislaid'"),
    Row(
        "unmapped sector",
        "unmapped_sector",
        {"sector": "Magic"},
        {"enumerations": {"sector": {"mode": "match_name", "required": True}}},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_decisions(world: Any, row: Row) -> None:
    world.settings |= row.settings
    for entity in row.without:
        del world.table.nodes[entity]
    record = world.record(**row.record)
    intent = world.plan(record)
    assert (intent.kind, intent.reason and intent.reason.code) == (row.kind, row.code)
    assert intent.waiting_for == list(row.waiting_for)
    assert intent.record == record
    assert (intent.positions, bool(intent.watch)) == (({0: 42}, True) if row.kind is PARK else ({}, False))
    if intent.reason is not None:
        assert row.said in intent.reason.message
        assert intent.reason.remedy
        assert intent.twins == []
    assert bool(intent.fields) == (row.kind in (UPSERT, PARK))


def test_a_ticket(world: Any) -> None:
    record = world.record(jobPriority="High", sector="HVAC", jobType=None, dateUpdated="2026-11-02T09:00:00Z")
    intent = world.plan(record, replay_id="r1", force=True, cause=Cause.REPLAY)
    assert intent.fields == {
        "externalId": "WO1",
        "sourceName": "Mapped",
        "externalUpdatedDate": "2026-11-02T09:00:00Z",
        "summary": "AHU-3 rattles",
        "customProperties": {"relatedEntities": "AHU-3 (THG9)"},
        "statusId": "Open-id",
        "priorityId": "High-id",
        "jobTypeId": None,
    }
    assert [(twin.entity_id, twin.twin_id, twin.fields) for twin in intent.twins] == [
        ("THG9", "TW-AHU-3", {"categoryId": "HVAC-id"})
    ]
    assert intent.required == ["statusId"]
    assert intent.fallbacks == {"assigneeType": "noAssignee"}
    assert intent.date_updated == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert (intent.replay_id, intent.force, intent.cause) == ("r1", True, Cause.REPLAY)
    assert (intent.missing, intent.timestamp_ms) == ([], NOW_MS)


def test_a_delete_says_nothing_of_fields(world: Any) -> None:
    intent = world.plan({"id": "WO1"}, deleted=True)
    assert intent.kind is IntentKind.DELETE
    assert (intent.fields, intent.record, intent.missing, intent.date_updated) == ({}, {}, [], None)


@pytest.mark.parametrize(
    ("left_out", "kind"), [(["jobStatus"], UPSERT), (["relatesTo"], UPSERT), (["jobStatus", "relatesTo"], UPSERT)]
)
def test_what_the_record_left_out_is_named(world: Any, left_out: list[str], kind: IntentKind) -> None:
    record = {name: value for name, value in world.record(sector="HVAC").items() if name not in left_out}
    intent = world.plan(record)
    assert (intent.kind, intent.missing) == (kind, left_out)
    assert ("statusId" in intent.fields) == ("jobStatus" not in left_out)
    assert bool(intent.twins) == ("relatesTo" not in left_out)
    assert "summary" in intent.fields


def test_what_can_be_decided_without_a_status_is(world: Any) -> None:
    record = world.record(**OUT)
    del record["jobStatus"]
    intent = world.plan(record)
    assert (intent.reason.code, intent.missing) == ("outside_selected_sites", ["jobStatus"])


def test_equals_each_with_their_own_category(world: Any) -> None:
    here, there = frozenset({"TW-AHU-2"}), frozenset({"TW-AHU-3"})
    world.lists = WillowLists(
        statuses=world.lists.statuses,
        categories=(Listed("c2", "HVAC", locations=here), Listed("c3", "HVAC", locations=there)),
    )
    intent = world.plan(world.record(**related("THG9", "THG8"), sector="hvac"))
    assert [(twin.entity_id, twin.fields["categoryId"]) for twin in intent.twins] == [("THG8", "c2"), ("THG9", "c3")]


def test_an_equal_without_a_required_category_is_left_out(world: Any) -> None:
    world.settings["enumerations"] = {"sector": {"required": "true"}}
    here = frozenset({"TW-AHU-3"})
    world.lists = WillowLists(statuses=world.lists.statuses, categories=(Listed("c", "HVAC", locations=here),))
    intent = world.plan(world.record(**related("THG9", "THG8"), sector="HVAC"))
    assert [twin.entity_id for twin in intent.twins] == ["THG9"]
    assert intent.warnings == ["unmapped_sector: THG8 is left out"]


def test_a_service_hangs_under_the_tickets_category(world: Any) -> None:
    world.settings["enumerations"] = {"services_needed": {"mode": "match_name"}}
    with_category = world.plan(world.record(sector="HVAC", problemDescription="noise"))
    assert with_category.twins[0].fields == {"categoryId": "HVAC-id", "serviceNeededId": "sv-noise"}
    other = world.plan(world.record(sector="Plumbing", problemDescription="noise"))
    assert other.twins[0].fields == {"categoryId": "Plumbing-id"}
    assert other.twins[0].warnings == ["unmapped_services_needed: 'noise'"]


def test_a_parked_order_is_woken_by_any_link_of_its_chains(world: Any) -> None:
    intent = world.plan(world.record(**related("THG7", "NEW")))
    assert intent.watch == ["BLDG1", "FLR1", "NEW", "SITE1", "SPC1", "THG7"]
    world.settings["selected_sites"] = ["TW-X"]
    watch = world.plan(world.record(**related("NEW"))).watch
    assert watch == ["NEW", "TW-X", "twin:TW-X"]


def test_a_loop_is_named(world: Any) -> None:
    world.table.add(EntityNode("A", PlaceKind.SPACE, None, "B"), EntityNode("B", PlaceKind.SPACE, None, "A"))
    intent = world.plan(world.record(**related("A")))
    assert (intent.reason.code, intent.warnings) == ("unknown_entity", ["location_loop: A"])
    assert "location_loop" in intent.reason.message
    assert world.plan(world.record(**related("A", "THG9"))).warnings == ["location_loop: A"]


def test_the_tickets_that_the_order_names_newest_first(world: Any) -> None:
    urn = "urn:willowinc:ticket:id:"
    identities = [
        {"value": f"{urn}T1"},
        {"value": f"{urn}T2", "dateCreated": "2026-01-01T00:00:00Z"},
        {"value": f"{urn}T3", "dateCreated": "2026-02-01T00:00:00Z"},
        {"value": "urn:other:1"},
    ]
    for record in (world.record(identities=identities), world.record(identities=identities, **OUT)):
        assert world.plan(record).ticket_ids == ["T3", "T2", "T1"]


@pytest.mark.parametrize(
    ("updated", "stamp", "counts"),
    [
        ("2026-11-02T11:00:00Z", NOW_MS, True),
        ("2026-11-03T12:00:00Z", NOW_MS, True),
        ("2026-11-03T12:00:00.001000Z", NOW_MS, False),
        ("2099-01-01T00:00:00Z", None, True),
        ("2099-01-01T00:00:00Z", -1, True),
        (None, NOW_MS, False),
    ],
)
def test_an_instant_far_ahead_does_not_count(world: Any, updated: Any, stamp: int | None, counts: bool) -> None:
    intent = world.plan(world.record(dateUpdated=updated), timestamp_ms=stamp)
    assert (intent.date_updated is not None) == counts


def test_changed_at() -> None:
    assert changed_at({"dateUpdated": "2026-11-02T09:00:00Z"}, NOW_MS) == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert changed_at({}, NOW_MS) == datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert changed_at({}, None) is changed_at({}, -1) is changed_at({}, 10**18) is None


@pytest.mark.parametrize(
    ("exact_type", "expected"),
    [
        ("ServiceRequest", EntityType.SERVICE_REQUEST),
        ("SERVICE_REQUEST", EntityType.SERVICE_REQUEST),
        ("WorkOrder", EntityType.WORK_ORDER),
        (None, EntityType.WORK_ORDER),
    ],
)
def test_the_entity_type(world: Any, exact_type: str | None, expected: EntityType) -> None:
    assert world.plan(world.record(exactType=exact_type)).entity_type is expected


def test_warnings_of_the_key_are_carried(world: Any) -> None:
    change = Change("WO1", False, world.record(jobPriority="Odd"), ("key_differs",))
    assert world.plan_change(change).warnings == ["key_differs", "unmapped_job_priority: 'Odd'"]


def test_a_control_record() -> None:
    source = Source(topic="t", partition=0, offset=1)
    intent = plan_not_a_change(NotAChange("a heartbeat", None), source=source, timestamp_ms=NOW_MS)
    assert (intent.kind, intent.work_order_id) == (IntentKind.SKIP, "")
    assert intent.reason is not None
    assert (intent.reason.code, "a heartbeat" in intent.reason.message) == ("not_a_change", True)


CLOSING = {"on_delete": "close", "on_leave": "close", "closed_status": "closed"}


def test_a_delete_and_a_skip_carry_what_closes_the_ticket(world: Any) -> None:
    record = world.record(relatesTo=[])
    assert world.plan({"id": "WO1"}, deleted=True).fields == world.plan(record).fields == {}
    world.settings |= CLOSING
    assert world.plan({"id": "WO1"}, deleted=True).fields == {"statusId": "Closed-id"}
    assert world.plan(record).fields == {"statusId": "Closed-id"}
    assert "statusId" in world.plan(world.record()).fields
    assert world.plan(world.record()).fields["statusId"] == "Open-id"


def test_a_closing_status_that_willow_lacks_closes_nothing_and_says_so(world: Any) -> None:
    world.settings |= {**CLOSING, "closed_status": "Shut"}
    intent = world.plan({"id": "WO1"}, deleted=True)
    assert intent.fields == {}
    (warning,) = intent.warnings
    assert warning.startswith("closed_status: ")
    assert "Shut" in warning
