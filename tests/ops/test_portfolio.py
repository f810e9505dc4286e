"""The sample portfolio: reproducible, believable in shape, and complete in what it provokes."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.portfolio import Feed, Message, Portfolio, build_portfolio
from ops.portfolio.debezium import ENTITY_COLUMNS, UNAVAILABLE, WORK_ORDER_COLUMNS
from ops.portfolio.records import TICKET_PLACEHOLDER, Phase
from schemas import Entity, IntentKind, Source, WorkOrder
from schemas.base import Record
from streams.planning.decode import NotAChange, Undecodable, decode_entity, decode_work_order
from streams.planning.lists import Listed, WillowLists
from streams.planning.places import EntityNode
from streams.planning.plan import plan
from streams.planning.rules import Rules
from streams.settings import InputFormat, Settings

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    return build_portfolio(7, NOW)


def envelope(message: Message) -> dict[str, Any] | None:
    """The Debezium envelope of a message, None where it is something else."""
    try:
        value = json.loads(message.value or b"null")
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("op") in {"c", "u", "r", "d"} else None


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert build_portfolio(7, NOW) == build_portfolio(7, NOW)
    assert build_portfolio(7, NOW).changes != build_portfolio(8, NOW).changes


@pytest.mark.parametrize("seed", [1, 7, 42, 2**63])
def test_a_portfolio_of_any_seed_has_the_promised_size(seed: int) -> None:
    portfolio = build_portfolio(seed, NOW)
    things = [m for m in portfolio.entities_now if (m.key or b"").startswith(b'{"id":"THG')]
    assert 290 <= len(portfolio.expected) <= 320
    assert 110 <= len(things) <= 140
    assert 600 <= len(portfolio.changes) <= 1_100


@pytest.mark.parametrize(
    "allowed",
    [
        "dead_lettered/undecodable",
        "rejected/invalid",
        "skipped/ambiguous_job_type",
        "skipped/deleted_kept",
        "skipped/deleted_untracked",
        "skipped/incomplete_record",
        "skipped/missing_job_status",
        "skipped/no_related_entity",
        "skipped/not_a_change",
        "skipped/other_entity_type",
        "skipped/outside_selected_sites",
        "skipped/stale",
        "skipped/ticket_owned_by_other",
        "skipped/unmapped_job_status",
        "skipped/unmapped_job_type",
        "skipped/willow_born",
        "superseded",
    ],
)
def test_each_reason_is_provoked(portfolio: Portfolio, allowed: str) -> None:
    assert any(allowed in message.allowed for message in portfolio.changes)


def test_columns_and_sources_are_debezium_s(portfolio: Portfolio) -> None:
    for messages, columns in (
        (portfolio.changes, WORK_ORDER_COLUMNS),
        (portfolio.entities_now + portfolio.entities_late, ENTITY_COLUMNS),
    ):
        places = []
        for message in messages:
            found = envelope(message)
            if found is None:
                continue
            row = found["before"] if found["op"] == "d" else found["after"]
            assert tuple(row) == columns
            assert json.loads(message.key or b"") == {"id": row["id"]}
            places.append(found["source"]["lsn"])
        assert places == sorted(set(places))


def test_jsonb_columns_are_json_inside_strings_and_rows_fit_the_public_models(portfolio: Portfolio) -> None:
    models: dict[Feed, type[Record]] = {Feed.WORK_ORDERS: WorkOrder, Feed.ENTITIES: Entity}
    nested = ("relatesTo", "identities", "isReportedBy", "isCreatedBy", "hasAssignee", "hasAssignedGroup")
    for message in (*portfolio.changes, *portfolio.entities_now, *portfolio.entities_late):
        found = envelope(message)
        if found is None or found["op"] == "d":
            continue
        row = found["after"]
        for column in (*nested, "isPartOf", "hasLocation"):
            if row.get(column) not in (None, UNAVAILABLE):
                assert isinstance(row[column], str)
                row[column] = json.loads(row[column])
        models[message.feed].model_validate({k: v for k, v in row.items() if v != UNAVAILABLE})


def test_a_delete_is_two_records_and_its_before_holds_the_key_only(portfolio: Portfolio) -> None:
    order = [m for m in portfolio.changes if m.key is not None]
    for index, message in enumerate(order):
        found = envelope(message)
        if found and found["op"] == "d":
            assert {k for k, v in found["before"].items() if v is not None} == {"id"}
            following = next(m for m in order[index + 1 :] if m.key == message.key)
            assert following.value is None


def test_phases_never_fall_and_the_dates_of_good_orders_only_grow(portfolio: Portfolio) -> None:
    phases = [message.phase for message in portfolio.changes]
    assert phases == sorted(phases)
    dates: dict[str, list[str]] = defaultdict(list)
    for message in portfolio.changes:
        found = envelope(message)
        if message.case == "ordinary" and found:
            dates[found["after"]["id"]].append(found["after"]["dateUpdated"])
    for order_id, found_dates in dates.items():
        assert found_dates == sorted(set(found_dates)), order_id
        assert found_dates[-1] <= "2026-11-02T09:00:00.000000Z"


def test_the_newest_good_change_of_an_order_is_never_superseded(portfolio: Portfolio) -> None:
    newest = {m.order_id: m for m in portfolio.changes if m.order_id and m.allowed}
    assert all(m.allowed != {"superseded"} for m in newest.values())
    for order_id, expected in portfolio.expected.items():
        if expected.versions and expected.case == "ordinary":
            assert "superseded" not in newest[order_id].allowed


def test_every_expected_twin_is_known_to_willow_but_the_ghost_s(portfolio: Portfolio) -> None:
    used = {view.twin for expected in portfolio.expected.values() for view in expected.versions}
    assert used <= set(portfolio.twins)
    named = b"".join(message.value or b"" for message in portfolio.entities_now).decode()
    assert "TW-P-OPZ-GHOST" in named
    assert "TW-P-OPZ-GHOST" not in portfolio.twins


def test_the_newest_of_several_twins_counts(portfolio: Portfolio) -> None:
    (expected,) = [e for e in portfolio.expected.values() if e.case == "two twins"]
    assert expected.versions[-1].twin.endswith("-NEW")


def test_late_entities_come_before_a_later_phase(portfolio: Portfolio) -> None:
    assert {m.phase for m in portfolio.entities_late} == {Phase.MORNING, Phase.EVENING}
    early = {m.key for m in portfolio.entities_now}
    late_twins = [m for m in portfolio.entities_late if m.case == "late twin"]
    assert len(late_twins) == 8
    assert all(m.key in early for m in late_twins)
    assert all(m.key not in early for m in portfolio.entities_late if m.case != "late twin")


def test_a_copy_names_the_ticket_of_its_original_once_that_is_known(portfolio: Portfolio) -> None:
    (copy,) = [m for m in portfolio.changes if m.ticket_of]
    filled = copy.with_ticket("11111111-2222-4333-8444-555555555555")
    assert TICKET_PLACEHOLDER.encode() in (copy.value or b"")
    assert TICKET_PLACEHOLDER.encode() not in (filled.value or b"")
    assert b"urn:willowinc:ticket:id:11111111-2222-4333-8444-555555555555" in (filled.value or b"")
    assert filled.ticket_of is None


def test_its_enumerations_lead_to_names_in_its_lists(portfolio: Portfolio) -> None:
    statuses = {entry["name"] for entry in portfolio.lists["statuses"]}
    priorities = {entry["name"] for entry in portfolio.lists["priorities"]}
    mapped = portfolio.settings["enumerations"]
    assert set(mapped["job_status"]["values"].values()) == statuses
    assert set(mapped["job_priority"]["values"].values()) == priorities
    assert {view.status for e in portfolio.expected.values() for view in e.versions} <= statuses


class Graph:
    """The entities as they are once everything late has arrived."""

    def __init__(self, portfolio: Portfolio) -> None:
        decoded = [
            decode_entity(m.key, m.value, list(m.headers), InputFormat.AUTO)
            for m in (*portfolio.entities_now, *portfolio.entities_late)
        ]
        self.undecodable = sum(isinstance(found, Undecodable) for found in decoded)
        self._nodes = {node.id: node for node in decoded if isinstance(node, EntityNode)}

    def get(self, entity_id: str, /) -> EntityNode | None:
        return self._nodes.get(entity_id)

    def by_twin(self, twin_id: str, /) -> str | None:
        return next((node.id for node in self._nodes.values() if node.twin_id == twin_id), None)


@pytest.mark.parametrize("seed", [7, 8])
def test_the_planner_comes_to_what_the_data_alone_says(seed: int) -> None:
    portfolio = build_portfolio(seed, NOW)
    graph = Graph(portfolio)
    lists = willow_lists(portfolio)
    willow = {"base_url": "http://127.0.0.1:9", "client_id": "test", "client_secret": "test"}
    rules = Rules.of(Settings.model_validate({"willow": willow, **portfolio.settings}))
    assert graph.undecodable == sum(bool(m.allowed) for m in portfolio.entities_now)
    for offset, message in enumerate(portfolio.changes):
        found = decode_work_order(message.key, message.value, list(message.headers), InputFormat.AUTO)
        if isinstance(found, Undecodable):
            decided = "dead_lettered/undecodable"
        elif isinstance(found, NotAChange):
            decided = "skipped/not_a_change"
        else:
            intent = plan(
                found,
                source=Source(topic="in", partition=0, offset=offset),
                timestamp_ms=int(NOW.timestamp() * 1000),
                entities=graph,
                lists=lists,
                positions={},
                rules=rules,
            )
            decided = SAID[intent.kind] + (f"/{intent.reason.code}" if intent.reason else "")
        if decided in PLANNERS:
            # What the sink adds to an upsert, a park or a delete depends on the order's state.
            assert message.allowed == {decided}, (message.case, decided)
        elif decided == "upsert":
            assert not message.allowed & PLANNERS, (message.case, decided)
        else:
            assert decided == "deleted" or not message.allowed, (message.case, decided)


def willow_lists(portfolio: Portfolio) -> WillowLists:
    def listed(kind: str) -> tuple[Listed, ...]:
        return tuple(Listed(entry["id"], entry["name"]) for entry in portfolio.lists[kind])

    return WillowLists(
        statuses=listed("statuses"),
        priorities=listed("priorities"),
        categories=listed("categories"),
        job_types=listed("jobTypes"),
        services=listed("servicesNeeded"),
    )


SAID = {
    IntentKind.SKIP: "skipped",
    IntentKind.PARK: "parked",
    IntentKind.UPSERT: "upsert",
    IntentKind.DELETE: "deleted",
}
PLANNERS = {
    "dead_lettered/undecodable",
    "skipped/ambiguous_job_type",
    "skipped/missing_job_status",
    "skipped/no_related_entity",
    "skipped/not_a_change",
    "skipped/other_entity_type",
    "skipped/outside_selected_sites",
    "skipped/unmapped_job_status",
    "skipped/unmapped_job_type",
    "skipped/willow_born",
}
"""What the planner alone decides."""


def test_willow_s_world_hangs_together(portfolio: Portfolio) -> None:
    world = portfolio.world
    twins = {twin["id"]: twin for twin in world["twins"]}
    assert twins.keys() <= set(portfolio.twins)
    assert {twin["modelId"] for twin in twins.values()} <= {model["id"] for model in world["models"]}
    assert all({item["sourceId"], item["targetId"]} <= twins.keys() for item in world["relationships"])
    # Each lies somewhere but for the sites and the buildings that are in none.
    placed = {item["sourceId"] for item in world["relationships"]}
    tops = {twin["contents"]["externalID"] for twin_id, twin in twins.items() if twin_id not in placed}
    assert tops == {"SITE02", "BLDG01", "BLDG03", "BLDG09"}
