"""Orders in doubt: nobody knows whether a create made a ticket. Later records stand behind it; look-ups end it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, Protocol

from schemas.claim import ClaimState
from schemas.intent import IntentKind
from schemas.outcome import OutcomeKind
from streams.agents.order import Order
from streams.delivery.behind import bounded
from streams.delivery.create import (
    CreateAgain,
    Found,
    Freed,
    LookUp,
    OpenClaim,
    Ticketed,
    after_signal,
    binding,
    settled_at,
)
from streams.delivery.outcomes import DUPLICATE, outcome
from streams.delivery.reconcile import Step, Verdict, append, is_control
from streams.delivery.state import Owed, Waiting
from streams.tables.view import View

Accept = Callable[[Order, Step[Any]], Awaitable[None]]


class Upsert(Protocol):
    async def __call__(self, order: Order, step: Step[Any], *, found: bool) -> None:
        """As ``Tickets.upsert``."""


def claim_of(waiting: Waiting) -> OpenClaim:
    """The claim in doubt, as it was written down when the doubt began."""
    kept = waiting.claim or {}
    return OpenClaim(
        waiting.claim_id or "",
        int(kept.get("offset", 0)),
        int(kept.get("sinceMs", 0)),
        float(kept.get("deadlineSeconds", 0.0)),
        kept.get("source", {}),
    )


class Doubts:
    """``settle`` in seconds and ``then`` are the settings ``in_doubt``."""

    def __init__(
        self,
        claims_view: View,
        *,
        accept: Accept,
        upsert: Upsert,
        settle: float,
        then: Literal["create", "hold"],
        mode: str,
    ) -> None:
        self._claims_view = claims_view
        self._accept, self._upsert = accept, upsert
        self._settle, self._then, self._mode = settle, then, mode

    async def stand_behind(self, order: Order, step: Step[Any]) -> None:
        """A record that came while its order is in doubt: kept, folded over those before it, and told ``parked``."""
        waiting = order.state.waiting
        assert waiting is not None
        if is_control(step.intent):
            # It waits for nothing, and what condenses the rest would have it replaced, or replace.
            return await self._accept(order, step)
        queue: list[Step[Any]] = [Step(Verdict.ACCEPT, kept, [], []) for kept in waiting.behind]
        waiting.owed += order.owed
        order.owed = []
        waiting.owed += [Owed(item["source"], item.get("replayId")) for item in step.superseded]
        waiting.owed.append(Owed(step.intent["source"], step.intent.get("replayId")))
        # Else a doubt that lasts keeps one whole record for each event of a source that sends changed columns only.
        append(queue, Step(Verdict.ACCEPT, step.intent, [], []), self._mode, incomplete=True)
        # Else a doubt that lasts, with conflation off or many skipped records, ends in a state that no topic takes.
        waiting.behind = bounded([kept.intent for kept in queue])
        told = (waiting.outcome or {}).get("reason")
        said = outcome(step.intent, OutcomeKind.PARKED, order.books.clock(), reason=told)
        await order.tell([said])
        order.accept(step.intent)
        return await order.save()

    async def signal(self, order: Order, step: Step[Any]) -> None:
        """What a look-up showed; or that a view showed something, then the result is empty."""
        waiting = order.state.waiting
        if waiting is None or waiting.kind != "in_doubt":
            return
        claim = claim_of(waiting)
        result = (step.intent.get("signal") or {}).get("result") or {}
        seen = order.seen()
        look_up = None
        if result.get("claimId") == claim.claim_id:
            look_up = LookUp(result["found"], result["counted"], result["at"])
        settled = settled_at(claim, self._settle, call_ended=waiting.call_ended)
        move = after_signal(seen, claim, look_up, settled=settled, then=self._then)
        if isinstance(move, Ticketed):
            await self._go_on(order, waiting, claim)
        elif isinstance(move, Freed):
            await self._go_on(order, waiting, None)
        elif isinstance(move, Found):
            order.state.ticket_id = move.ticket_id
            if move.others:
                note = f"{DUPLICATE}: {', '.join(move.others)} carry the same externalId"
                waiting.intent = {**waiting.intent, "warnings": [*waiting.intent.get("warnings", ()), note]}
            await self._go_on(order, waiting, claim)
        elif isinstance(move, CreateAgain):
            await self._release(order, claim, "settled")
            await self._go_on(order, waiting, None)

    async def resolve(self, order: Order, ticket_id: str | None) -> None:
        """An operator's word on an order in doubt: this is its ticket, or there is none."""
        waiting = order.state.waiting
        assert waiting is not None
        claim = claim_of(waiting)
        if ticket_id is None:
            await self._release(order, claim, "resolved")
            return await self._go_on(order, waiting, None)
        order.state.ticket_id = ticket_id
        return await self._go_on(order, waiting, claim)

    async def _release(self, order: Order, claim: OpenClaim, why: str) -> None:
        ack = await order.books.writer.claim(
            order.partition, order.id, claim.claim_id, ClaimState.RELEASED, claim.source, why=why
        )
        await self._claims_view.reached({ack.partition: ack.offset + 1}, seconds=10.0)

    async def _go_on(self, order: Order, waiting: Waiting, settled: OpenClaim | None) -> None:
        """The doubt is over: bring the ticket to the newest desired state, then what stood behind."""
        if settled is not None:
            await self._bind(order, waiting.intent["entityType"], settled)
        queue: list[Step[Any]] = []
        for intent in (waiting.intent, *waiting.behind):
            append(queue, Step(Verdict.ACCEPT, intent, [], []), self._mode)
        replaced = _shared_out(waiting.owed, [step.intent for step in queue])
        order.owed += replaced[0]
        order.state.waiting = None
        first, rest = queue[0], queue[1:]
        # What it replaced is owed already, under its own coordinates.
        first.superseded = []
        order.state.queue = [
            {**step.intent, "owed": [asdict(item) for item in owed]}
            for step, owed in zip(rest, replaced[1:], strict=True)
        ]
        if first.intent["kind"] == IntentKind.UPSERT:
            await self._upsert(order, first, found=settled is not None)
        else:
            await self._accept(order, first)
        await self.work_off(order)

    async def _bind(self, order: Order, entity_type: str, claim: OpenClaim) -> None:
        """Publish the ticket that the doubt came to, whatever becomes of the records behind it; then ``done``."""
        ticket = order.seen().ticket
        if ticket is None:
            return
        writer = order.books.writer
        for word in binding(order.books.identities.ticket_of(order.id), claim):
            if word == "identity":
                await writer.identity(order.id, entity_type, ticket, claim.claim_id)
            else:
                await writer.claim(
                    order.partition, order.id, claim.claim_id, ClaimState.DONE, claim.source, ticket_id=ticket
                )

    async def work_off(self, order: Order) -> None:
        """Carry out what stood behind a doubt. Each leaves the queue with the write that says its outcome."""
        while order.state.queue:
            intent = order.state.queue.pop(0)
            order.owed += [Owed(**item) for item in intent.pop("owed", ())]
            step: Step[Any] = Step(Verdict.ACCEPT, intent, [], [])
            if order.state.waiting is not None and order.state.waiting.kind == "in_doubt":
                await self.stand_behind(order, step)
            else:
                await self._accept(order, step)


def _shared_out(owed: Sequence[Owed], queue: Sequence[Mapping[str, Any]]) -> list[list[Owed]]:
    """For each intent of the queue the records it replaced: those that came after the intent before it. ``owed`` is in
    log order."""
    own = [(intent["source"], intent.get("replayId")) for intent in queue]
    replaced: list[list[Owed]] = [[] for _ in queue]
    by = 0
    for item in owed:
        if (item.source, item.replay_id) in own:
            by = min(own.index((item.source, item.replay_id)) + 1, len(queue) - 1)
        else:
            # Said with an older intent's outcome, a record would be superseded by one that it came after.
            replaced[by].append(item)
    return replaced
