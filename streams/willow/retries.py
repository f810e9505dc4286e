"""When, and after how long, the client itself repeats a call: only reads, only faults of the moment
(delivery.md §3)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from streams.willow.errors import NoAnswer, NotSent, NotSentReason, Refused, WillowError

T = TypeVar("T")

_STATUSES = frozenset({408, 425, 429})
_REASONS = frozenset({NotSentReason.CONNECTION, NotSentReason.BUSY, NotSentReason.TOKEN})

ATTEMPTS = 4
FIRST_WAIT = 0.25
# A longer Retry-After goes to the caller at once: it can do other things in that time.
LONGEST_WAIT = 30.0


def is_of_the_moment(error: BaseException) -> bool:
    """The same call may succeed later with nothing changed: 408, 425, 429, 5xx, no connection, no answer."""
    if isinstance(error, Refused):
        return error.status in _STATUSES or error.status >= 500
    if isinstance(error, NotSent):
        return error.reason in _REASONS
    return isinstance(error, NoAnswer)


def should_repeat(error: BaseException) -> bool:
    """A fault of the moment whose ``Retry-After``, if any, is short enough to wait for here."""
    return isinstance(error, WillowError) and is_of_the_moment(error) and (error.retry_after or 0.0) <= LONGEST_WAIT


def wait_seconds(attempt: int, retry_after: float | None, random: Callable[[], float]) -> float:
    """Full jitter under an exponential bound (the first attempt is 1), and never before ``retry_after``."""
    return (retry_after or 0.0) + random() * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1))


@dataclass(frozen=True, slots=True)
class Retries:
    """``random`` gives numbers in [0, 1); ``sleep`` takes seconds."""

    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """At most ``ATTEMPTS`` calls; raises what the last one raised."""
        attempts = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            retry=retry_if_exception(should_repeat),
            sleep=self.sleep,
            reraise=True,
        )
        return await attempts(call)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        retry_after = error.retry_after if isinstance(error, WillowError) else None
        return wait_seconds(state.attempt_number, retry_after, self.random)
