"""Making an order's ticket be as desired: create under a claim, compare and patch, adopt."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.claim import ClaimState
from schemas.intent import IntentKind
from schemas.outcome import OutcomeKind, Reason
from streams.agents.calls import Calls, Failed
from streams.agents.order import Order
from streams.agents.takeover import TakeOver
from streams.agents.writer import Acked, new_claim_id
from streams.delivery.answers import Answer, Fault, refused_fields
from streams.delivery.create import (
    InDoubt,
    MayAdopt,
    MayPut,
    OpenClaim,
    Ticketed,
    Withdraw,
    after_claim,
    after_failure,
    before_claim,
    binding,
    claim_for,
    coordinates,
    may_send,
)
from streams.delivery.lanes import Draining
from streams.delivery.outcomes import Effort, outcome
from streams.delivery.pause import backoff
from streams.delivery.reconcile import Desired, Step, changes, desired, to_create
from streams.delivery.state import Waiting
from streams.planning.reasons import reason
from streams.tables.view import View
from streams.willow import Ticket

log = logging.getLogger(__name__)

#: A claim's read-back takes milliseconds; after this long the broker is away, and what is certain is looked at again.
READ_BACK_SECONDS = 10.0

#: Source fields whose absence from a create is worth a warning, when an earlier record may have carried them.
_TOLD_FIELDS = ("summary", "description", "problemDescription", "jobPriority", "jobType", "sector", "dueDate")


@dataclass(slots=True)
class Attempt:
    """One step's work on a ticket. ``left_out``: optional fields that Willow refused (contract §4)."""

    step: Step[Any]
    want: Desired
    effort: Effort = field(default_factory=Effort)
    left_out: set[str] = field(default_factory=set)
    settled: OpenClaim | None = None
    """The claim in doubt that this attempt ends: it is replaced by ``done`` with the outcome."""
    adopting: bool = False
    leaving: Reason | None = None
    """The order stopped qualifying, and its ticket is closed: the outcome is the skip that says so."""
    failures: int = 0

    @property
    def fields(self) -> dict[str, Any]:
        return {name: value for name, value in self.want.fields.items() if name not in self.left_out}

    @property
    def site(self) -> str:
        twins = self.step.intent.get("twins") or [{}]
        return twins[0].get("siteId") or self.want.twin_id or ""


class Tickets:
    """Carries out upserts. ``max_claims`` bounds the claims that are open and not sent yet: after a crash each of them
    is an order in doubt. Within ``settle`` seconds Willow has carried a request out or dropped it. ``on_missing`` is
    the setting on_missing_ticket."""

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
        self._calls, self._settle, self._on_missing = calls, settle, on_missing
        self._claims_view, self._identities_view, self._takeover = claims_view, identities_view, takeover
        self._claiming = asyncio.Semaphore(max_claims)

    async def upsert(self, order: Order, step: Step[Any], settled: OpenClaim | None = None) -> None:
        """Bring the order's ticket to the desired state, and say so. ``settled``: the doubt that this ends."""
        want = desired(step.intent, order.state.clear.get("twinId"))
        attempt = Attempt(step, want, settled=settled, adopting=settled is not None)
        attempt.effort.warnings += want.warnings
        while True:
            position = before_claim(order.seen())
            if isinstance(position, Ticketed):
                if await self._bring_up_to_date(order, attempt, position.ticket_id):
                    return None
                continue
            if isinstance(position, InDoubt):
                return await self.doubt(order, step, position.claim, attempt.effort)
            named = step.intent.get("ticketIds") or []
            if named and not attempt.adopting:
                attempt.adopting = True
                return await self._adopt(order, attempt, named[0])
            if not self._takeover.done(order.partition):
                # Willow may have the order's ticket already.
                await self._calls.lanes.until(self._takeover.wait(order.partition))
            elif isinstance(position, MayAdopt):
                attempt.adopting = True
                return await self._adopt(order, attempt, position.ticket_id)
            elif await self._create(order, attempt):
                return None

    async def close(self, order: Order, step: Step[Any], ticket_id: str, leaving: Reason | None = None) -> None:
        """Give the ticket of an order that was deleted, or is ``leaving``, its closing status."""
        want = Desired(dict(step.intent["fields"]), order.state.clear.get("twinId"))
        await self._bring_up_to_date(order, Attempt(step, want, leaving=leaving), ticket_id)

    async def bind(self, order: Order, ticket_id: str) -> None:
        """An operator says that this is the order's ticket, whatever was known before."""
        writer, claim = order.books.writer, order.books.claims.done_claim(order.id)
        identity = writer.identity(order.id, order.state.entity_type or "WORK_ORDER", ticket_id, new_claim_id())
        claims = []
        if claim is not None:
            claims = [writer.claim(order.partition, order.id, claim, ClaimState.DONE, None, ticket_id=ticket_id)]
        await self._seen_again([identity], claims)
        order.state.forget_ticket()
        order.state.ticket_id = ticket_id

    async def nominate(self, order: Order, ticket_id: str) -> None:
        """An operator says that Willow has this ticket, and that it names the order: it is adopted with the order's
        next record, unless a ticket is the order's by then (contract §6)."""
        await self._seen_again([], [order.books.writer.candidate(order.partition, order.id, ticket_id)])

    async def forget(self, order: Order, why: str) -> None:
        """The order has no ticket any more; its next create is claimed anew."""
        writer, claim = order.books.writer, order.books.claims.done_claim(order.id)
        claims = [writer.no_candidate(order.partition, order.id)]
        if claim is not None:
            claims.append(writer.claim(order.partition, order.id, claim, ClaimState.RELEASED, None, why=why))
        await self._seen_again([writer.no_identity(order.id)], claims)
        order.state.forget_ticket()

    async def _seen_again(self, identities: Sequence[Acked], claims: Sequence[Acked]) -> None:
        # Else the next look would still see what was taken back.
        for view, sent in ((self._identities_view, identities), (self._claims_view, claims)):
            acks = await asyncio.gather(*sent)
            await view.reached({ack.partition: ack.offset + 1 for ack in acks}, seconds=READ_BACK_SECONDS)

    async def read_back(self, order: Order) -> None:
        """Look at a ticket whose PATCH had no answer, and put right what a late one has changed (delivery.md §4)."""
        state = order.state
        if state.read_back is None or state.ticket_id is None or state.gone:
            state.read_back = None
            return
        if order.books.clock() < state.read_back.due:
            return
        effort, wanted = Effort(), state.read_back.fields
        try:
            ticket = await self._calls.get(state.ticket_id, effort)
            state.read_back = None
            wrong = differences(ticket, wanted)
            if wrong:
                log.warning("ticket %s of %s was changed by a late PATCH, and is put right", ticket.id, order.id)
                await self._send(order, ticket.id, wrong, effort)
        except Failed as failed:
            # The next change of the order meets the same answer, and tells it.
            log.warning("ticket %s of %s can't be read back: %s", state.ticket_id, order.id, failed)
            state.read_back = None

    # -- create ------------------------------------------------------------------------------------------------

    async def _create(self, order: Order, attempt: Attempt) -> bool:
        """One claim and at most one PUT. False: nothing was made, look again."""
        await self._calls.may_go()
        async with self._claiming:
            with self._calls.lanes.protected():
                return await self._claim_and_put(order, attempt)

    async def _claim_and_put(self, order: Order, attempt: Attempt) -> bool:
        source, writer, claim_id = attempt.step.intent["source"], order.books.writer, new_claim_id()
        view, clock = self._claims_view, order.books.clock
        claimed, claimed_at, gaps = time.monotonic(), clock(), view.gaps(order.partition)
        ack = await writer.claim(order.partition, order.id, claim_id, ClaimState.OPEN, source)
        read_back = {ack.partition: ack.offset + 1}

        def release(why: str) -> Acked:
            return writer.claim(order.partition, order.id, claim_id, ClaimState.RELEASED, source, why=why)

        reached = await view.reached(read_back, seconds=READ_BACK_SECONDS)
        lease, seen = self._calls.lease, order.seen()
        whole = view.gaps(order.partition) == gaps
        move = after_claim(seen, claim_id, read_back=reached and whole, lease_fresh=lease.fresh)
        if isinstance(move, Withdraw):
            await self._released(release(move.why))
            if isinstance(move.then, InDoubt):
                await self.doubt(order, attempt.step, move.then.claim, attempt.effort)
                return True
            await lease.wait(self._calls.lanes)
            return False
        assert isinstance(move, MayPut)
        lanes, body = self._calls.lanes, to_create(attempt.step.intent, attempt.fields)

        def may_put() -> bool:
            # The one clock stands still while the machine is suspended, the other may be set back.
            claimed_for = max(time.monotonic() - claimed, clock() - claimed_at)
            may = may_send(lease_fresh=lease.fresh, claimed_for=claimed_for, send_within=writer.send_within)
            return may and self._calls.ready and not lanes.draining.is_set()

        try:
            ticket = await self._calls.create(body, attempt.effort, may_put)
        except Failed as failed:
            return await self._not_created(order, attempt, claim_id, ack.offset, failed, release)
        if ticket is None:
            await self._released(release("not_sent"))
            if lanes.draining.is_set():
                raise Draining
            return False
        await self._created(order, attempt, claim_id, ticket, body)
        return True

    async def _released(self, release: Acked) -> None:
        ack = await release
        # Else the next look would still see the own claim as open, and call it a doubt.
        await self._claims_view.reached({ack.partition: ack.offset + 1}, seconds=READ_BACK_SECONDS)

    async def _created(
        self, order: Order, attempt: Attempt, claim_id: str, ticket: Ticket, body: Mapping[str, Any]
    ) -> None:
        bound = order.books.identities.ticket_of(order.id)
        if bound is not None and bound != ticket.id:
            # A former owner's create was taken after all, later than `settle`: what is bound stays bound.
            attempt.effort.warnings.append(f"duplicate_in_willow: {ticket.id} carries the same externalId")
            source = attempt.step.intent["source"]
            await order.books.writer.claim(
                order.partition, order.id, claim_id, ClaimState.DONE, source, ticket_id=bound
            )
            await self._bring_up_to_date(order, attempt, bound)
            return
        # What was not sent because it was null counts as sent: the ticket has it empty.
        order.state.remember(ticket.id, {**attempt.fields, **body}, whole=True)
        self._warn_of_gaps(order, attempt)
        self._calls.allowed(attempt.site)
        intent, writer = attempt.step.intent, order.books.writer

        def identity(said: Mapping[str, Any]) -> list[Acked]:
            return [writer.identity(order.id, intent["entityType"], ticket.id, said["outcomeId"])]

        def done() -> list[Acked]:
            return [
                writer.claim(
                    order.partition, order.id, claim_id, ClaimState.DONE, intent["source"], ticket_id=ticket.id
                )
            ]

        lease = self._calls.lease
        if lease.fresh:
            await order.conclude(
                attempt.step,
                OutcomeKind.CREATED,
                effort=attempt.effort,
                twin_id=attempt.want.twin_id,
                before_state=identity,
                with_state=done,
            )
            return
        # Another owner may speak for the order by now: it must learn of the ticket and of nothing else (delivery.md
        # §4).
        await asyncio.gather(*identity({"outcomeId": claim_id}))
        await asyncio.gather(*done())
        await lease.wait(self._calls.lanes)
        await order.conclude(attempt.step, OutcomeKind.CREATED, effort=attempt.effort, twin_id=attempt.want.twin_id)

    def _warn_of_gaps(self, order: Order, attempt: Attempt) -> None:
        # An earlier record was skipped or rejected, so what it carried is not remembered (contract §2).
        record = attempt.step.intent.get("record", {})
        absent = [name for name in _TOLD_FIELDS if name not in record]
        if order.state.last is not None and absent:
            attempt.effort.warnings.append(f"incomplete: the record left out {', '.join(absent)}")

    async def _not_created(
        self, order: Order, attempt: Attempt, claim_id: str, offset: int, failed: Failed, release: Any
    ) -> bool:
        now = order.books.clock()
        own = OpenClaim(claim_id, offset, int(now * 1000), 0.0, attempt.step.intent["source"])
        move = after_failure(own, failed.answer)
        if isinstance(move, InDoubt):
            await self.doubt(order, attempt.step, own, attempt.effort, because=failed.answer.detail, call_ended=now)
            return True
        await self._released(release(move.why))
        if await self._give_up(order, attempt, failed):
            return True
        attempt.failures += 1
        if failed.fault is Fault.MOMENT:
            await self._calls.lanes.pause(backoff(attempt.failures, self._calls.rng, failed.answer.retry_after))
        return False

    async def doubt(
        self,
        order: Order,
        step: Step[Any],
        claim: OpenClaim,
        effort: Effort,
        *,
        because: str = "another worker's claim is open",
        call_ended: float | None = None,
    ) -> None:
        """Nobody knows whether the order has a ticket: wait for look-ups, and say so."""
        now = order.books.clock()
        why = reason("create_in_doubt", order=order.id, why=because)
        said = outcome(step.intent, OutcomeKind.PARKED, now, reason=why.model_dump(), effort=effort)
        waiting = Waiting(
            kind="in_doubt",
            code=why.code,
            since=now,
            intent=step.intent,
            outcome=said,
            claim_id=claim.claim_id,
            claim={
                "offset": claim.offset,
                "sinceMs": claim.since_ms,
                "deadlineSeconds": claim.deadline_seconds,
                "source": dict(claim.source),
            },
            call_ended=call_ended,
        )
        await order.wait(step, waiting, said)

    # -- update ------------------------------------------------------------------------------------------------

    async def _bring_up_to_date(self, order: Order, attempt: Attempt, ticket_id: str) -> bool:
        """False: the ticket is gone and another may be made, look again."""
        state, intent = order.state, attempt.step.intent
        named = intent.get("ticketIds") or []
        if named and named[0] != ticket_id and not attempt.adopting:
            attempt.effort.warnings.append(
                f"identity_conflict: the order names ticket {named[0]}, its own is {ticket_id}"
            )
        if state.gone and self._may_replace(attempt):
            await self.forget(order, "ticket_gone")
            return False
        if state.gone:
            why = reason("ticket_not_found", ticket=ticket_id, detail="as it said before")
            await order.conclude(attempt.step, OutcomeKind.REJECTED, code=why.model_dump(), effort=attempt.effort)
            return True
        while True:
            try:
                changed = await self._what_changed(order, attempt, ticket_id)
                if changed:
                    await self._patch(order, attempt, ticket_id, changed)
            except Failed as failed:
                if failed.fault is Fault.TICKET_GONE and order.seen().ticket and self._may_replace(attempt):
                    await self.forget(order, "ticket_gone")
                    return False
                if await self._give_up(order, attempt, failed):
                    return True
                continue
            await self._updated(order, attempt, ticket_id, changed)
            return True

    def _may_replace(self, attempt: Attempt) -> bool:
        return self._on_missing == "create" and attempt.step.intent["kind"] == IntentKind.UPSERT

    async def _what_changed(self, order: Order, attempt: Attempt, ticket_id: str) -> dict[str, Any]:
        state = order.state
        if state.ticket_id == ticket_id and state.hashes:
            forced = attempt.step.intent.get("force", False)
            return dict(attempt.fields) if forced else changes(attempt.fields, state.hashes)
        # Nothing is known of what was sent (a new group, a crash, an adoption): Willow's own word counts.
        ticket = await self._calls.get(ticket_id, attempt.effort)
        state.ticket_id = ticket_id
        return differences(ticket, attempt.fields)

    async def _send(self, order: Order, ticket_id: str, fields: dict[str, Any], effort: Effort) -> None:
        state, clock = order.state, order.books.clock
        before, answered = state.read_back, True

        def unanswered() -> None:
            nonlocal answered
            answered = False
            state.read_back_at(clock() + self._settle, fields)

        # Before it is sent: a worker that is killed meanwhile can't say any more that a late PATCH may come.
        state.read_back_at(clock() + order.books.writer.send_within + self._settle, fields)
        await order.save_read_back()
        try:
            await self._calls.update(ticket_id, fields, effort, unanswered)
        finally:
            if answered:
                state.read_back = before

    async def _patch(self, order: Order, attempt: Attempt, ticket_id: str, changed: dict[str, Any]) -> None:
        """Raises Failed. What Willow refuses and nobody needs is left out, once."""
        sent = changed
        for last in (False, True):
            try:
                await self._send(order, ticket_id, sent, attempt.effort)
                break
            except Failed as failed:
                if failed.fault is Fault.CONFLICT and not last:
                    ticket = await self._calls.get(ticket_id, attempt.effort)
                    sent = differences(ticket, sent)
                elif failed.fault is Fault.RECORD and not last and self._leave_out(attempt, failed.answer, sent):
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
        state.remember(ticket_id, attempt.fields, whole=False)
        # The lease may have run out during the call: then another owner speaks for this order by now.
        await self._calls.lease.wait(self._calls.lanes)
        own = claim_for(order.seen(), intent["source"])
        kind = OutcomeKind.UPDATED if changed else OutcomeKind.UNCHANGED
        if attempt.leaving is not None:
            kind = OutcomeKind.SKIPPED
        elif attempt.adopting or (first and ticket_id in intent.get("ticketIds", ()) and not order.seen().done):
            kind = OutcomeKind.ADOPTED
        elif first and (own or books.claims.created_for(order.id) == coordinates(intent["source"])):
            # A crash came between identity and state: this record made the ticket (delivery.md §1).
            kind = OutcomeKind.CREATED
        words = binding(books.identities.ticket_of(order.id), own)

        def identity(said: dict[str, Any]) -> list[Acked]:
            if "identity" not in words:
                return []
            return [books.writer.identity(order.id, intent["entityType"], ticket_id, said["outcomeId"])]

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

    async def _adopt(self, order: Order, attempt: Attempt, ticket_id: str) -> None:
        """The order's own identity names a ticket: GET, compare, PATCH the difference (contract §6)."""
        owner = order.books.identities.owner_of(ticket_id)
        external = attempt.want.fields.get("externalId")
        while owner is None:
            try:
                ticket = await self._calls.get(ticket_id, attempt.effort)
            except Failed as failed:
                if await self._give_up(order, attempt, failed):
                    return
                continue
            its = ticket.field("externalId")
            owner = its if its and its != external else order.id
        if owner != order.id:
            why = reason("ticket_owned_by_other", ticket=ticket_id, owner=owner)
            await order.conclude(attempt.step, OutcomeKind.SKIPPED, code=why.model_dump(), effort=attempt.effort)
            return
        await self._bring_up_to_date(order, attempt, ticket_id)

    # -- what a no means ---------------------------------------------------------------------------------------

    def _leave_out(self, attempt: Attempt, answer: Answer, sent: Mapping[str, Any]) -> bool:
        """True if a 400 named only fields that are not needed, and none was left out before."""
        needed = {*attempt.step.intent.get("required", ()), "summary", "twinId", "externalId"}
        refused = refused_fields(answer, list(sent))
        if attempt.left_out or not refused or needed.intersection(refused):
            return False
        attempt.left_out.update(refused)
        attempt.effort.warnings += [f"left_out: Willow refused {name}" for name in refused]
        return True

    async def _give_up(self, order: Order, attempt: Attempt, failed: Failed) -> bool:
        """Conclude a record that Willow refused for good. False: it is not the record's fault, try again."""
        answer, fault = failed.answer, failed.fault
        if fault is Fault.SITE:
            fault = self._calls.forbidden(attempt.site)
            why = reason("forbidden", detail=answer.detail)
        elif fault is Fault.TICKET_GONE:
            # A ticket that only the order's own identity names was never its ticket: another may be named later.
            order.state.gone = order.seen().ticket is not None
            why = reason("ticket_not_found", ticket=order.state.ticket_id, detail=answer.detail)
        elif fault is Fault.CONFLICT:
            why = reason("conflict", detail=answer.detail)
        else:
            why = reason("invalid", status=answer.status, detail=answer.detail)
            if fault is Fault.RECORD and self._leave_out(attempt, answer, attempt.fields):
                return False
        if fault in (Fault.MOMENT, Fault.TENANT):
            return False
        await order.conclude(attempt.step, OutcomeKind.REJECTED, code=why.model_dump(), effort=attempt.effort)
        return True


def differences(ticket: Ticket, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields whose value in Willow is another than the desired one. What its reads don't show is sent again."""
    return ticket.compare(fields).to_send
