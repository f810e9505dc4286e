"""One breaker for all calls: when Willow is away or refuses us for good, or somebody says so, the sink pauses.

A pause rejects nothing and loses nothing. Several may hold at once, and each ends by what began it: those that Willow
causes by a probe that succeeds, the brake and the operator's by the operator (delivery.md §3).
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

#: Causes that only an operator lifts; all others are probed.
BRAKE, OPERATOR = "brake", "operator"
HELD = frozenset({BRAKE, OPERATOR})

#: Cause → what ends its pause, for the operator.
_LIFTED_BY = {
    BRAKE: "`willow-sync resume` once the cause is mended, or a restart of this worker",
    OPERATOR: "`willow-sync resume`",
    "rate": "the end of the time that Willow asked for (an hour at most), and then a probe that succeeds",
}


def lifted_by(cause: str) -> str:
    """What ends a pause of this cause."""
    return _LIFTED_BY.get(cause, "a probe of Willow that succeeds; this worker makes them by itself")


def backoff(attempt: int, rng: random.Random, retry_after: float | None = None) -> float:
    """Seconds to wait after the attempt-th failure (from 1): full jitter, and never less than Willow asked for
    (up to an hour)."""
    ceiling = min(LAST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 16))
    wait = rng.uniform(FIRST_WAIT / 2, ceiling)
    return wait if retry_after is None else max(min(retry_after, LONGEST_ASKED), wait)


@dataclass(frozen=True, slots=True)
class Pause:
    cause: str
    """``tenant``, ``outage``, ``rate`` (429), ``brake`` or ``operator``."""
    detail: str
    since: float


class Breaker:
    """``probe`` is a harmless read; it raises while Willow is not well. ``clock`` gives epoch seconds, ``timer``
    monotonic ones. ``on_change`` is told all pauses that hold, whenever one begins or ends."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        *,
        clock: Callable[[], float],
        timer: Callable[[], float],
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_change: Callable[[tuple[Pause, ...]], None] = lambda _: None,
    ) -> None:
        self._probe, self._clock, self._timer, self._rng = probe, clock, timer, rng
        self._sleep, self._on_change = sleep, on_change
        self._open = asyncio.Event()
        self._open.set()
        self._failures = 0
        self._trips = 0
        self._not_before = 0.0
        self._prober: asyncio.Task[None] | None = None
        self._pauses: dict[str, Pause] = {}

    async def wait(self) -> None:
        """Until calls may be made."""
        await self._open.wait()

    @property
    def closed(self) -> bool:
        """True while calls flow."""
        return self._open.is_set()

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """Those that hold, oldest first."""
        return tuple(self._pauses.values())

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
        """Hold all calls until a probe succeeds; none is made within ``first_wait`` seconds."""
        if first_wait is not None:
            # Also while another cause holds: its probe must not let calls through that Willow asked to keep back.
            self._not_before = max(self._not_before, self._timer() + min(first_wait, LONGEST_ASKED))
        if cause not in self._pauses:
            self._begin(Pause(cause, detail, self._clock()))
        if self._prober is None:
            self._trips += 1
            self._prober = asyncio.create_task(self._until_well(asked=first_wait is not None))

    def hold(self, cause: str, detail: str) -> None:
        """Hold all calls until ``lift``; for the causes in ``HELD``. Told once more, it takes the new words."""
        known = self._pauses.get(cause)
        if known is None or known.detail != detail:
            self._begin(Pause(cause, detail, known.since if known else self._clock()))

    def lift(self, *causes: str) -> None:
        """End what ``hold`` began; what else holds goes on holding."""
        self._end([cause for cause in causes if cause in HELD])

    def _begin(self, pause: Pause) -> None:
        self._pauses[pause.cause] = pause
        self._open.clear()
        self._on_change(self.pauses)

    def _end(self, causes: list[str]) -> None:
        ended = [self._pauses.pop(cause) for cause in causes if cause in self._pauses]
        if not ended:
            return
        if not self._pauses:
            self._open.set()
        self._on_change(self.pauses)

    async def _until_well(self, *, asked: bool) -> None:
        attempt = self._trips
        while True:
            if not asked:
                await self._sleep(backoff(attempt, self._rng))
                attempt += 1
            asked = False
            while (left := self._not_before - self._timer()) > 0.0:
                await self._sleep(left)
            try:
                await self._probe()
            except Exception:
                # Whatever is wrong, the next probe asks again: a breaker that dies stays open for ever.
                continue
            if self._not_before <= self._timer():
                break
        self._failures = 0
        self._prober = None
        self._end([cause for cause in self._pauses if cause not in HELD])

    async def close(self) -> None:
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.wait({self._prober})
