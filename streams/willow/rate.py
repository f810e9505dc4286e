"""Willow's published rate limits, obeyed without being told (facts §1: per client, a fixed window)."""

from collections import deque
from collections.abc import Awaitable, Callable

from streams.willow.operation import RateGroup

LIMITS: dict[RateGroup, tuple[int, float]] = {RateGroup.TWINS: (20, 10.0), RateGroup.TIME_SERIES: (20, 10.0)}
"""Group → calls in so many seconds. Paths below ``/twins`` count as one group, those below ``/time-series`` as
another."""

# Calls sent just within a window may arrive closer together than they left.
_SLACK_SECONDS = 0.5


class WindowLimit:
    """At most ``calls`` in any window of ``seconds``: then no fixed window, wherever it begins, holds
    more."""

    def __init__(
        self,
        calls: int,
        seconds: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._span = seconds + _SLACK_SECONDS
        self._clock = clock
        self._sleep = sleep
        self._slots: deque[float] = deque(maxlen=calls)
        self._calls = calls

    async def wait(self) -> None:
        """Returns when the call may go; waits at most one window for each ``calls`` callers ahead."""
        now = self._clock()
        slot = now
        if len(self._slots) == self._calls:
            slot = max(now, self._slots[0] + self._span)
        # Taken before the wait: two callers must not wait for the same slot.
        self._slots.append(slot)
        if slot > now:
            await self._sleep(slot - now)
