"""At most so many a second, evenly spaced: no window of any length holds more than its share and one."""

from collections.abc import Callable


class Pace:
    """``per_second`` None: no limit. ``clock`` is monotonic, ``sleep`` takes seconds."""

    def __init__(self, per_second: float | None, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._gap = 0.0 if per_second is None else 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def wait(self) -> None:
        """Returns when the next one may go; blocks for at most one gap."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        # From the slot, not from the waking: late timers would slow the whole run down.
        self._next = max(now, self._next) + self._gap
