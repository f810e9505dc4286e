"""Workers are frozen, killed and restarted, brokers die, groups compete: one ticket an order, and nothing lost.

Each scenario says at the end of the run how many records, faults and calls it saw."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ops.emulator import FixedLatency
from ops.kafka import Broker, KafkaRuntime, Voter, free_port
from ops.kafka.broker import new_cluster_id
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import Document, names, work_order
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

SESSION_SECONDS = 6.0
"""Of the stage's workers: frozen for longer, their partitions are another's."""


def changes(stage: Stage, stem: str, count: int, **fields: Any) -> list[Document]:
    return [work_order(order_id, stage.calendar.next(), **fields) for order_id in names(stem, count)]


def tickets(stage: Stage) -> int:
    return stage.willow.ask(lambda emulator: len(emulator.tickets))


def has_tickets(stage: Stage, wanted: int) -> bool:
    return tickets(stage) >= wanted


def doubts(stage: Stage) -> list[str]:
    return [said["workOrderId"] for outcomes in stage.tap.parked.values() for said in outcomes]


def test_a_frozen_worker_wakes_after_another_took_over(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(0.5)
    frozen, _ = stage.worker(), stage.worker()
    stage.members(2)
    sent = stage.send_changes(changes(stage, "WO", 300))
    stage.until(lambda: stage.willow.script.creates_under_way >= 80, "80 creates under way")
    frozen.freeze()
    time.sleep(SESSION_SECONDS + 4.0)
    sent += stage.send_changes(changes(stage, "WO", 100, summary="While it was frozen"))
    stage.until(lambda: len(stage.tap.finals) > 150, "the other to take over")
    frozen.thaw()
    stage.finals(sent, 120)
    stage.members(2)
    judge(stage)
    assert tickets(stage) == 300


def test_a_worker_that_is_killed_again_and_again_while_it_creates(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(0.3)
    worker = stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 400))
    for kills, wanted in enumerate((30, 90, 150, 210), 1):
        stage.until(partial(has_tickets, stage, wanted), f"{wanted} tickets")
        worker.kill()
        sent += stage.send_changes(changes(stage, "WO", 20, summary=f"After kill {kills}"))
        worker.start()
    stage.finals(sent, 120)
    judge(stage)
    assert tickets(stage) == 400


def test_sigterm_with_slow_calls_in_flight_repeats_none(stage_for: StageFor) -> None:
    stage = stage_for(willow={"request_timeout": "10s"})
    stage.willow.script.now = FixedLatency(4.0)
    worker = stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 150))
    stage.until(lambda: stage.willow.script.creates_under_way >= 64, "64 creates under way")
    stage.stop(worker)
    stage.willow.script.now = FixedLatency()
    worker.start()
    stage.finals(sent)
    judge(stage)
    assert (stage.willow.calls("put_ticket"), doubts(stage)) == (150, [])


def test_a_rolling_restart_with_static_membership(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(0.05)
    workers = [
        stage.worker(name=name, kafka={"instance_id": name, "session_timeout": "20s"}) for name in ("pod-1", "pod-2")
    ]
    stage.members(2)
    sent = stage.send_changes(changes(stage, "WO", 200))
    for number, worker in enumerate(workers):
        stage.until(lambda: len(stage.tap.finals) >= 20, "the load to be under way")
        stage.stop(worker)
        sent += stage.send_changes(changes(stage, "WO", 150, summary=f"Round {number}"))
        worker.start()
    stage.finals(sent, 120)
    judge(stage)
    assert doubts(stage) == []


def test_two_groups_at_once_make_one_ticket_an_order(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(0.2)
    stage.worker()
    stage.worker(group=f"{stage.name}-rival", name="rival")
    stage.members(1)
    stage.members(1, f"{stage.name}-rival")
    sent = stage.send_changes(changes(stage, "WO", 200))
    sent += stage.send_changes(changes(stage, "WO", 50, summary="Second version"))
    stage.until(lambda: all(len(stage.tap.finals[item.at]) > 1 for item in sent), "both groups' outcomes", 180)
    judge(stage, groups=2)
    assert tickets(stage) == 200


def test_the_broker_is_killed_and_comes_back(own_broker: Broker, stage_for: StageFor) -> None:
    stage = stage_for(own_broker.bootstrap_servers)
    stage.willow.script.now = FixedLatency(0.2)
    worker = stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 300))
    stage.until(lambda: tickets(stage) >= 40, "40 tickets")
    stage.faults["broker kills"] += 1
    own_broker.kill()
    time.sleep(5.0)
    own_broker.launch()
    own_broker.wait_until_answers()
    sent += stage.send_changes(changes(stage, "WO", 100, summary="After it came back"))
    stage.finals(sent, 120)
    assert worker.running
    judge(stage)
    assert tickets(stage) == 300


def test_a_worker_whose_broker_is_away_is_quiet_and_stops_within_seconds(
    own_broker: Broker, stage_for: StageFor
) -> None:
    stage = stage_for(own_broker.bootstrap_servers)
    worker = stage.worker()
    stage.finals(stage.send_changes(changes(stage, "WO", 20)), 60)
    before = len(worker.log.read_text().splitlines())
    stage.faults["broker kills"] += 1
    own_broker.kill()
    time.sleep(8.0)
    stopping = time.monotonic()
    stage.stop(worker)
    took = time.monotonic() - stopping
    said = worker.log.read_text().splitlines()[before:]
    assert worker.exit_code == 0
    assert took < 30, "Faust's own limit is a minute"
    assert len(said) < 60, "librdkafka alone says that many lines in two seconds"
    assert not [line for line in said if line.startswith("%") or "Traceback" in line]


@pytest.fixture
def three_brokers(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[list[Broker]]:
    voters = [Voter(number, free_port()) for number in (1, 2, 3)]
    cluster_id = new_cluster_id()
    brokers = [
        Broker(kafka_runtime, tmp_path / f"b{node}", node_id=node, voters=voters, cluster_id=cluster_id)
        for node in (1, 2, 3)
    ]
    try:
        for broker in brokers:
            broker.launch()
        for broker in brokers:
            broker.wait_until_answers()
        yield brokers
    finally:
        for broker in brokers:
            broker.kill()


def test_one_of_three_brokers_is_killed(three_brokers: list[Broker], stage_for: StageFor) -> None:
    addresses = ",".join(broker.bootstrap_servers for broker in three_brokers)
    stage = stage_for(addresses, topics={"replication": 3})
    stage.willow.script.now = FixedLatency(0.2)
    workers = [stage.worker(), stage.worker()]
    stage.members(2)
    sent = stage.send_changes(changes(stage, "WO", 300))
    stage.until(lambda: tickets(stage) >= 40, "40 tickets")
    stage.faults["broker kills"] += 1
    three_brokers[0].kill()
    sent += stage.send_changes(changes(stage, "WO", 100, summary="With two brokers"))
    stage.finals(sent, 120)
    assert all(worker.running for worker in workers)
    judge(stage)
    assert tickets(stage) == 300
