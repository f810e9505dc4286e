"""The emulator's ready-made scenarios, in force while everything is done: the faults go on, and so does the work."""

from collections import Counter

import pytest

from ops.demo.evidence import outstanding_writes, read_journal
from ops.emulator import scenario
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import names, work_order

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

ORDERS = 100


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("late-commits", {"late_commit"}),
        ("resets", {"commit_then_reset", "reset"}),
        ("garbled", {"truncated", "without_id", "drip", "silence"}),
        ("weather", {"lognormal_latency", "server_errors"}),
    ],
)
def test_everything_lands_once_in_any_weather(stage_for: StageFor, name: str, expected: set[str]) -> None:
    # The settle of a create in doubt is longer than the latest late commit of these scenarios.
    stage = stage_for(willow={"request_timeout": "3s"}, in_doubt={"settle": "12s"})
    stage.worker()
    stage.final(stage.change("KNOWN"))
    stage.willow.ask(lambda emulator: emulator.faults.use(scenario(name)))
    changes = [work_order(order_id, stage.calendar.next()) for order_id in names("WEATHER", ORDERS)]
    changes += [work_order(order_id, stage.calendar.next(), summary="Newer") for order_id in names("WEATHER", ORDERS)]
    said = stage.finals(stage.send_changes(changes), 120)
    stage.until(lambda: not outstanding_writes(read_journal(stage.willow.journal)), "the late writes")
    met = Counter(fault["kind"] for entry in read_journal(stage.willow.journal) for fault in entry["faults"])
    print(f"{name}: {Counter(item['outcome'] for item in said)} under {met}")
    assert met.keys() >= expected
    assert {item["outcome"] for item in said} <= {"created", "adopted", "updated", "superseded"}
    judge(stage)
