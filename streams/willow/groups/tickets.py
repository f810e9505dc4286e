"""``willow.tickets``."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

from streams.willow import operations, reading, wire
from streams.willow.answers import Answer
from streams.willow.downloads import Download
from streams.willow.errors import Refused
from streams.willow.groups.base import GroupOfCalls
from streams.willow.models.base import plain
from streams.willow.models.paging import Page
from streams.willow.models.tickets import Found, Ticket, TicketWrite

MAX_EXTERNAL_IDS = 100
"""Orders in one look-up (delivery.md §2)."""

_FILTER_REFUSED = frozenset({400, 422})


class Tickets(GroupOfCalls):
    """This group of Willow's API is in pre-release: its breaking changes are met in ``wire``."""

    async def put(self, fields: Mapping[str, Any] | TicketWrite) -> Ticket:
        """Create a ticket from fields of contract §4, or from a TicketWrite, which is checked as it is made.
        **Not** idempotent: a second call makes a second ticket.

        A 2xx without an id is NoAnswer, for the ticket may well exist. Raises wire.UnknownField before
        sending."""
        given = plain(fields) if isinstance(fields, TicketWrite) else fields
        # Straight to the caller, with nothing validated: this is the sync's hot path.
        return await self._calls.caller.call(operations.PUT_TICKET, reading.ticket, wire.put_body(given))

    async def patch(self, ticket_id: str, changed: Mapping[str, Any]) -> Ticket:
        """Replace fields of contract §4 (null clears). Raises wire.UnknownField before anything is sent."""

        def read(answer: Answer) -> Ticket:
            # The documented answer is 200 with the ticket; the metadata's PATCHes answer 204, as this may
            # one day.
            return Ticket(ticket_id, {"id": ticket_id}, 204) if answer.status == 204 else reading.ticket(answer)

        body = wire.patch_body(changed)
        return await self._calls.caller.call(operations.PATCH_TICKET, read, body, ticket_id=ticket_id)

    async def get(self, ticket_id: str) -> Ticket:
        """One call, never repeated here: the sink's breaker probes with it."""
        return await self._calls.caller.call(operations.GET_TICKET, reading.ticket, ticket_id=ticket_id)

    async def page(
        self,
        number: int,
        *,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (),
        page_size: int = wire.MAX_PAGE_SIZE,
    ) -> Page[Ticket]:
        """One page as Willow numbers them; whether 0 or 1 is the first is Willow's secret (see ``find``)."""
        return await self._calls.page(operations.LIST_TICKETS, number, filters, sort, page_size)

    def find(
        self,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (wire.Sort("createdDate"),),
        page_size: int = wire.MAX_PAGE_SIZE,
    ) -> AsyncGenerator[Ticket, None]:
        """List tickets: every one once, whatever the page base. The list is whole, or it ends in an error.

        Willow may ignore a filter without a word: check the items."""
        return self._calls.pages(operations.LIST_TICKETS, _id, filters, sort, page_size)

    async def by_external_ids(self, external_ids: Iterable[str]) -> Found:
        """The tickets of at most 100 external ids. Stops at the first ticket that was not asked for: Willow
        ignores the filter then, and the rest of a portfolio would follow."""
        wanted = set(external_ids)
        if not 0 < len(wanted) <= MAX_EXTERNAL_IDS:
            raise ValueError(f"found {len(wanted)} external ids, expected 1 to {MAX_EXTERNAL_IDS}; split them")
        tickets: list[Ticket] = []
        try:
            async with aclosing(self.find([wire.by_external_ids(sorted(wanted))])) as listed:
                async for ticket in listed:
                    if ticket.external_id not in wanted:
                        return Found(tuple(tickets), honoured=False)
                    tickets.append(ticket)
        except Refused as error:
            if error.status in _FILTER_REFUSED:
                return Found((), honoured=False)
            raise
        return Found(tuple(tickets), honoured=True)

    def attachment(self, ticket_id: str, attachment_id: str) -> AbstractAsyncContextManager[Download]:
        """``async with willow.tickets.attachment(…) as file: async for chunk in file.chunks(): …``

        The body is read as it is asked for, and never held whole."""
        return self._calls.stream(operations.GET_ATTACHMENT, ticket_id=ticket_id, attachment_id=attachment_id)


def _id(ticket: Ticket) -> str:
    return ticket.id
