"""Orders that wait: parked or in doubt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.delivery.outcomes import instant, public_source
from streams.delivery.state import OrderState
from streams.reading.log import Log, Watch, unwatched
from streams.reading.states import is_waiting, order_states, waiting_outcome
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """``reason`` is its code, ``since`` ISO 8601; ``behind`` counts later records that wait with it."""

    order_id: str
    reason: str
    message: str
    remedy: str
    waiting_for: tuple[str, ...]
    since: str
    ticket_id: str | None
    source: Mapping[str, Any]
    behind: int


def waiting_orders(settings: Settings, *, reason: str | None = None, watch: Watch = unwatched) -> list[WaitingOrder]:
    """Longest waiting first; with ``reason`` those of one code. Raises BrokerUnreachable, ReadFailed."""
    with Log(settings, watch=watch) as log:
        found = order_states(log, settings, lambda state: state if is_waiting(state) else None)
    listed = [item for item in _listed(found) if reason in (None, item.reason)]
    return sorted(listed, key=lambda item: (item.since, item.order_id))


def _listed(states: Mapping[str, OrderState]) -> Iterator[WaitingOrder]:
    for order_id, state in states.items():
        waiting = state.waiting
        assert waiting is not None
        said = waiting_outcome(waiting)
        told = said["reason"]
        yield WaitingOrder(
            order_id,
            waiting.code,
            told["message"],
            told["remedy"],
            tuple(said["waitingFor"]),
            instant(waiting.since),
            state.ticket_id,
            public_source(waiting.intent["source"]),
            len(waiting.behind),
        )
