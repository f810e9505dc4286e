"""Which ticket is whose: the view of ``willow-sync.ticket-identities`` (contract §6). A ticket has one owner."""

from collections import deque
from collections.abc import Container, Sequence

import orjson

from schemas.identity import TICKET_URN
from streams.planning.forms import Header

#: More than the orders of one look-up, so that one that is not among them is at hand.
NEWEST = 200


class IdentityTable:
    """Order id → ticket id, and back. Filled by a View; read from the event loop."""

    def __init__(self) -> None:
        self._ticket_of: dict[str, str] = {}
        self._owner_of: dict[str, str] = {}
        # Not the dictionary itself: the reader's thread may grow it while it is iterated.
        self._newest: deque[str] = deque(maxlen=NEWEST)
        #: Willow base URLs that identities name: a worker for another instance must not start (contract §6).
        self.instances: set[str] = set()

    def __len__(self) -> int:
        return len(self._ticket_of)

    def ticket_of(self, work_order_id: str) -> str | None:
        return self._ticket_of.get(work_order_id)

    def orders(self) -> list[str]:
        """All orders that have a ticket."""
        return list(self._ticket_of)

    def any_order(self, *, besides: Container[str]) -> str | None:
        """An order known to have a ticket, the newest first: the control of a look-up."""
        return next((order for order in list(self._newest) if order not in besides and order in self._ticket_of), None)

    def owner_of(self, ticket_id: str) -> str | None:
        return self._owner_of.get(ticket_id)

    def apply(
        self,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        if key is None:
            return
        order = key.decode(errors="replace")
        if value is None:
            self._disown(order, self._ticket_of.pop(order, None))
            return
        try:
            record = orjson.loads(value)
            urn, instance = record["identity"]["value"], record["instance"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return  # not ours: only this software writes here, and a reader must survive what it can't read
        if not isinstance(urn, str) or not isinstance(instance, str) or not urn.startswith(TICKET_URN):
            return
        ticket = urn.removeprefix(TICKET_URN)
        self.instances.add(instance)
        # The newest identity of the topic wins, for compaction keeps no other: only `resolve` ever writes a second one.
        former = self._ticket_of.get(order)
        if former != ticket:
            self._disown(order, former)
        self._ticket_of[order] = ticket
        self._newest.appendleft(order)
        self._owner_of.setdefault(ticket, order)

    def _disown(self, order: str, ticket: str | None) -> None:
        # An order that named another one's ticket was never its owner.
        if ticket is not None and self._owner_of.get(ticket) == order:
            del self._owner_of[ticket]
