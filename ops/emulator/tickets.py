"""The tickets in memory: what Willow holds, and each ticket's history.

Creating is not idempotent on purpose (contract §7): a second ticket with one external id is what a sync must
be unable to cause, so the emulator must be able to have it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ops.emulator.clock import Clock


@dataclass(frozen=True, slots=True)
class Revision:
    """One accepted write. ``changed`` are the fields it set, in the order of acceptance; ``request`` is the
    number of the journal's entry. A judge finds stale writes by reading these against the input's order."""

    request: int
    at: str
    monotonic: float
    changed: Mapping[str, Any]


@dataclass(slots=True)
class Ticket:
    id: str
    number: int
    """Counts tickets in the order of creation, from 1."""
    fields: Mapping[str, Any]
    """The writable fields that were set, under their names in a PUT."""
    created: str
    updated: str
    revisions: list[Revision]

    @property
    def external_id(self) -> str | None:
        found: str | None = self.fields.get("externalId")
        return found


class TicketStore:
    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._tickets: dict[str, Ticket] = {}
        self._by_external_id: dict[str, list[Ticket]] = {}
        self._created = 0
        self.updates = 0

    def __len__(self) -> int:
        return len(self._tickets)

    def __iter__(self) -> Iterator[Ticket]:
        """In the order of creation."""
        return iter(self._tickets.values())

    def get(self, ticket_id: str) -> Ticket | None:
        return self._tickets.get(ticket_id)

    def newest(self, count: int) -> list[Ticket]:
        return list(islice(reversed(self._tickets.values()), count))

    def with_external_ids(self, wanted: Iterable[str]) -> list[Ticket]:
        """In the order of creation; all of those that share an external id."""
        found = [ticket for external_id in set(wanted) for ticket in self._by_external_id.get(external_id, ())]
        return sorted(found, key=lambda ticket: ticket.number)

    def duplicates(self) -> dict[str, list[str]]:
        """External id → ticket ids, where more than one ticket has it."""
        return {
            external_id: [ticket.id for ticket in tickets]
            for external_id, tickets in self._by_external_id.items()
            if len(tickets) > 1
        }

    def create(self, fields: Mapping[str, Any], request: int) -> Ticket:
        at = self._clock.instant()
        revision = Revision(request, at, self._clock.monotonic(), fields)
        self._created += 1
        ticket = Ticket(self._new_id(), self._created, fields, at, at, [revision])
        self._tickets[ticket.id] = ticket
        self._index(ticket)
        return ticket

    def change(self, ticket: Ticket, changed: Mapping[str, Any], request: int) -> None:
        at = self._clock.instant()
        before = ticket.external_id
        ticket.fields = {**ticket.fields, **changed}
        ticket.updated = at
        ticket.revisions.append(Revision(request, at, self._clock.monotonic(), changed))
        self.updates += 1
        if ticket.external_id != before:
            if before is not None:
                self._by_external_id[before].remove(ticket)
            self._index(ticket)

    def remove(self, ticket: Ticket) -> None:
        """What somebody deleted in Willow's own pages: its API has no such call."""
        del self._tickets[ticket.id]
        if ticket.external_id is not None:
            self._by_external_id[ticket.external_id].remove(ticket)

    def _index(self, ticket: Ticket) -> None:
        if ticket.external_id is not None:
            self._by_external_id.setdefault(ticket.external_id, []).append(ticket)
