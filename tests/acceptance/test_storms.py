"""Willow is away, overloaded or late: everything waits, and then everything is done, once."""

import random

import pytest

from ops.emulator import FixedLatency
from ops.kafka import free_port
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import names, work_order
from tests.acceptance.willow import Storm

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]


def test_willow_is_down_when_the_worker_starts(stage_for: StageFor) -> None:
    stage = stage_for(willow_port=free_port())
    created = [stage.change(order_id) for order_id in names("EARLY", 10)]
    newer = [stage.change(order_id, summary="Newer") for order_id in names("EARLY", 5)]
    deleted = stage.delete("EARLY-009")
    worker = stage.worker()
    stage.until(lambda: worker.has_said("Willow's lists can't be read"), "the worker to miss Willow")
    assert not stage.tap.finals
    stage.start_willow()
    said = stage.finals([*created, *newer, deleted])
    assert {item["outcome"] for item in said} <= {"created", "updated", "superseded", "skipped"}
    judge(stage)


def test_a_storm_of_refusals(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    old = [stage.change(order_id) for order_id in names("CALM", 20)]
    stage.finals(old)
    stage.willow.script.now = Storm(random.Random(5), left=60)
    new = stage.send_changes(work_order(order_id, stage.calendar.next()) for order_id in names("STORM", 40))
    new += stage.send_changes(
        work_order(order_id, stage.calendar.next(), summary="!") for order_id in names("CALM", 20)
    )
    said = stage.finals(new, 90)
    assert {item["outcome"] for item in said} <= {"created", "adopted", "updated"}
    judge(stage)


def test_answers_that_come_after_the_deadline(stage_for: StageFor) -> None:
    stage = stage_for(willow={"request_timeout": "1s"})
    stage.worker()
    known = stage.change("KNOWN")
    stage.final(known)
    # The ticket is made after nobody waits any more.
    stage.willow.script.now = FixedLatency(2.0)
    late = [stage.change(order_id) for order_id in names("LATE", 5)]
    for sent in late[:1]:
        assert stage.parked(sent)["reason"]["code"] == "create_in_doubt"
    stage.willow.script.now = FixedLatency()
    said = stage.finals(late)
    assert {item["outcome"] for item in said} <= {"created", "adopted"}
    assert "adopted" in {item["outcome"] for item in said}
    judge(stage)
