"""The brake and the operators' words, on a real breaker: who lifts what, and when."""

import random
from datetime import UTC, datetime
from typing import Any

from schemas.control import PAUSE_KEY, PAUSE_PARTITION, PauseControl, PauseState
from streams.agents.stops import Stops
from streams.delivery.brake import IN_A_ROW
from streams.delivery.pause import BRAKE, OPERATOR, Breaker
from streams.tables.claims import ClaimTable
from streams.tables.controls import Controls

REJECTED: dict[str, Any] = {
    "outcome": "rejected",
    "workOrderId": "WO1",
    "attempts": 1,
    "changed": [],
    "reason": {"code": "invalid", "message": "Willow refused statusId"},
}


class Rig:
    def __init__(self) -> None:
        async def probe() -> None: ...

        self.breaker = Breaker(probe, clock=lambda: 1000.0, timer=lambda: 0.0, rng=random.Random(1))
        self.controls = Controls(ClaimTable())
        self.stops = Stops(self.breaker, self.controls)

    @property
    def holding(self) -> list[str]:
        return [pause.cause for pause in self.breaker.pauses]

    def says(self, *states: PauseState) -> None:
        """The operator, read in one batch."""
        at = datetime(2020, 1, 1, tzinfo=UTC)
        for state in states:
            record = PauseControl(state=state, at=at, by="ann@ops1", note="mapping")
            self.controls.apply(PAUSE_PARTITION, 0, 0, PAUSE_KEY, record.to_json())
        self.stops.controls_changed()

    def pull(self) -> None:
        for _ in range(IN_A_ROW):
            self.stops.decided(REJECTED)


async def test_the_brake_says_why_and_what_to_do() -> None:
    it = Rig()
    it.pull()
    [pause] = it.breaker.pauses
    assert pause.cause == BRAKE
    for words in ("20 records in a row", "WO1", "Willow refused statusId", "willow-sync resume"):
        assert words in pause.detail


async def test_resume_lifts_the_pause_and_the_brake_whatever_the_clocks_say() -> None:
    it = Rig()
    it.says(PauseState.PAUSED)
    it.pull()
    assert it.holding == [OPERATOR, BRAKE]
    assert "paused by ann@ops1" in it.breaker.pauses[0].detail
    assert "mapping" in it.breaker.pauses[0].detail
    it.says(PauseState.RESUMED)
    assert it.breaker.closed
    # And it counts anew.
    it.stops.decided(REJECTED)
    assert it.breaker.closed
    it.pull()
    assert it.holding == [BRAKE]


async def test_a_resume_that_was_read_before_the_brake_was_pulled_does_not_lift_it() -> None:
    it = Rig()
    it.says(PauseState.RESUMED)
    it.pull()
    it.stops.controls_changed()
    assert it.holding == [BRAKE]


async def test_a_pause_does_not_lift_the_brake_but_a_resume_before_it_does() -> None:
    it = Rig()
    it.pull()
    it.says(PauseState.PAUSED)
    assert it.holding == [BRAKE, OPERATOR]
    it.says(PauseState.RESUMED, PauseState.PAUSED)
    assert it.holding == [OPERATOR]


async def test_a_pause_said_twice_is_lifted_once() -> None:
    it = Rig()
    it.says(PauseState.PAUSED)
    it.says(PauseState.PAUSED)
    it.says(PauseState.RESUMED)
    assert it.breaker.closed
