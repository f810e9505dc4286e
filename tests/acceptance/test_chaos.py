"""Workers are killed again and again under a mixed load; when it is quiet, everything is as it should be."""

import random
from functools import partial

import pytest

from ops.emulator import FixedLatency
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import UNAVAILABLE, Document, entity, names, relates_to, work_order
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

ORDERS = tuple(names("WO", 80))
STATUSES = ("Open", "In Progress", "On Hold", "Resolved", "Closed")
KILLS = 3
SLICE = 150
"""Changes between two kills."""


class Load:
    """Changes of all kinds, drawn from a seed; each order's first one says everything."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage, self._rng = stage, random.Random(seed)
        self._begun: set[str] = set()

    def slice(self) -> list[Document]:
        return [self._change(self._rng.choice(ORDERS)) for _ in range(SLICE)]

    def _change(self, order_id: str) -> Document:
        rng, fields = self._rng, {"jobStatus": self._rng.choice(STATUSES)}
        number = rng.randrange(1000)
        fields["summary"] = f"{order_id} {number}"
        if order_id in self._begun and rng.random() < 0.3:
            fields["description"] = UNAVAILABLE
        late = rng.random() < 0.15
        related = relates_to("LATE" if late else rng.choice(("AHU1", "AHU2")))
        self._begun.add(order_id)
        return work_order(order_id, self._stage.calendar.next(), **fields, relatesTo=related)


def _has(stage: Stage, outcomes: int) -> bool:
    return len(stage.tap.outcomes) >= outcomes


def test_kills_under_a_mixed_load(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = FixedLatency(0.05)
    workers = [stage.worker(), stage.worker()]
    stage.members(2)
    load, rng = Load(stage, 11), random.Random(7)
    for number in range(KILLS):
        already = len(stage.tap.outcomes)
        stage.send_changes(load.slice())
        wanted = already + rng.randrange(10, 120)
        stage.until(partial(_has, stage, wanted), "the load to be under way")
        victim = workers[number % 2]
        victim.kill()
        stage.send_changes(load.slice())
        victim.start()
    stage.entities(entity("LATE", "Pump", "FLOOR1", "TW-LATE"))
    stage.finals(stage.sent, 120)
    judge(stage)
