"""What the commands gather, from topics filled by hand."""

import json
from typing import Any

import orjson
import pytest

from schemas import dead_letter
from schemas.claim import claim_key
from streams.delivery.foresee import Fate
from streams.delivery.state import OrderState, Owed, Waiting, hashes_of
from streams.planning.lists import Listed, WillowLists
from streams.reading.dead_letters import dead_letters
from streams.reading.log import Log
from streams.reading.order_facts import Stage, is_pending, read_order
from streams.reading.overview import overview_of
from streams.reading.replay_plan import Row, replay_plan
from streams.reading.replays import GONE, Wanted, pick
from streams.reading.states import order_states
from streams.reading.waiting import waiting_orders
from tests.reading.conftest import Topics

pytestmark = pytest.mark.kafka

LISTS = WillowLists(statuses=(Listed("open-id", "Open"),))
SITE = {"id": "SITE1", "exactType": "Site", "name": "Campus", "identities": [{"value": "urn:willowinc:twin:id:TW1"}]}


def entity(topics: Topics, **document: Any) -> None:
    topics.put("entities", document["id"].encode(), orjson.dumps(document))


def identity(topics: Topics, order_id: str, ticket: str) -> None:
    value = {"identity": {"value": f"urn:willowinc:ticket:id:{ticket}"}, "instance": "http://willow.example/api/v3"}
    topics.put("ticket_identities", order_id.encode(), orjson.dumps(value))


def order(topics: Topics, order_id: str, **fields: Any) -> tuple[int, int]:
    whole = {"summary": "Leak", "jobStatus": "Open", "relatesTo": [{"id": "SITE1"}], **fields}
    return topics.input(order_id, **{"exactType": "WorkOrder", **whole})


def waits(topics: Topics, order_id: str, kind: str, code: str, since: float, *wanted: str) -> tuple[int, int]:
    at = order(topics, order_id)
    source = {"topic": topics.settings.topics.work_orders, "partition": at[0], "offset": at[1]}
    reason = {"code": code, "message": f"{order_id} waits.", "remedy": "Bring it."}
    said = {"outcome": "parked", "reason": reason, "waitingFor": list(wanted), "source": source}
    waiting = Waiting(kind, code, since, {"source": source, "record": {}}, [Owed(source)], outcome=said)
    topics.state(order_id, OrderState(decided={f"{topics.topic_id}/{at[0]}": at[1]}, waiting=waiting))
    return at


def test_a_dry_run_plans_each_record_against_what_is_known_now(topics: Topics, log: Log) -> None:
    entity(topics, **SITE)
    for name in ("NEW", "MYSTERY"):
        status = {"jobStatus": "Mystery"} if name == "MYSTERY" else {}
        topics.decided(name, order(topics, name, **status), "rejected", "invalid")
    topics.decided("PARKS", order(topics, "PARKS", relatesTo=[{"id": "NOWHERE"}]), "rejected", "invalid")
    sent = {
        "externalId": "SAME",
        "sourceName": "Mapped",
        "summary": "Leak",
        "statusId": "open-id",
        "twinId": "TW1",
        "customProperties": {"relatedEntities": "SITE1"},
    }
    bound = {"ticket_id": "T1", "hashes": hashes_of(sent), "clear": {"twinId": "TW1"}}
    topics.decided("SAME", order(topics, "SAME"), "rejected", "conflict", **bound)
    topics.decided("OTHER", order(topics, "OTHER"), "rejected", "conflict", **bound)
    topics.decided(
        "NAMES", order(topics, "NAMES", identities=[{"value": "urn:willowinc:ticket:id:T9"}]), "rejected", "x"
    )
    identity(topics, "OWNER", "T9")
    topics.put("create_claims", claim_key("CLAIMED", "c1"), b'{"state":"open","deadlineSeconds":1}', partition=0)
    topics.decided("LOST", (0, 999), "rejected", "invalid")
    picked = pick(log, topics.settings, Wanted(outcome="rejected"), topics.topic_id)
    rows = replay_plan(log, topics.settings, picked, topics.topic_id, LISTS, force=False)
    assert rows == [
        Row(Fate.CREATE, None, 1, "NEW"),
        Row(Fate.UPDATE, None, 1, "OTHER"),
        Row(Fate.UNCHANGED, None, 1, "SAME"),
        Row(Fate.SKIP, "ticket_owned_by_other", 1, "NAMES"),
        Row(Fate.SKIP, "unmapped_job_status", 1, "MYSTERY"),
        Row(Fate.PARK, "unknown_entity", 1, "PARKS"),
    ]
    assert picked.left_out[GONE] == 1


def test_the_overview_counts_what_stands_in_the_topics(topics: Topics) -> None:
    entity(topics, **SITE)
    entity(topics, id="THG1", exactType="Pump", name="Pump", hasLocation={"id": "SITE1"}, identities=[])
    identity(topics, "TRACKED", "T1")
    waits(topics, "P1", "parked", "no_willow_twin", 1_700_000_000.0, "THG1")
    waits(topics, "D1", "in_doubt", "create_in_doubt", 1_700_000_500.0)
    topics.decided("LEFT", order(topics, "LEFT"), "skipped", "left_no_related_entity", left="no_related_entity")
    topics.put("create_claims", claim_key("D1", "c1"), b'{"state":"open","deadlineSeconds":1}', partition=0)
    settings = topics.settings.model_copy(update={"selected_sites": ["TW1", "NOWHERE"]})
    found = overview_of(settings, clock=lambda: 1_800_000_000.0)
    assert (found.orders, found.parked, found.in_doubt, found.left) == (3, {"no_willow_twin": 1}, 1, 1)
    assert (found.tickets, found.open_claims, found.entities, found.entities_with_twin) == (1, 1, 2, 1)
    assert found.oldest_parked == "2023-11-14T22:13:20.000Z"
    assert [(site.selected, site.entity_id, site.name) for site in found.sites] == [
        ("NOWHERE", None, None),
        ("TW1", "SITE1", "Campus"),
    ]
    assert (found.lag_records, found.group.members) == (3, 0)
    assert {item.committed for item in found.lag} == {None}
    assert found.oldest_unsynced_seconds is not None


def test_who_waits_is_listed_longest_first(topics: Topics) -> None:
    waits(topics, "LATER", "parked", "unknown_site", 2_000.0, "SITE2")
    waits(topics, "FIRST", "parked", "no_willow_twin", 1_000.0, "THG1")
    topics.decided("DONE", order(topics, "DONE"), "created")
    found = waiting_orders(topics.settings)
    assert [(item.order_id, item.reason, item.waiting_for, item.remedy) for item in found] == [
        ("FIRST", "no_willow_twin", ("THG1",), "Bring it."),
        ("LATER", "unknown_site", ("SITE2",), "Bring it."),
    ]
    assert [item.order_id for item in waiting_orders(topics.settings, reason="unknown_site")] == ["LATER"]


def test_the_newest_record_of_an_order_that_no_worker_has_seen(topics: Topics) -> None:
    new = topics.put("work_orders", b"WO1", b'{"id":"WO1","summary":"new"}', partition=0, timestamp_ms=2_000)
    topics.put("work_orders", b'{"id":"WO1"}', b'{"id":"WO1","summary":"old"}', partition=1, timestamp_ms=1_000)
    topics.put("work_orders", b"WO11", b'{"id":"WO11"}', partition=0, timestamp_ms=3_000)
    facts = read_order(topics.settings, "WO1")
    assert facts.newest is not None
    assert (facts.newest.logged.partition, facts.newest.logged.offset) == new
    assert (facts.stage, facts.history) == (Stage.NOT_PLANNED, ())


def test_a_record_that_was_decided_is_no_lag_though_its_offset_is_not_committed_yet(topics: Topics) -> None:
    """``explain`` right after an outcome said that the record was not planned yet."""
    at = order(topics, "WO1")
    topics.decided("WO1", at, "created")
    decided = read_order(topics.settings, "WO1")
    assert decided.newest is not None
    assert (decided.stage, decided.newest.logged.offset) == (Stage.DECIDED, at[1])
    order(topics, "WO1")
    assert read_order(topics.settings, "WO1").stage is Stage.NOT_PLANNED


@pytest.mark.parametrize(
    ("intent", "pending"),
    [
        ({"kind": "upsert", "offset": 8}, True),
        ({"kind": "upsert", "offset": 7}, False),
        ({"kind": "upsert", "offset": 7, "cause": "replay", "replayId": "r1"}, True),
        ({"kind": "upsert", "offset": 7, "cause": "wake", "waitingId": "w1"}, True),
        ({"kind": "upsert", "offset": 7, "cause": "wake", "waitingId": "w0"}, False),
        ({"kind": "signal", "offset": 9, "cause": "signal"}, False),
    ],
)
def test_which_intents_behind_the_committed_offset_are_still_to_be_carried_out(
    intent: dict[str, Any], pending: bool
) -> None:
    source = {"topic": "orders", "partition": 0, "offset": intent.pop("offset")}
    parked = {"source": {**source, "offset": 7}}
    state = OrderState(decided={"orders/0": 7}, waiting=Waiting("parked", "x", 1.0, parked, [Owed(source)], "w1"))
    assert is_pending({**intent, "source": source}, state) is pending


def test_the_outcome_of_a_record_that_can_t_be_read_is_found_by_its_own_key(topics: Topics) -> None:
    key = b'{"id":"WO1"}'
    at = topics.put("work_orders", key, b"not json")
    source = {"topic": topics.settings.topics.work_orders, "partition": at[0], "offset": at[1]}
    said = {"outcomeId": "o1", "workOrderId": "WO1", "outcome": "dead_lettered", "source": source, "time": "2026"}
    topics.put("outcomes", key, orjson.dumps(said))
    topics.put("outcomes", key, orjson.dumps(said))
    facts = read_order(topics.settings, "WO1")
    assert [item["outcomeId"] for item in facts.history] == ["o1"]


def test_dead_letters_hold_what_came(topics: Topics, log: Log) -> None:
    error = {
        dead_letter.CODE: "undecodable",
        dead_letter.MESSAGE: "no id",
        dead_letter.REMEDY: "Mend it.",
        dead_letter.TOPIC: "in",
        dead_letter.PARTITION: "3",
        dead_letter.OFFSET: "17",
        dead_letter.TIME: "2026-11-02T09:14:11.733Z",
    }
    headers = [("own", b"\xff"), ("own", b"2"), *((name, text.encode()) for name, text in error.items())]
    at = topics.put("dead_letters", json.dumps({"id": "WO1"}).encode(), b"\x00\x01", headers=headers)
    topics.put("dead_letters", b"stranger", b"not ours")
    (found,) = dead_letters(log, topics.settings)
    assert (found.at, found.order_id, found.value) == (at, "WO1", b"\x00\x01")
    assert (found.topic, found.partition, found.offset, found.code) == ("in", 3, 17, "undecodable")
    assert found.headers == (("own", b"\xff"), ("own", b"2"))
    assert list(dead_letters(log, topics.settings, at=at)) == [found]


def test_the_late_state_of_a_former_owner_does_not_count(topics: Topics, log: Log) -> None:
    for generation, ticket in ((3, "T1"), (2, "T2")):
        topics.state("WO", OrderState(generation=generation, ticket_id=ticket))
    assert order_states(log, topics.settings, lambda state: state.ticket_id) == {"WO": "T1"}
