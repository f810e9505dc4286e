"""A replay takes of each order the record that it was decided by, and says what it left out."""

import pytest

from streams.delivery.state import OrderState, Owed, Waiting
from streams.reading.log import Log
from streams.reading.replays import (
    GONE,
    NOT_CHANGES,
    NOT_DECIDED,
    OLDER,
    UNREADABLE,
    Picked,
    Wanted,
    pick,
    picked_records,
)
from tests.reading.conftest import Topics

pytestmark = pytest.mark.kafka

WHOLE = {0: 0, 1: 0}


def orders_at(picked: Picked) -> dict[str, tuple[int, int]]:
    return {order: (partition, offset) for partition, there in picked.at.items() for offset, order in there.items()}


def test_by_outcome_and_reason(topics: Topics, log: Log) -> None:
    at = {order: topics.input(order) for order in ("REJ", "SKIP", "UPD")}
    topics.decided("REJ", at["REJ"], "rejected", "invalid")
    topics.decided("SKIP", at["SKIP"], "skipped", "unmapped_job_status")
    topics.decided("UPD", at["UPD"], "updated")

    def picked(wanted: Wanted) -> dict[str, tuple[int, int]]:
        return orders_at(pick(log, topics.settings, wanted, topics.topic_id))

    assert picked(Wanted(outcome="rejected")) == {"REJ": at["REJ"]}
    assert picked(Wanted(reason="unmapped_job_status")) == {"SKIP": at["SKIP"]}
    assert picked(Wanted(outcome="rejected", reason="unmapped_job_status")) == {}
    assert picked(Wanted(order_ids=["UPD", "NOPE"])) == {"UPD": at["UPD"]}
    assert picked(Wanted(start=WHOLE, outcome="skipped")) == {"SKIP": at["SKIP"]}


def test_a_parked_order_stands_as_parked(topics: Topics, log: Log) -> None:
    at = topics.input("WAITS")
    source = {"topic": topics.settings.topics.work_orders, "partition": at[0], "offset": at[1]}
    said = {"outcome": "parked", "reason": {"code": "no_willow_twin"}, "waitingFor": [], "source": source}
    waiting = Waiting("parked", "no_willow_twin", 1.0, {"source": source}, [Owed(source)], outcome=said)
    decided = {f"{topics.topic_id}/{at[0]}": at[1]}
    topics.state("WAITS", OrderState(decided=decided, last={"outcome": "updated", "source": source}, waiting=waiting))
    found = pick(log, topics.settings, Wanted(outcome="parked", reason="no_willow_twin"), topics.topic_id)
    assert orders_at(found) == {"WAITS": at}


def test_of_each_order_only_the_record_it_was_decided_by(topics: Topics, log: Log) -> None:
    old, decided, coming = (topics.input("WO1", summary=str(number)) for number in range(3))
    topics.decided("WO1", decided, "updated")
    topics.put("work_orders", b"POISON", b"not json", partition=0)
    topics.put("work_orders", b"BEAT", b'{"payload": null, "schema": null}', partition=0)
    topics.put("work_orders", None, b'{"op": "m", "message": {}}', partition=0)
    found = pick(log, topics.settings, Wanted(start=WHOLE), topics.topic_id)
    assert orders_at(found)["WO1"] == decided
    assert (old[0], coming[0]) == (decided[0], decided[0])
    assert found.left_out[OLDER] == 1
    assert found.left_out[NOT_DECIDED] == 1
    assert found.left_out[UNREADABLE] == 1
    assert found.left_out[NOT_CHANGES] == 1


def test_without_a_state_the_newest_stands(topics: Topics, log: Log) -> None:
    topics.input("WO1", summary="old")
    newest = topics.input("WO1", summary="new")
    found = pick(log, topics.settings, Wanted(start=WHOLE), topics.topic_id)
    assert (orders_at(found), found.left_out[OLDER]) == ({"WO1": newest}, 1)
    records = list(picked_records(log, topics.settings, found))
    assert [change.record["summary"] for _, change in records] == ["new"]
    assert records[0][0].source(topics.topic_id).topic_id == topics.topic_id


def test_a_record_of_a_topic_that_was_made_again_is_not_taken_for_another(topics: Topics, log: Log) -> None:
    at = topics.input("NEW")
    topics.decided("OLD", at, "rejected", "invalid", topic_id="the-topic-before")
    found = pick(log, topics.settings, Wanted(outcome="rejected"), topics.topic_id)
    assert (len(found), found.left_out[GONE]) == (0, 1)


def test_what_the_topic_no_longer_holds_is_counted(topics: Topics, log: Log) -> None:
    partition, offset = topics.input("WO1")
    topics.decided("WO1", (partition, offset + 5), "rejected", "invalid")
    topics.decided("OTHER", (partition, offset), "rejected", "invalid")
    found = pick(log, topics.settings, Wanted(outcome="rejected"), topics.topic_id)
    assert list(picked_records(log, topics.settings, found)) == []
    assert found.left_out[GONE] == 2
