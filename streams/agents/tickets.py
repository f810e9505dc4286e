"""Making an order's ticket be as desired: whichever way leads there."""

from typing import Any

from streams.agents.attempts import Attempt, Refusals
from streams.agents.bindings import Bindings
from streams.agents.calls import Calls
from streams.agents.creates import Creates, doubt
from streams.agents.order import Order
from streams.agents.takeover import TakeOver
from streams.agents.updates import Updates
from streams.delivery.create import InDoubt, MayAdopt, Ticketed, before_claim
from streams.delivery.reconcile import Step, desired
from streams.tables.view import View


class Tickets:
    """Carries out upserts. The numbers are those of its parts."""

    def __init__(
        self,
        calls: Calls,
        claims_view: View,
        identities_view: View,
        takeover: TakeOver,
        *,
        max_claims: int,
        settle: float,
        on_missing: str,
    ) -> None:
        self._calls, self._takeover = calls, takeover
        refusals = Refusals(calls)
        self.bindings = Bindings(claims_view, identities_view)
        self.updates = Updates(calls, refusals, self.bindings, settle=settle, on_missing=on_missing)
        keep_in_step = self.updates.keep_in_step
        self._creates = Creates(calls, claims_view, refusals, keep_in_step=keep_in_step, max_claims=max_claims)

    async def upsert(self, order: Order, step: Step[Any], *, found: bool = False) -> None:
        """Bring the order's ticket to the desired state, and say so. ``found``: a look-up found it, or somebody said
        which it is."""
        want = desired(step.intent, order.state.clear.get("twinId"))
        attempt = Attempt(step, want, adopting=found)
        attempt.effort.warnings += want.warnings
        while True:
            position = before_claim(order.seen())
            if isinstance(position, Ticketed):
                if await self.updates.keep_in_step(order, attempt, position.ticket_id):
                    return None
                continue
            if isinstance(position, InDoubt):
                return await doubt(order, step, position.claim, attempt.effort)
            named = step.intent.get("ticketIds") or []
            if named and not attempt.adopting and named[0] not in attempt.gone:
                attempt.adopting = True
                if await self.updates.adopt(order, attempt, named[0]):
                    return None
            elif not self._takeover.done(order.partition):
                # Willow may have the order's ticket already.
                await self._calls.lanes.until(self._takeover.wait(order.partition))
            elif isinstance(position, MayAdopt):
                attempt.adopting = True
                if await self.updates.adopt(order, attempt, position.ticket_id):
                    return None
            elif await self._creates.create(order, attempt):
                return None
