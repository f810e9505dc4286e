"""Workers stop, die, come and go; a new group reads everything again. No ticket is made twice."""

from typing import Any

import pytest

from ops.emulator import FixedLatency
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import Document, names, work_order
from tests.acceptance.stage import Stage
from tests.acceptance.willow import Silent

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]


def changes(stage: Stage, stem: str, count: int, **fields: Any) -> list[Document]:
    return [work_order(order_id, stage.calendar.next(), **fields) for order_id in names(stem, count)]


def caught_up(stage: Stage) -> None:
    topics = (stage.settings.topics.work_orders, stage.settings.topics.name("ticket_intents"))
    stage.until(lambda: not any(stage.lag(topic) for topic in topics), "all offsets to be committed")


def test_a_restart_repeats_nothing(stage_for: StageFor) -> None:
    stage = stage_for()
    worker = stage.worker()
    stage.finals(stage.send_changes(changes(stage, "WO", 30)))
    stage.stop(worker)
    assert stage.lag(stage.settings.topics.work_orders) == 0
    assert stage.lag(stage.settings.topics.name("ticket_intents")) == 0
    outcomes, asked = len(stage.tap.outcomes), stage.willow.calls("put_ticket")

    worker.start()
    said = stage.finals(stage.send_changes(changes(stage, "WO", 30)[:10]))
    assert {item["outcome"] for item in said} == {"unchanged"}
    said = stage.finals(stage.send_changes(changes(stage, "WO", 10, summary="After the restart")))
    assert {item["outcome"] for item in said} == {"updated"}
    assert len(stage.tap.outcomes) == outcomes + 20
    assert (stage.willow.calls("put_ticket"), stage.willow.calls("get_ticket")) == (asked, 0)
    judge(stage)


def test_a_worker_that_loses_its_tables_reads_them_back(stage_for: StageFor) -> None:
    stage = stage_for()
    first = stage.worker()
    stage.finals(stage.send_changes(changes(stage, "WO", 20)))
    stage.stop(first)
    stage.worker(name="another-folder")
    said = stage.finals(stage.send_changes(changes(stage, "WO", 20)))
    assert {item["outcome"] for item in said} == {"unchanged"}
    assert stage.willow.calls("get_ticket") == 0
    judge(stage)


def test_a_kill_in_the_middle_of_creates(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(1.0)
    worker = stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 150))
    stage.until(lambda: stage.willow.script.creates_under_way >= 64, "64 creates under way")
    worker.kill()
    sent += stage.send_changes(changes(stage, "WO", 50, summary="While nobody was there"))
    stage.willow.script.now = FixedLatency(0.05)
    worker.start()
    stage.finals(sent)
    caught_up(stage)
    judge(stage)
    assert stage.willow.ask(lambda emulator: len(emulator.tickets)) == 150


def test_another_worker_takes_over_from_one_that_was_killed(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(1.0)
    doomed, other = stage.worker(), stage.worker()
    stage.members(2)
    sent = stage.send_changes(changes(stage, "WO", 200))
    # More than the 64 of one worker.
    stage.until(lambda: stage.willow.script.creates_under_way >= 80, "80 creates under way")
    doomed.kill()
    sent += stage.send_changes(changes(stage, "WO", 50, summary="After the kill"))
    stage.finals(sent)
    assert other.running
    caught_up(stage)
    judge(stage)


def test_a_worker_joins_and_leaves_under_load(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(0.1)
    stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 200))
    stage.finals(sent[:20])
    second = stage.worker()
    sent += stage.send_changes(changes(stage, "NEW", 200))
    sent += stage.send_changes(changes(stage, "WO", 100, summary="While it joins"))
    stage.members(2)
    sent += stage.send_changes(changes(stage, "MORE", 300))
    stage.until(lambda: stage.willow.script.creates_under_way > 0, "creates under way")
    stage.stop(second)
    sent += stage.send_changes(changes(stage, "NEW", 100, summary="After it left"))
    stage.finals(sent)
    stage.members(1)
    caught_up(stage)
    judge(stage)
    parked = [outcome["workOrderId"] for outcomes in stage.tap.parked.values() for outcome in outcomes]
    # Joining and leaving in order leaves no create behind whose answer nobody heard.
    assert parked == []


def test_a_kill_before_the_answer_to_an_update_that_is_taken_back(stage_for: StageFor) -> None:
    stage = stage_for()
    worker = stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 12))
    stage.finals(sent)
    # An order whose update gets no answer keeps the offsets of its partition from being committed.
    holding, order = next((a, b) for a in sent for b in sent if a.at < b.at and a.at.partition == b.at.partition)
    silent = Silent(b"In between")
    stage.willow.script.now = silent
    sent = [stage.change(holding.order_id or "", summary="In between, and no more")]
    stage.until(lambda: silent.carried_out == 1, "the first update to be carried out")
    sent.append(stage.change(order.order_id or "", summary="As before"))
    stage.final(sent[-1])
    sent.append(stage.change(order.order_id or "", summary="In between"))
    stage.until(lambda: silent.carried_out == 2, "the second update to be carried out")
    # By what the worker wrote down nothing has changed; Willow knows better.
    sent.append(stage.change(order.order_id or "", summary="As before"))
    topic = stage.settings.topics.work_orders
    stage.until(lambda: stage.lag(topic) == 0, "the last change to be planned")
    worker.kill()
    stage.willow.script.now = FixedLatency()
    worker.start()
    stage.finals(sent)
    judge(stage)


def test_a_new_group_creates_nothing(stage_for: StageFor) -> None:
    stage = stage_for()
    worker = stage.worker()
    sent = stage.send_changes(changes(stage, "WO", 30))
    stage.finals(sent)
    sent += stage.send_changes(changes(stage, "WO", 10, summary="Second version"))
    sent += [stage.delete("WO-029"), stage.change("SKIPPED", jobStatus=None), stage.change("NEVER", relatesTo=[])]
    stage.finals(sent)
    stage.stop(worker)
    tickets = stage.willow.ask(lambda emulator: {t.id: dict(t.fields) for t in emulator.tickets})
    first = {at: said[0]["outcomeId"] for at, said in stage.tap.finals.items()}
    asked = stage.willow.calls("put_ticket")

    stage.worker(group=f"{stage.name}-again", name="again")
    stage.until(lambda: all(len(stage.tap.finals[item.at]) > 1 for item in sent), "the new group's outcomes")
    assert stage.willow.calls("put_ticket") == asked
    assert stage.willow.ask(lambda emulator: {t.id: dict(t.fields) for t in emulator.tickets}) == tickets
    assert {at: {item["outcomeId"] for item in said} for at, said in stage.tap.finals.items()} == {
        at: {outcome_id} for at, outcome_id in first.items()
    }
    # And it goes on from there.
    assert stage.final(stage.change("WO-000", summary="For the new group"))["outcome"] == "updated"
