"""Whose a ticket is, where an operator says so or Willow no longer has it."""

import asyncio
from collections.abc import Sequence

from schemas.claim import ClaimState
from streams.agents.order import Order
from streams.agents.writer import Acked, new_id
from streams.tables.view import View

#: What was just written takes milliseconds to be read back; after this long the broker is away.
READ_BACK_SECONDS = 10.0


class Bindings:
    def __init__(self, claims_view: View, identities_view: View) -> None:
        self._claims_view, self._identities_view = claims_view, identities_view

    async def bind(self, order: Order, ticket_id: str) -> None:
        """An operator says that this is the order's ticket, whatever was known before."""
        writer, claim = order.books.writer, order.books.claims.done_claim(order.id)
        identity = writer.identity(order.id, order.state.entity_type or "WORK_ORDER", ticket_id, new_id())
        claims = []
        if claim is not None:
            claims = [writer.claim(order.partition, order.id, claim, ClaimState.DONE, None, ticket_id=ticket_id)]
        await self.seen_again([identity], claims)
        order.state.forget_ticket()
        order.state.ticket_id = ticket_id

    async def nominate(self, order: Order, ticket_id: str) -> None:
        """An operator says that Willow has this ticket, and that it names the order: it is adopted with the order's
        next record, unless a ticket is the order's by then (contract §6)."""
        await self.seen_again([], [order.books.writer.candidate(order.partition, order.id, ticket_id)])

    async def no_candidate(self, order: Order) -> None:
        """Willow no longer has the ticket that named the order."""
        await self.seen_again([], [order.books.writer.no_candidate(order.partition, order.id)])

    async def forget(self, order: Order, why: str) -> None:
        """The order has no ticket any more; its next create is claimed anew."""
        writer, claim = order.books.writer, order.books.claims.done_claim(order.id)
        claims = [writer.no_candidate(order.partition, order.id)]
        if claim is not None:
            claims.append(writer.claim(order.partition, order.id, claim, ClaimState.RELEASED, None, why=why))
        await self.seen_again([writer.no_identity(order.id)], claims)
        order.state.forget_ticket()

    async def seen_again(self, identities: Sequence[Acked], claims: Sequence[Acked]) -> None:
        """Wait until the views show what was sent, at most READ_BACK_SECONDS each."""
        # Else the next look would still see what was taken back.
        for view, sent in ((self._identities_view, identities), (self._claims_view, claims)):
            acks = await asyncio.gather(*sent)
            await view.reached({ack.partition: ack.offset + 1 for ack in acks}, seconds=READ_BACK_SECONDS)
