"""One breaker for all calls: when Willow is away or refuses us for good, the sink pauses, probes, and resumes.

A pause rejects nothing and loses nothing; it is always lifted by a probe that succeeds (delivery.md §3).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

#: Failures of the moment in a row after which calls are held back. A single 5xx is no outage.
FAILURES_TO_OPEN = 5

#: Full jitter between these bounds (seconds), doubling from the first to the last.
FIRST_WAIT, LAST_WAIT = 0.5, 30.0

#: No Retry-After is obeyed for longer (seconds): a mistyped one, or a wrong clock, must not stop the sink for days.
LONGEST_ASKED = 3600.0


def backoff(attempt: int, rng: random.Random, retry_after: float | None = None) -> float:
    """Seconds to wait after the attempt-th failure (from 1): full jitter, and never less than Willow asked for
    (up to an hour)."""
    ceiling = min(LAST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 16))
    wait = rng.uniform(FIRST_WAIT / 2, ceiling)
    return wait if retry_after is None else max(min(retry_after, LONGEST_ASKED), wait)


@dataclass(frozen=True, slots=True)
class Pause:
    cause: str
    """``tenant``, ``outage`` or ``rate`` (429)."""
    detail: str
    since: float


class Breaker:
    """``probe`` is a harmless read; it raises while Willow is not well. ``clock`` gives epoch seconds."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        *,
        clock: Callable[[], float],
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_pause: Callable[[Pause | None], None] = lambda _: None,
    ) -> None:
        self._probe, self._clock, self._rng, self._sleep, self._on_pause = probe, clock, rng, sleep, on_pause
        self._open = asyncio.Event()
        self._open.set()
        self._failures = 0
        self._trips = 0
        self._prober: asyncio.Task[None] | None = None
        self.paused: Pause | None = None

    async def wait(self) -> None:
        """Until calls may be made."""
        await self._open.wait()

    @property
    def closed(self) -> bool:
        """True while calls flow."""
        return self._open.is_set()

    def good(self) -> None:
        """A call was answered as it should be."""
        self._failures = self._trips = 0

    def bad(self, detail: str, *, ambiguous_create: bool = False, retry_after: float | None = None) -> None:
        """The moment's fault. An ambiguous create pauses at once: each further one would be a doubt more."""
        self._failures += 1
        if retry_after is not None:
            self.pause("rate", detail, first_wait=retry_after)
        elif ambiguous_create or self._failures >= FAILURES_TO_OPEN:
            self.pause("outage", detail)

    def pause(self, cause: str, detail: str, *, first_wait: float | None = None) -> None:
        """Hold all calls until a probe succeeds."""
        if self._prober is not None:
            return
        self._trips += 1
        self._open.clear()
        self.paused = Pause(cause, detail, self._clock())
        self._on_pause(self.paused)
        self._prober = asyncio.create_task(self._until_well(first_wait))

    async def _until_well(self, first_wait: float | None) -> None:
        wait = first_wait
        attempt = self._trips
        while True:
            await self._sleep(backoff(attempt, self._rng) if wait is None else min(wait, LONGEST_ASKED))
            wait, attempt = None, attempt + 1
            try:
                await self._probe()
            except Exception:
                # Whatever is wrong, the next probe asks again: a breaker that dies stays open for ever.
                continue
            break
        self._failures = 0
        self._prober = None
        self.paused = None
        self._open.set()
        self._on_pause(None)

    async def close(self) -> None:
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.wait({self._prober})
