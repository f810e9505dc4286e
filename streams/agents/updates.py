"""Keeping an order's ticket in step: compare, patch, adopt, close, and read back what had no answer."""

import logging
from collections.abc import Mapping
from typing import Any

from schemas.claim import ClaimState
from schemas.intent import IntentKind
from schemas.outcome import OutcomeKind, Reason
from streams.agents.attempts import Attempt, Refusals, differences
from streams.agents.bindings import Bindings
from streams.agents.calls import Calls, Failed
from streams.agents.order import Order
from streams.agents.turns import Turns
from streams.agents.writer import Acked
from streams.delivery.answers import Fault
from streams.delivery.create import binding, claim_for, made_for
from streams.delivery.outcomes import Effort
from streams.delivery.reconcile import Desired, Step, changes
from streams.delivery.state import ReadBack
from streams.planning.reasons import reason

log = logging.getLogger(__name__)


class Updates:
    """Within ``settle`` seconds Willow has carried a request out or dropped it. ``on_missing`` is the setting
    on_missing_ticket."""

    def __init__(self, calls: Calls, refusals: Refusals, bindings: Bindings, *, settle: float, on_missing: str) -> None:
        self._calls, self._refusals, self._bindings = calls, refusals, bindings
        self._settle, self._on_missing = settle, on_missing
        self._turns = Turns(calls.lanes)

    async def close(self, order: Order, step: Step[Any], ticket_id: str, leaving: Reason | None = None) -> None:
        """Give the ticket of an order that was deleted, or is ``leaving``, its closing status."""
        state = order.state
        want = Desired(dict(step.intent["fields"]), state.clear.get("twinId"), site_id=state.site_id)
        await self.keep_in_step(order, Attempt(step, want, leaving=leaving), ticket_id)

    async def keep_in_step(self, order: Order, attempt: Attempt, ticket_id: str) -> bool:
        """False: the ticket is gone and another may be made, look again."""
        attempt.ticket_id = ticket_id
        state, intent = order.state, attempt.step.intent
        named = intent.get("ticketIds") or []
        if named and named[0] != ticket_id and not attempt.adopting:
            attempt.effort.warnings.append(
                f"identity_conflict: the order names ticket {named[0]}, its own is {ticket_id}"
            )
        if state.gone and state.ticket_id not in (None, ticket_id):
            # Another group, or an operator, has bound the order anew.
            state.forget_ticket()
        if state.gone and self._may_replace(attempt):
            await self._bindings.forget(order, "ticket_gone")
            return False
        if state.gone:
            why = reason("ticket_not_found", order=order.id, ticket=ticket_id, detail="as it said before")
            await order.conclude(attempt.step, OutcomeKind.REJECTED, code=why.model_dump(), effort=attempt.effort)
            return True
        while True:
            try:
                changed = await self._what_changed(order, attempt, ticket_id)
                if changed:
                    await self._patch(order, attempt, ticket_id, changed)
            except Failed as failed:
                if failed.fault is Fault.TICKET_GONE and self._may_replace(attempt):
                    await self._let_go(order, attempt, ticket_id)
                    return False
                if await self._refusals.give_up(order, attempt, failed):
                    return True
                continue
            await self._updated(order, attempt, ticket_id, changed)
            return True

    def _may_replace(self, attempt: Attempt) -> bool:
        return self._on_missing == "create" and attempt.step.intent["kind"] == IntentKind.UPSERT

    async def _let_go(self, order: Order, attempt: Attempt, ticket_id: str) -> None:
        """Willow no longer has the ticket, and another may be made."""
        # The lease may have run out during the call: a successor may have bound the order anew by now.
        await self._calls.lease.wait(self._calls.lanes)
        seen = order.seen()
        attempt.gone.add(ticket_id)
        attempt.adopting, attempt.ticket_id = False, None
        if ticket_id in (order.books.identities.ticket_of(order.id), seen.done):
            await self._bindings.forget(order, "ticket_gone")
            return
        # It was never published as the order's, or another group has bound the order anew: that must stay.
        order.state.forget_ticket()
        if seen.candidate == ticket_id:
            await self._bindings.no_candidate(order)

    async def _what_changed(self, order: Order, attempt: Attempt, ticket_id: str) -> dict[str, Any]:
        state = order.state
        if state.ticket_id == ticket_id and state.hashes:
            forced = attempt.step.intent.get("force", False)
            return dict(attempt.fields) if forced else changes(attempt.fields, state)
        # Nothing is known of what was sent (a new group, a crash, an adoption): Willow's own word counts.
        ticket = await self._calls.get(ticket_id, attempt.effort)
        if state.ticket_id != ticket_id:
            # Else what another ticket was sent would count as sent to this one.
            state.ticket_id, state.hashes, state.whole = ticket_id, {}, False
        # What was sent before a crash is in Willow already: not sent again, the record would be told ``unchanged``.
        due = state.read_back if state.read_back and state.read_back.ticket_id == ticket_id else None
        sent = {**due.fields, **due.sent} if due is not None else {}
        again = {name: value for name, value in attempt.fields.items() if name in sent}
        return {**again, **differences(ticket, attempt.fields)}

    async def _send(
        self, order: Order, ticket_id: str, fields: dict[str, Any], effort: Effort, *, wanted: bool = False
    ) -> None:
        """``wanted``: a record had these fields that Willow took before."""
        state, clock, within = order.state, order.books.clock, order.books.writer.send_within
        before, answered, due = state.read_back, True, 0.0

        async def write_down() -> None:
            # Before it is sent: a worker that is killed meanwhile can't say any more that a late PATCH may come. Anew
            # after a long wait: by then what was written down would be read back before the call could commit.
            nonlocal due
            if due < clock() + within + self._settle:
                due = clock() + 2 * within + self._settle
                state.read_back_at(due, ticket_id, fields, wanted=wanted)
                await order.save_read_back()

        def unanswered() -> None:
            nonlocal answered
            answered = False
            state.read_back_at(clock() + self._settle, ticket_id, fields, wanted=wanted)

        # Here, not with a slot in hand, which would wait for it.
        await write_down()
        try:
            await self._calls.update(ticket_id, fields, effort, write_down, unanswered)
        finally:
            if answered:
                state.read_back = before

    async def _patch(self, order: Order, attempt: Attempt, ticket_id: str, changed: dict[str, Any]) -> None:
        """Raises Failed. What Willow refuses and nobody needs is left out, once."""
        sent = changed
        for last in (False, True):
            attempt.patched = tuple(sent)
            try:
                await self._send(order, ticket_id, sent, attempt.effort)
                break
            except Failed as failed:
                if failed.fault is Fault.CONFLICT and not last:
                    ticket = await self._calls.get(ticket_id, attempt.effort)
                    sent = differences(ticket, sent)
                elif failed.fault is Fault.RECORD and not last and self._refusals.leave_out(attempt, failed.answer):
                    sent = {name: value for name, value in sent.items() if name not in attempt.left_out}
                else:
                    raise
            if not sent:
                break
        for name in attempt.left_out:
            changed.pop(name, None)
        self._calls.allowed(attempt.site)

    async def _updated(self, order: Order, attempt: Attempt, ticket_id: str, changed: Mapping[str, Any]) -> None:
        state, intent, books = order.state, attempt.step.intent, order.books
        first = not state.hashes
        new = None if first else changed
        state.remember(ticket_id, attempt.fields, whole=False, changed=new, site_id=attempt.want.site_id)
        # The lease may have run out during the call: then another owner speaks for this order by now.
        await self._calls.lease.wait(self._calls.lanes)
        own = claim_for(order.seen(), intent["source"])
        kind = OutcomeKind.UPDATED if changed else OutcomeKind.UNCHANGED
        if attempt.leaving is not None:
            kind = OutcomeKind.SKIPPED
        elif attempt.adopting or (first and ticket_id in intent.get("ticketIds", ()) and not order.seen().done):
            kind = OutcomeKind.ADOPTED
        elif first and made_for(intent["source"], own, books.claims.created_for(order.id)):
            # A crash came between identity and state: this record made the ticket (delivery.md §1).
            kind = OutcomeKind.CREATED
        words = binding(books.identities.ticket_of(order.id), own)

        def identity(said: dict[str, Any]) -> list[Acked]:
            if "identity" not in words:
                return []
            attempt.identity = books.writer.identity(order.id, intent["entityType"], ticket_id, said["outcomeId"])
            return [attempt.identity]

        def done() -> list[Acked]:
            if own is None:
                return []
            return [
                books.writer.claim(
                    order.partition, order.id, own.claim_id, ClaimState.DONE, own.source, ticket_id=ticket_id
                )
            ]

        await order.conclude(
            attempt.step,
            kind,
            code=attempt.leaving.model_dump() if attempt.leaving else None,
            effort=attempt.effort,
            changed=sorted(changed),
            twin_id=attempt.want.twin_id or state.clear.get("twinId"),
            before_state=identity,
            with_state=done,
        )

    async def adopt(self, order: Order, attempt: Attempt, ticket_id: str) -> bool:
        """The order's own identity names a ticket: GET, compare, PATCH the difference (contract §6). False: the ticket
        is gone and another may be made, look again.

        One order at a time for each ticket: of two that name it, the second must see whose it became (I5)."""
        async with self._turns.of(ticket_id):
            concluded = await self._adopt(order, attempt, ticket_id)
            if attempt.identity is not None:
                await self._bindings.seen_again([attempt.identity], [])
            return concluded

    async def _adopt(self, order: Order, attempt: Attempt, ticket_id: str) -> bool:
        attempt.ticket_id = ticket_id
        owner = order.books.identities.owner_of(ticket_id)
        external = attempt.want.fields.get("externalId")
        while owner is None:
            try:
                ticket = await self._calls.get(ticket_id, attempt.effort)
            except Failed as failed:
                if failed.fault is Fault.TICKET_GONE and self._may_replace(attempt):
                    await self._let_go(order, attempt, ticket_id)
                    return False
                if await self._refusals.give_up(order, attempt, failed):
                    return True
                continue
            its = ticket.field("externalId")
            owner = its if its and its != external else order.id
        if owner != order.id:
            why = reason("ticket_owned_by_other", ticket=ticket_id, owner=owner)
            await order.conclude(attempt.step, OutcomeKind.SKIPPED, code=why.model_dump(), effort=attempt.effort)
            return True
        return await self.keep_in_step(order, attempt, ticket_id)

    async def read_back(self, order: Order) -> None:
        """Look at a ticket whose PATCH had no answer, and put right what a late one has changed (delivery.md §4)."""
        state = order.state
        if state.read_back is None or state.gone:
            state.read_back = None
            return
        if order.books.clock() < state.read_back.due:
            return
        effort, due, state.read_back = Effort(), state.read_back, None
        try:
            ticket = await self._calls.get(due.ticket_id, effort)
            wrong = differences(ticket, due.fields)
            if wrong:
                log.warning("ticket %s of %s was changed by a late PATCH, and is put right", ticket.id, order.id)
                await self._send(order, ticket.id, wrong, effort, wanted=True)
        except Failed as failed:
            log.warning("ticket %s of %s can't be read back: %s", due.ticket_id, order.id, failed)
            # The next change sends them, whatever they should be.
            state.doubt_hashes(due.fields)
            if failed.fault in (Fault.SITE, Fault.CONFLICT):
                # It may be allowed again by then.
                state.read_back = ReadBack(order.books.clock() + self._settle, due.fields, due.ticket_id, due.sent)
        # Willow may hold what a record had that it refused in the end.
        state.doubt_hashes(due.sent)
