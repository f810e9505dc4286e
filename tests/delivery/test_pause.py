"""The breaker: opens when it must, each pause ends by what began it, and Retry-After is obeyed within reason."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.pause import (
    BRAKE,
    FAILURES_TO_OPEN,
    FIRST_WAIT,
    HELD,
    LAST_WAIT,
    LONGEST_ASKED,
    OPERATOR,
    Breaker,
    Pause,
    backoff,
)

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class Willow:
    """Probed: away until ``well``."""

    def __init__(self) -> None:
        self.well = False
        self.probes = 0

    async def probe(self) -> None:
        self.probes += 1
        if not self.well:
            raise ConnectionError("away")


class Sleeper:
    """Sleeps only when told: ``tick`` ends the sleep that is under way."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.now = 50.0
        self._ticks = asyncio.Semaphore(0)

    def timer(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self._ticks.acquire()
        self.now += seconds

    async def tick(self) -> None:
        self._ticks.release()
        for _ in range(5):
            await asyncio.sleep(0)


class Rig:
    def __init__(self) -> None:
        self.willow, self.sleeper, self.told = Willow(), Sleeper(), list[list[str]]()
        self.breaker = Breaker(
            self.willow.probe,
            clock=lambda: 1000.0,
            timer=self.sleeper.timer,
            rng=random.Random(1),
            sleep=self.sleeper.sleep,
            on_change=lambda pauses: self.told.append([pause.cause for pause in pauses]),
        )


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    try:
        yield made
    finally:
        await made.breaker.close()


async def test_a_few_failures_are_no_outage() -> None:
    async with rig() as it:
        for _ in range(FAILURES_TO_OPEN - 1):
            it.breaker.bad("503")
        it.breaker.good()
        for _ in range(FAILURES_TO_OPEN - 1):
            it.breaker.bad("503")
        assert it.breaker.closed
        it.breaker.bad("503")
        assert not it.breaker.closed
        assert it.breaker.pauses == (Pause("outage", "503", 1000.0),)
        assert it.told == [["outage"]]


async def test_an_ambiguous_create_opens_at_once() -> None:
    async with rig() as it:
        it.breaker.bad("reset", ambiguous_create=True)
        assert not it.breaker.closed
        assert it.breaker.pauses == (Pause("outage", "reset", 1000.0),)


async def test_retry_after_opens_at_once_and_the_first_probe_waits_as_long() -> None:
    async with rig() as it:
        it.breaker.bad("429", retry_after=17.0)
        await it.sleeper.tick()
        assert it.breaker.pauses == (Pause("rate", "429", 1000.0),)
        assert it.sleeper.asked[0] == 17.0


@pytest.mark.parametrize("asked", [1e12, 1e300])
async def test_an_absurd_retry_after_does_not_stop_the_sink(asked: float) -> None:
    async with rig() as it:
        it.willow.well = True
        it.breaker.bad("429", retry_after=asked)
        await it.sleeper.tick()
        assert it.sleeper.asked == [LONGEST_ASKED]
        assert it.breaker.closed


async def test_only_a_probe_that_succeeds_resumes() -> None:
    async with rig() as it:
        waiting = asyncio.create_task(it.breaker.wait())
        it.breaker.pause("tenant", "401")
        waiting.cancel()
        waiting = asyncio.create_task(it.breaker.wait())
        it.breaker.good()
        for _ in range(3):
            await it.sleeper.tick()
        assert it.willow.probes == 3
        assert not waiting.done()
        it.willow.well = True
        await it.sleeper.tick()
        assert waiting.done()
        assert it.breaker.closed
        assert it.breaker.pauses == ()
        assert it.told[-1] == []


async def test_a_second_fault_does_not_start_a_second_prober() -> None:
    async with rig() as it:
        it.breaker.pause("tenant", "401")
        it.breaker.pause("outage", "503")
        await it.sleeper.tick()
        assert it.willow.probes == 1
        assert it.told == [["tenant"], ["tenant", "outage"]]
        it.willow.well = True
        await it.sleeper.tick()
        assert it.told[-1] == []


async def test_what_willow_asked_for_counts_also_when_the_pause_was_there_before() -> None:
    async with rig() as it:
        it.willow.well = True
        it.breaker.pause("outage", "503")
        await asyncio.sleep(0)
        for asked in (60.0, 5.0):
            it.breaker.bad("429", retry_after=asked)
        await it.sleeper.tick()
        assert it.willow.probes == 0
        assert sum(it.sleeper.asked) == pytest.approx(60.0)
        await it.sleeper.tick()
        assert it.breaker.closed


async def test_what_willow_asks_for_while_it_is_probed_is_waited_for() -> None:
    async with rig() as it:
        probed = asyncio.Event()

        async def probe() -> None:
            it.willow.probes += 1
            await probed.wait()

        it.breaker = Breaker(
            probe,
            clock=lambda: 1000.0,
            timer=it.sleeper.timer,
            rng=random.Random(1),
            sleep=it.sleeper.sleep,
        )
        it.breaker.pause("outage", "503")
        await it.sleeper.tick()
        it.breaker.bad("429", retry_after=60.0)
        probed.set()
        await it.sleeper.tick()
        assert not it.breaker.closed
        await it.sleeper.tick()
        assert it.breaker.closed
        assert it.sleeper.now >= 110.0


async def test_it_opens_again_after_it_closed() -> None:
    async with rig() as it:
        it.willow.well = True
        for _ in range(2):
            it.breaker.pause("outage", "503")
            await it.sleeper.tick()
            assert it.breaker.closed
        # The failures before the pause are not counted against the first call after it.
        it.breaker.bad("503")
        assert it.breaker.closed


async def test_probes_become_rarer_up_to_a_bound() -> None:
    async with rig() as it:
        it.breaker.pause("outage", "503")
        for _ in range(12):
            await it.sleeper.tick()
        assert all(0 < asked <= LAST_WAIT for asked in it.sleeper.asked)
        assert it.sleeper.asked[0] <= FIRST_WAIT
        assert max(it.sleeper.asked) > FIRST_WAIT


async def test_close_ends_the_prober_and_is_safe_without_one() -> None:
    async with rig() as it:
        await it.breaker.close()
        it.breaker.pause("outage", "503")
        await it.breaker.close()


def test_backoff_doubles_up_to_a_bound_and_never_undercuts_what_willow_asked_for() -> None:
    rng = random.Random(7)
    for attempt in (1, 2, 5, 50, 10_000):
        ceiling = min(LAST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 16))
        assert all(FIRST_WAIT / 2 <= backoff(attempt, rng) <= ceiling for _ in range(50))
    assert backoff(1, rng, retry_after=12.0) == 12.0
    assert backoff(1, rng, retry_after=0.0) >= FIRST_WAIT / 2
    assert backoff(1, rng, retry_after=1e300) == LONGEST_ASKED


async def test_a_probe_that_succeeds_lifts_neither_the_brake_nor_the_operator_s_pause() -> None:
    async with rig() as it:
        it.willow.well = True
        it.breaker.hold(OPERATOR, "maintenance")
        it.breaker.hold(BRAKE, "20 in a row")
        it.breaker.pause("outage", "503")
        await it.sleeper.tick()
        assert it.told[-1] == [OPERATOR, BRAKE]
        assert not it.breaker.closed
        it.breaker.lift(OPERATOR)
        assert not it.breaker.closed
        it.breaker.lift(BRAKE)
        assert it.breaker.closed


async def test_an_operator_does_not_lift_what_is_probed() -> None:
    async with rig() as it:
        it.breaker.pause("tenant", "401")
        it.breaker.hold(OPERATOR, "maintenance")
        it.breaker.lift(OPERATOR, BRAKE, "tenant")
        assert it.told[-1] == ["tenant"]
        assert not it.breaker.closed


async def test_lifting_what_does_not_hold_says_nothing() -> None:
    async with rig() as it:
        it.breaker.lift(OPERATOR, BRAKE)
        assert it.told == []
        assert it.breaker.closed


async def test_held_once_more_it_takes_the_new_words_and_keeps_its_beginning() -> None:
    async with rig() as it:
        it.breaker.hold(OPERATOR, "maintenance")
        it.breaker.hold(OPERATOR, "maintenance")
        it.breaker.hold(OPERATOR, "until noon")
        assert it.breaker.pauses == (Pause(OPERATOR, "until noon", 1000.0),)
        assert it.told == [[OPERATOR], [OPERATOR]]


CAUSES = ["outage", "tenant", "rate", BRAKE, OPERATOR]


@given(st.lists(st.sampled_from([*CAUSES, "lift " + BRAKE, "lift " + OPERATOR, "probe"]), max_size=20))
@UNHURRIED
async def test_calls_flow_exactly_while_nothing_holds(moves: list[str]) -> None:
    async with rig() as it:
        it.willow.well = True
        holding: set[str] = set()
        for move in moves:
            if move == "probe":
                while any(pause.cause not in HELD for pause in it.breaker.pauses):
                    await it.sleeper.tick()
                holding &= HELD
            elif move.startswith("lift "):
                it.breaker.lift(move.removeprefix("lift "))
                holding.discard(move.removeprefix("lift "))
            elif move in HELD:
                it.breaker.hold(move, "")
                holding.add(move)
            else:
                it.breaker.pause(move, "")
                holding.add(move)
            assert {pause.cause for pause in it.breaker.pauses} == holding
            assert it.breaker.closed == (not holding)
