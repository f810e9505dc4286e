"""The deployment's rate limit, shared by its workers: each sends its share, whatever arrives and however it changes.

A share is the part of the intents topic's partitions that a worker has. All shares together are at most one, since a
partition has one owner at a time, so the workers need not talk to each other (contract §8).
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

#: Of a second's calls, what a worker that was held up may send at once later: without it each late timer is a call
#: lost. Half of the tenth that the contract allows; the other half is for the way to Willow, which isn't even either.
BURST_SECONDS = 0.05

#: Adding up many small steps may end this far short of a whole call.
_ROUNDING = 1e-9


class Budget:
    """How many calls may go: grows at ``speed`` calls a second and never saves up more than one call and a burst.

    In any time from a to b it grants at most 1 + ``BURST_SECONDS`` × the speed at a + the integral of the speed. It
    begins empty: a worker that is started again and again gets nothing extra. Pure: the time is passed in."""

    def __init__(self, now: float) -> None:
        self._speed = 0.0
        self._saved = 0.0
        self._at = now

    @property
    def speed(self) -> float:
        return self._speed

    def change(self, speed: float, now: float) -> None:
        """From ``now`` on so many calls a second; 0 stops them."""
        self._grow(now)
        self._speed = speed
        self._saved = min(self._saved, self._most())

    def take(self, now: float) -> float:
        """0.0: the call may go, and is counted. Else nothing is counted, and this many seconds are missing (at this
        speed; infinitely many at speed 0)."""
        self._grow(now)
        if self._speed <= 0.0:
            return math.inf
        if self._saved < 1.0 - _ROUNDING:
            return (1.0 - self._saved) / self._speed
        self._saved -= 1.0
        return 0.0

    def _grow(self, now: float) -> None:
        # A clock that stands still or jumps back grants nothing.
        passed = max(0.0, now - self._at)
        self._at = max(self._at, now)
        self._saved = min(self._most(), self._saved + passed * self._speed)

    def _most(self) -> float:
        return 1.0 + BURST_SECONDS * self._speed


class SharedRate:
    """``per_second`` for the whole deployment; None: no limit. ``clock`` is monotonic seconds.

    Nothing goes before the first ``share``."""

    def __init__(
        self,
        per_second: float | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_second, self._clock, self._sleep = per_second, clock, sleep
        self._queue, self._wire = Budget(clock()), Budget(clock())
        self._turns = {self._queue: asyncio.Lock(), self._wire: asyncio.Lock()}
        self._changed = asyncio.Event()

    @property
    def limited(self) -> bool:
        return self._per_second is not None

    def share(self, mine: int, all_partitions: int) -> None:
        """This worker has ``mine`` of the partitions from now on; none stops it."""
        if self._per_second is None:
            return
        speed = self._per_second * mine / all_partitions
        for budget in (self._queue, self._wire):
            budget.change(speed, self._clock())
        # Who waits has computed his wait from the old share.
        self._changed.set()

    async def line_up(self) -> None:
        """Before a call is prepared: those who then wait for ``take`` are few, so that a claim is not open for long.

        Grants at the same rate, and counts for itself."""
        await self._take(self._queue)

    async def take(self) -> None:
        """Returns when the next call may go, first come first served; nothing slow may stand between it and the
        call."""
        await self._take(self._wire)

    async def _take(self, budget: Budget) -> None:
        if self._per_second is None:
            return
        async with self._turns[budget]:
            while (missing := budget.take(self._clock())) > 0.0:
                await self._until_changed(missing)

    async def _until_changed(self, seconds: float) -> None:
        self._changed.clear()
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._changed.wait())}
        if math.isfinite(seconds):
            waits.add(asyncio.ensure_future(self._sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
