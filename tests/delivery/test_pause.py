"""The breaker: opens when it must, closes only by a probe, and obeys Retry-After within reason."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.delivery.pause import FAILURES_TO_OPEN, FIRST_WAIT, LAST_WAIT, LONGEST_ASKED, Breaker, Pause, backoff


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
        self._ticks = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self._ticks.acquire()

    async def tick(self) -> None:
        self._ticks.release()
        for _ in range(5):
            await asyncio.sleep(0)


class Rig:
    def __init__(self) -> None:
        self.willow, self.sleeper, self.pauses = Willow(), Sleeper(), list[Pause | None]()
        self.breaker = Breaker(
            self.willow.probe,
            clock=lambda: 1000.0,
            rng=random.Random(1),
            sleep=self.sleeper.sleep,
            on_pause=self.pauses.append,
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
        assert it.pauses == [Pause("outage", "503", 1000.0)]


async def test_an_ambiguous_create_opens_at_once() -> None:
    async with rig() as it:
        it.breaker.bad("reset", ambiguous_create=True)
        assert not it.breaker.closed
        assert it.breaker.paused == Pause("outage", "reset", 1000.0)


async def test_retry_after_opens_at_once_and_the_first_probe_waits_as_long() -> None:
    async with rig() as it:
        it.breaker.bad("429", retry_after=17.0)
        await it.sleeper.tick()
        assert it.breaker.paused == Pause("rate", "429", 1000.0)
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
        assert it.breaker.paused is None
        assert it.pauses[-1] is None


async def test_a_second_fault_does_not_start_a_second_prober() -> None:
    async with rig() as it:
        it.breaker.pause("tenant", "401")
        it.breaker.pause("outage", "503")
        it.breaker.bad("429", retry_after=1.0)
        await it.sleeper.tick()
        assert it.willow.probes == 1
        assert it.pauses == [Pause("tenant", "401", 1000.0)]


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
