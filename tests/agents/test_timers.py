"""What falls due for an order: one signal at its time, none once it no longer counts."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from streams.agents import timers
from streams.agents.timers import AGAIN_SECONDS, EXPIRE, MOST_SECONDS, READ_BACK, Timers
from streams.delivery.state import OrderState, ReadBack, Waiting


class World:
    """A clock, and what was signalled."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.signals: list[tuple[str, str]] = []

    def clock(self) -> float:
        return self.now

    async def signal(self, order_id: str, cause: str) -> None:
        self.signals.append((order_id, cause))


Rig = tuple[Timers, World, Callable[[float], Any]]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(timers, "TURN_SECONDS", 0.0)
    world = World()
    made = Timers(world.signal, park_ttl=60.0, clock=world.clock)

    async def signals_at(now: float) -> list[tuple[str, str]]:
        world.now, world.signals = now, []
        running = asyncio.create_task(made.run())
        for _ in range(5):
            await asyncio.sleep(0)
        running.cancel()
        return world.signals

    return made, world, signals_at


def parked(since: float) -> OrderState:
    return OrderState(waiting=Waiting("parked", "unknown_entity", since, {}))


async def test_a_parked_order_is_signalled_when_its_time_is_up(rig: Rig) -> None:
    made, _, signals_at = rig
    made.changed("WO1", parked(1000.0))
    made.changed("WO1", parked(1000.0))
    assert await signals_at(1059.9) == []
    assert await signals_at(1060.0) == [("WO1", EXPIRE)]
    assert await signals_at(1061.0) == []
    # Whoever should have acted on it may have been killed.
    assert await signals_at(1060.0 + AGAIN_SECONDS) == [("WO1", EXPIRE)]


async def test_a_signal_that_leads_to_nothing_is_sent_ever_more_seldom(rig: Rig) -> None:
    """Each minute, for each order that was due, they filled the log while the sink was held."""
    made, _, signals_at = rig
    made.changed("WO1", parked(1000.0))
    sent = [now for now in range(1060, 1060 + 12 * 3600, 60) if await signals_at(float(now))]
    waits = [later - sooner for sooner, later in pairwise(sent)]
    assert waits[:7] == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, MOST_SECONDS]
    assert set(waits[6:]) == {MOST_SECONDS}


async def test_another_time_of_the_state_starts_anew(rig: Rig) -> None:
    made, _, signals_at = rig
    made.changed("WO1", OrderState(read_back=ReadBack(1100.0, {}, "T1")))
    for now in (1100.0, 1200.0, 1400.0):
        assert await signals_at(now) == [("WO1", READ_BACK)]
    # Written again, but nothing came of the signals so far.
    made.changed("WO1", OrderState(read_back=ReadBack(1100.0, {}, "T1")))
    assert await signals_at(1500.0) == []
    made.changed("WO1", OrderState(read_back=ReadBack(1600.0, {}, "T1")))
    assert await signals_at(1600.0) == [("WO1", READ_BACK)]
    assert await signals_at(1600.0 + AGAIN_SECONDS) == [("WO1", READ_BACK)]


async def test_an_order_that_went_on_is_left_alone(rig: Rig) -> None:
    made, _, signals_at = rig
    made.changed("WO1", parked(1000.0))
    made.changed("WO1", OrderState())
    assert await signals_at(2000.0) == []


async def test_only_the_newest_time_counts(rig: Rig) -> None:
    made, _, signals_at = rig
    made.changed("WO1", OrderState(read_back=ReadBack(1100.0, {}, "T1")))
    made.changed("WO1", OrderState(read_back=ReadBack(1200.0, {}, "T1")))
    assert await signals_at(1100.0) == []
    assert await signals_at(1200.0) == [("WO1", READ_BACK)]


async def test_what_left_with_its_partition_is_another_workers(rig: Rig) -> None:
    made, _, signals_at = rig
    made.changed("WO1", OrderState(left="no_related_entity", read_back=ReadBack(1100.0, {}, "T1")))
    assert made.left == 1
    made.rebuild([("WO2", parked(1000.0))])
    assert made.left == 0
    assert await signals_at(2000.0) == [("WO2", EXPIRE)]


async def test_without_a_ttl_nothing_expires() -> None:
    made = Timers(World().signal, park_ttl=None, clock=World().clock)
    made.changed("WO1", parked(0.0))
    assert made._heap == []
