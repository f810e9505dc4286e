"""A bound on how often something is done: at most so many a second, evenly spread."""

import asyncio
from collections.abc import Awaitable, Callable


class Pace:
    """``await take()`` returns when the next one may go. ``clock`` is monotonic seconds."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap, self._clock, self._sleep = 1.0 / per_second, clock, sleep
        self._next = 0.0

    async def take(self) -> None:
        now = self._clock()
        self._next = max(self._next, now) + self._gap
        wait = self._next - self._gap - now
        if wait > 0:
            await self._sleep(wait)
