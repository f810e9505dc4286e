"""What falls due for an order: the end of ``park_ttl``, and the look at a ticket whose PATCH had no answer.

It writes no table: what is due goes round through ``willow-sync.replans`` and comes back to the sink as a signal
(contract §1).
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from streams.delivery.state import OrderState

#: The causes of the signals.
EXPIRE, READ_BACK = "expire", "read_back"

#: How often it is looked what is due (seconds).
TURN_SECONDS = 0.5

#: A signal that led to nothing (the sink is held, say) is sent again after this long, each further one after twice as
#: long as the one before it, up to the second: else each order that is due fills the log while a pause lasts.
AGAIN_SECONDS, MOST_SECONDS = 60.0, 3600.0


@dataclass(slots=True)
class _Timer:
    due: float
    """As the order's state has it."""
    at: float
    """When the next signal is sent."""
    again: float = AGAIN_SECONDS


class Timers:
    """``signal(order id, cause)`` returns when the signal is durable. ``park_ttl`` in seconds; None: parked without
    end. ``clock`` in epoch seconds."""

    def __init__(
        self,
        signal: Callable[[str, str], Awaitable[object]],
        *,
        park_ttl: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._signal, self._park_ttl, self._clock = signal, park_ttl, clock
        #: By order and cause. The heap may hold older times of the same: only ``at`` counts.
        self._planned: dict[tuple[str, str], _Timer] = {}
        self._heap: list[tuple[float, tuple[str, str]]] = []
        self._left: set[str] = set()

    @property
    def left(self) -> int:
        """Orders that have a ticket and no longer qualify."""
        return len(self._left)

    def changed(self, order_id: str, state: OrderState) -> None:
        """An order's state was written."""
        (self._left.add if state.left else self._left.discard)(order_id)
        timers = dict(self._timers(state))
        for cause in (EXPIRE, READ_BACK):
            if cause in timers:
                self._plan((order_id, cause), timers[cause])
            else:
                self._planned.pop((order_id, cause), None)

    def _timers(self, state: OrderState) -> Iterator[tuple[str, float]]:
        if self._park_ttl is not None and state.waiting is not None and state.waiting.kind == "parked":
            yield EXPIRE, state.waiting.since + self._park_ttl
        if state.read_back is not None:
            yield READ_BACK, state.read_back.due

    def _plan(self, name: tuple[str, str], due: float) -> None:
        known = self._planned.get(name)
        if known is None or known.due != due:
            self._planned[name] = _Timer(due, due)
            heapq.heappush(self._heap, (due, name))

    def _plan_again(self, name: tuple[str, str], timer: _Timer) -> None:
        timer.at = self._clock() + timer.again
        timer.again = min(2 * timer.again, MOST_SECONDS)
        heapq.heappush(self._heap, (timer.at, name))

    def rebuild(self, orders: Iterable[tuple[str, OrderState]]) -> None:
        """After an assignment: these, and no others, are this worker's."""
        self._planned.clear()
        self._heap.clear()
        self._left.clear()
        for order_id, state in orders:
            self.changed(order_id, state)

    async def run(self) -> None:
        """For ever: send a signal for what is due."""
        while True:
            await asyncio.sleep(TURN_SECONDS)
            now = self._clock()
            while self._heap and self._heap[0][0] <= now:
                at, name = heapq.heappop(self._heap)
                timer = self._planned.get(name)
                if timer is not None and timer.at == at:
                    self._plan_again(name, timer)
                    await self._signal(*name)
