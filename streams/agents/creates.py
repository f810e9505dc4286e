"""Creating an order's ticket under a claim: the steps around the protocol's decisions (delivery.md §2)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from schemas.claim import ClaimState
from schemas.outcome import OutcomeKind
from streams.agents.attempts import Attempt, Refusals
from streams.agents.bindings import READ_BACK_SECONDS
from streams.agents.calls import Calls, Failed
from streams.agents.order import Order
from streams.agents.writer import Acked, acknowledged, new_id
from streams.delivery.answers import Fault
from streams.delivery.create import InDoubt, MayPut, OpenClaim, Withdraw, after_claim, after_failure, may_send
from streams.delivery.lanes import Draining
from streams.delivery.outcomes import DUPLICATE, Effort, outcome
from streams.delivery.pause import backoff
from streams.delivery.reconcile import Step, to_create
from streams.delivery.state import Waiting
from streams.planning.reasons import reason
from streams.tables.view import View
from streams.willow import Ticket

#: Source fields whose absence from a create is worth a warning, when an earlier record may have carried them.
_TOLD_FIELDS = ("summary", "description", "problemDescription", "jobPriority", "jobType", "sector", "dueDate")


class Creates:
    """``max_claims`` bounds the claims that are open and not sent yet: after a crash each of them is an order in doubt.
    ``keep_in_step`` brings a ticket that was bound meanwhile up to date."""

    def __init__(
        self,
        calls: Calls,
        claims_view: View,
        refusals: Refusals,
        *,
        keep_in_step: Callable[[Order, Attempt, str], Awaitable[bool]],
        max_claims: int,
    ) -> None:
        self._calls, self._claims_view, self._refusals = calls, claims_view, refusals
        self._keep_in_step = keep_in_step
        self._claiming = asyncio.Semaphore(max_claims)

    async def create(self, order: Order, attempt: Attempt) -> bool:
        """One claim and at most one PUT. False: nothing was made, look again."""
        await self._calls.may_go()
        async with self._claiming:
            with self._calls.lanes.protected():
                return await self._claim_and_put(order, attempt)

    async def _claim_and_put(self, order: Order, attempt: Attempt) -> bool:
        source, writer, claim_id = attempt.step.intent["source"], order.books.writer, new_id()
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
                await doubt(order, attempt.step, move.then.claim, attempt.effort)
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
            own = OpenClaim(claim_id, ack.offset, int(claimed_at * 1000), 0.0, source)
            return await self._not_created(order, attempt, own, failed, release)
        if ticket is None:
            await self._released(release("not_sent"))
            if lanes.draining.is_set():
                raise Draining
            return False
        return await self._created(order, attempt, claim_id, ticket, body)

    async def _released(self, release: Acked) -> None:
        ack = await release
        # Else the next look would still see the own claim as open, and call it a doubt.
        await self._claims_view.reached({ack.partition: ack.offset + 1}, seconds=READ_BACK_SECONDS)

    async def _created(
        self, order: Order, attempt: Attempt, claim_id: str, ticket: Ticket, body: Mapping[str, Any]
    ) -> bool:
        bound = order.books.identities.ticket_of(order.id)
        if bound is not None and bound != ticket.id:
            # A former owner's create was taken after all, later than `settle`: what is bound stays bound.
            attempt.effort.warnings.append(f"{DUPLICATE}: {ticket.id} carries the same externalId")
            source = attempt.step.intent["source"]
            await order.books.writer.claim(
                order.partition, order.id, claim_id, ClaimState.DONE, source, ticket_id=bound
            )
            return await self._keep_in_step(order, attempt, bound)
        # What was not sent because it was null counts as sent: the ticket has it empty.
        order.state.remember(ticket.id, {**attempt.fields, **body}, whole=True, site_id=attempt.want.site_id)
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
            return True
        # Another owner may speak for the order by now: it must learn of the ticket and of nothing else (delivery.md
        # §4).
        await acknowledged(identity({"outcomeId": claim_id}))
        await acknowledged(done())
        await lease.wait(self._calls.lanes)
        await order.conclude(attempt.step, OutcomeKind.CREATED, effort=attempt.effort, twin_id=attempt.want.twin_id)
        return True

    def _warn_of_gaps(self, order: Order, attempt: Attempt) -> None:
        # An earlier record was skipped or rejected, so what it carried is not remembered (contract §2).
        record = attempt.step.intent.get("record", {})
        absent = [name for name in _TOLD_FIELDS if name not in record]
        if order.state.last is not None and absent:
            attempt.effort.warnings.append(f"incomplete: the record left out {', '.join(absent)}")

    async def _not_created(
        self, order: Order, attempt: Attempt, own: OpenClaim, failed: Failed, release: Callable[[str], Acked]
    ) -> bool:
        now = order.books.clock()
        move = after_failure(own, failed.answer)
        if isinstance(move, InDoubt):
            await doubt(order, attempt.step, own, attempt.effort, because=failed.answer.detail, call_ended=now)
            return True
        await self._released(release(move.why))
        if await self._refusals.give_up(order, attempt, failed):
            return True
        attempt.failures += 1
        if failed.fault is Fault.MOMENT:
            await self._calls.lanes.pause(backoff(attempt.failures, self._calls.rng, failed.answer.retry_after))
        return False


async def doubt(
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
