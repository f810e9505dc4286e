"""What a worker tells of itself: the production wiring, run in memory, and then looked at."""

import json
from typing import Any

import pytest

from streams.console.order import order_of
from streams.console.page import order_page, status_page
from streams.console.recent import KEPT, MAX_ID, Recent
from streams.console.snapshot import Hold, snapshot_of
from streams.reading.plain import plain
from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import Scenario
from tests.simulation.worker import Worker


@pytest.fixture(scope="module")
def worker() -> Worker:
    """Has synced T, parked B and K, was refused H, and dead-lettered a record of E; then it is paused.

    The simulation places keys by another hash than Kafka: these ids have the same partition by both."""
    orders = Orders()
    records = [
        orders.change("T"),
        orders.change("T", jobStatus="Closed"),
        orders.waiting("B", "AHU-LATE"),
        orders.refused("H"),
        orders.outside("K"),
        orders.poison("E"),
    ]
    produced = [(1.0 + number, "produce", (record,)) for number, record in enumerate(records)]
    sites = {"selected_sites": ["SITE1", "NOWHERE"]}
    run = Run(Scenario(1, [(0.0, "start", ("a",)), *produced], changes=sites, faults_end=8.0))
    run.go()
    found = run.workers["a"]
    assert found.sync is not None
    found.sync.breaker.hold("operator", "paused by ann@desk")
    return found


def test_a_worker(worker: Worker) -> None:
    assert worker.sync is not None
    seen = snapshot_of(worker.sync)
    assert (seen.group_id, seen.willow, seen.ready) == ("one", "https://sim.willowinc.com/api/v3", False)
    assert seen.missing == ("paused (operator): paused by ann@desk", "selected site NOWHERE is unknown")
    (hold,) = seen.pauses
    assert hold == Hold("operator", "paused by ann@desk", seen.time, "`willow-sync resume`")
    (parked,) = seen.parked
    assert (parked.reason, parked.orders) == ("unknown_site", 2)
    assert "selected_sites" in parked.remedy
    assert [(site.selected, site.entity_id) for site in seen.sites] == [("NOWHERE", None), ("SITE1", "SITE1")]
    assert (seen.sites_selected, seen.in_doubt, seen.left, seen.in_flight, seen.pending_records) == (2, 0, 0, 0, 0)
    assert {item.topic for item in seen.lag} >= {"mapped.work-orders", "willow-sync.ticket-intents"}
    assert seen.token_expires_seconds is not None
    assert seen.entities_to_read == 0
    assert 0 < seen.entities_with_twin <= seen.entities


def test_outcomes_are_counted_and_the_newest_are_kept(worker: Worker) -> None:
    assert worker.sync is not None
    seen = snapshot_of(worker.sync)
    counts = {(item.outcome, item.reason): item.records for item in seen.outcomes}
    assert counts == {
        ("created", None): 1,
        ("updated", None): 1,
        ("parked", "unknown_site"): 2,
        ("rejected", "invalid"): 1,
        ("dead_lettered", "undecodable"): 1,
    }
    said = [(item.order_id, item.outcome, item.reason) for item in seen.recent]
    assert said[-2:] == [("T", "updated", None), ("T", "created", None)]
    assert seen.recent[-1].ticket_id == "T1"
    assert len(said) == sum(counts.values())


def test_nothing_of_a_record_is_told_but_ids_and_codes(worker: Worker) -> None:
    assert worker.sync is not None
    seen = snapshot_of(worker.sync)
    for text in (json.dumps(plain(seen)), status_page(seen)):
        assert "summary 1 of T" not in text
        assert "v0001" not in text


def test_an_order_with_a_ticket(worker: Worker) -> None:
    assert worker.sync is not None
    view = order_of(worker.sync, "T")
    assert (view.known, view.ticket_id, view.elsewhere, view.waiting) == (True, "T1", None, None)
    assert view.last is not None
    assert view.last.outcome == "updated"
    assert [said.outcome for said in view.recent] == ["updated", "created"]


def test_one_that_is_parked(worker: Worker) -> None:
    assert worker.sync is not None
    waiting = order_of(worker.sync, "B").waiting
    assert waiting is not None
    assert (waiting.kind, waiting.reason, waiting.waiting_for) == ("parked", "unknown_site", ("NOWHERE",))
    assert "NOWHERE" in (waiting.message or "")


def test_one_that_was_refused(worker: Worker) -> None:
    assert worker.sync is not None
    last = order_of(worker.sync, "H").last
    assert last is not None
    assert (last.outcome, last.reason) == ("rejected", "invalid")
    assert "willow-sync replay" in (last.remedy or "")


def test_one_of_which_nothing_is_known(worker: Worker) -> None:
    assert worker.sync is not None
    view = order_of(worker.sync, "N'O")
    assert (view.known, view.last, view.ticket_id) == (False, None, None)
    assert view.explain == """willow-sync explain 'N'"'"'O'"""


def test_one_of_another_worker_is_not_read(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker.sync is not None
    consumer: Any = worker.sync.app.consumer
    with monkeypatch.context() as patch:
        patch.setattr(consumer, "ledger", type(consumer.ledger)())
        view = order_of(worker.sync, "T")
        assert "another worker's (this one has none)" in (view.elsewhere or "")
        assert (view.known, view.last) == (False, None)
        assert "another worker" in order_page(view)
    with monkeypatch.context() as patch:
        patch.setattr(worker.sync.app, "rebalancing", True)
        assert "partitions are moving" in (order_of(worker.sync, "T").elsewhere or "")


def test_the_newest_outcomes_are_bounded() -> None:
    recent = Recent()
    for number in range(3 * KEPT):
        order_id = f"{number} " + "x" * 10_000
        recent.add({"workOrderId": order_id, "outcome": "created", "reason": None, "ticketId": None, "time": "t"})
    assert len(recent.newest_first) == KEPT
    assert recent.newest_first[0].order_id.startswith(f"{3 * KEPT - 1} ")
    assert max(len(said.order_id) for said in recent.newest_first) == MAX_ID
