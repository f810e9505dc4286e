"""The sink: carries intents out, one order at a time, and says what became of each record (contract §3, §5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.intent import IntentKind
from schemas.outcome import OutcomeKind, Reason
from schemas.replan import Cause
from streams.agents import timers
from streams.agents.creates import doubt
from streams.agents.doubts import Doubts
from streams.agents.order import Books, Order
from streams.agents.tickets import Tickets
from streams.agents.waiting import as_replan
from streams.agents.writer import new_id
from streams.delivery.bounds import fits, fold_too_large, size_of
from streams.delivery.foresee import NOT_LEAVING
from streams.delivery.outcomes import Effort, outcome
from streams.delivery.reconcile import Step, Verdict, conflate, fill, judge, replaced_by, same_record
from streams.delivery.resolution import holds
from streams.delivery.state import OrderState, Waiting
from streams.kafka.in_flight import InFlight
from streams.kafka.record import ConsumerRecord
from streams.planning.reasons import left, reason
from streams.settings import Settings, format_duration
from streams.tables.view import View


@dataclass(slots=True)
class Item:
    """An intent as it came from the topic. ``record`` is acknowledged once its outcome is durable."""

    intent: dict[str, Any]
    record: ConsumerRecord
    traceparent: str | None


class Sink:
    def __init__(
        self, books: Books, tickets: Tickets, claims_view: View, in_flight: InFlight, settings: Settings
    ) -> None:
        self._books, self._tickets, self._in_flight = books, tickets, in_flight
        self._mode = settings.conflate.value
        self._park_ttl = settings.park_ttl.total_seconds() if settings.park_ttl else None
        self._doubts = Doubts(
            claims_view,
            accept=self.accept,
            upsert=tickets.upsert,
            settle=settings.in_doubt.settle.total_seconds(),
            then=settings.in_doubt.then,
            mode=self._mode,
        )

    async def handle(self, order_id: str, batch: list[Item]) -> None:
        """All intents that wait for one order. Raises Draining; what was not acknowledged by then comes again."""
        partition = batch[0].record.partition
        state = self._books.orders.read(partition, order_id)
        order = Order(order_id, partition, state, self._books)
        await self._doubts.work_off(order)
        for step in conflate([(item.intent, item) for item in batch], state, self._mode):
            order.traceparent = step.items[-1].traceparent
            await self._books.may_write()
            await self._carry_out(order, step)
            if step.verdict is not Verdict.ACCEPT or step.intent["kind"] == IntentKind.SIGNAL:
                # A crash may have left this state in the local store alone; acknowledging it now would lose it.
                await order.save()
            for item in step.items:
                self._in_flight.done(item.record)

    async def _carry_out(self, order: Order, step: Step[Any]) -> None:
        state, intent = order.state, step.intent
        match step.verdict:
            case Verdict.DROP:
                return None
            case Verdict.REPEAT | Verdict.SUPERSEDED:
                # What stood before it in the same batch, a signal or its own first delivery, may have changed which.
                match judge(intent, state, state.watermark):
                    case Verdict.REPEAT:
                        return await self._repeat(order, step)
                    case Verdict.SUPERSEDED:
                        return await order.tell([self._replaced_before(state, intent)])
                return None
            case Verdict.STALE:
                why = reason("stale", mine=intent.get("dateUpdated"), newest=state.watermark)
                said = outcome(
                    intent,
                    OutcomeKind.SKIPPED,
                    self._books.clock(),
                    reason=why.model_dump(),
                    ticket_id=state.ticket_id,
                )
                return await order.tell([said])
        if intent["kind"] == IntentKind.SIGNAL:
            return await self._signal(order, step)
        if intent.get("cause") in (Cause.WAKE, Cause.FILL, Cause.REPLAY):
            # Judged with its batch; a signal before it may have ended what it was to go on with.
            match judge(intent, state, state.watermark):
                case Verdict.DROP:
                    return None
                case Verdict.REPEAT:
                    return await self._repeat(order, step)
        if state.waiting is not None and state.waiting.kind == "in_doubt":
            return await self._doubts.stand_behind(order, step)
        await self.accept(order, step)

    async def accept(self, order: Order, step: Step[Any]) -> None:
        """Carry an accepted intent out; the order is in no doubt."""
        match step.intent["kind"]:
            case IntentKind.UPSERT:
                await self._upsert(order, step)
            case IntentKind.PARK:
                await self._park(order, step)
            case IntentKind.DELETE:
                await self._delete(order, step)
            case _:
                await self._skip(order, step)

    async def _signal(self, order: Order, step: Step[Any]) -> None:
        """A timer, or an operator's word."""
        match (step.intent.get("signal") or {}).get("cause"):
            case timers.READ_BACK:
                await self._tickets.updates.read_back(order)
            case timers.EXPIRE:
                await self._expire(order)
            case "restate":
                return  # the state is written again, as after every signal
            case "resolve":
                await self._resolve(order, step.intent["signal"].get("result") or {})
            case "adopt":
                await self._tickets.bindings.nominate(order, step.intent["signal"]["result"]["ticketId"])
            case _:
                await self._doubts.signal(order, step)

    async def _resolve(self, order: Order, said: Mapping[str, Any]) -> None:
        """``willow-sync resolve``: what the operator says is right, as long as the order stands as it did then."""
        waiting, ticket_id = order.state.waiting, said.get("ticketId")
        if not holds(said, order.state, order.seen().ticket):
            return
        if waiting is not None and waiting.kind == "in_doubt":
            await self._doubts.resolve(order, ticket_id)
        elif ticket_id is not None:
            await self._tickets.bindings.bind(order, ticket_id)
        else:
            await self._tickets.bindings.forget(order, "unbound")

    async def _expire(self, order: Order) -> None:
        """Parked longer than ``park_ttl``; not if what it waited for has come meanwhile."""
        waiting, now = order.state.waiting, self._books.clock()
        if waiting is None or waiting.kind != "parked" or self._park_ttl is None:
            return
        if now - waiting.since < self._park_ttl:
            return
        waited = format_duration(timedelta(seconds=round(now - waiting.since)))
        why = reason("park_expired", waited=waited, code=waiting.code)
        step: Step[Any] = Step(Verdict.ACCEPT, waiting.intent, [], [])
        await order.conclude(step, OutcomeKind.SKIPPED, code=why.model_dump())

    async def _repeat(self, order: Order, step: Step[Any]) -> None:
        waiting = order.state.waiting
        if waiting is None or not same_record(step.intent, waiting.intent):
            assert order.state.last is not None
            return await order.tell([order.state.last])
        if waiting.kind == "applying":
            # A crash came before its outcome; what it replaced is owed.
            return await self.accept(order, Step(Verdict.ACCEPT, waiting.intent, [], []))
        if waiting.kind == "fill":
            # The crash may have come before the record was sent round.
            await self._books.writer.replan(as_replan(waiting))
        elif waiting.outcome is not None:
            await order.tell([waiting.outcome])
        return None

    def _replaced_before(self, state: OrderState, intent: Mapping[str, Any]) -> dict[str, Any]:
        return outcome(
            intent,
            OutcomeKind.SUPERSEDED,
            self._books.clock(),
            ticket_id=state.ticket_id,
            superseded_by=replaced_by(intent, state),
        )

    async def _upsert(self, order: Order, step: Step[Any]) -> None:
        try:
            record = fill(step.intent, order.state)
        except KeyError:
            why = reason("incomplete_record", missing=", ".join(step.intent["missing"]))
            return await order.conclude(step, OutcomeKind.SKIPPED, code=why.model_dump())
        if record is not None:
            return await self._send_round(order, step, record)
        if step.superseded:
            await order.begin(step)
        order.state.left = None
        return await self._tickets.upsert(order, step)

    async def _send_round(self, order: Order, step: Step[Any], record: dict[str, Any]) -> None:
        """The record left out what it is decided with: have the fold planned, under its own coordinates."""
        folded = {**step.intent, "record": record}
        if not fits(folded):
            return await self._refuse_fold(order, step, size_of(folded))
        waiting = Waiting(kind="fill", code="fill", since=self._books.clock(), intent=folded, id=new_id())
        await self._books.writer.replan(as_replan(waiting))
        return await order.wait(step, waiting, None)

    async def _refuse_fold(self, order: Order, step: Step[Any], size: int) -> None:
        """The record and what waits are too large together: kept, they would end the worker as they are sent round."""
        await order.conclude(step, OutcomeKind.SKIPPED, code=fold_too_large(size).model_dump())

    async def _park(self, order: Order, step: Step[Any]) -> None:
        intent, state, now = step.intent, order.state, self._books.clock()
        former = state.waiting
        if former is not None:
            # Also under its own coordinates: a replay brings the record as it came, not the fold over the older ones.
            intent = {**intent, "record": {**former.intent.get("record", {}), **intent.get("record", {})}}
            if not fits(intent):
                return await self._refuse_fold(order, step, size_of(intent))
        said = outcome(
            intent,
            OutcomeKind.PARKED,
            now,
            reason=intent["reason"],
            ticket_id=state.ticket_id,
            waiting_for=intent.get("waitingFor", ()),
        )
        told_already = former is not None and former.kind == "parked" and same_record(intent, former.intent)
        code = intent["reason"]["code"]
        waiting = Waiting(kind="parked", code=code, since=now, intent=intent, id=new_id(), outcome=said)
        return await order.wait(step, waiting, None if told_already else said)

    async def _delete(self, order: Order, step: Step[Any]) -> None:
        if order.state.entity_type is not None:
            step.intent = {**step.intent, "entityType": order.state.entity_type}
        seen = order.seen()
        if seen.ticket is None and seen.open:
            # It replaced a create that was sent before a crash: told "untracked", its ticket would be nobody's.
            return await doubt(order, step, seen.open[0], Effort())
        if step.superseded:
            await order.begin(step)
        # A crash may have come between the ticket's identity and the state.
        ticket = order.state.ticket_id = seen.ticket
        if ticket and step.intent.get("fields") and not order.state.gone:
            return await self._tickets.updates.close(order, step, ticket)
        why = reason("deleted_kept", ticket=ticket) if ticket else reason("deleted_untracked")
        await order.conclude(step, OutcomeKind.SKIPPED, code=why.model_dump())

    async def _skip(self, order: Order, step: Step[Any]) -> None:
        why = Reason.model_validate(step.intent["reason"])
        if why.code == "not_a_change":
            said = outcome(step.intent, OutcomeKind.SKIPPED, self._books.clock(), reason=why.model_dump())
            return await order.tell([said])
        seen = order.seen()
        if seen.ticket is not None and why.code not in NOT_LEAVING:
            order.state.left = why.code
            order.state.ticket_id = seen.ticket
            why = left(why)
            if step.intent.get("fields") and not order.state.gone:
                return await self._tickets.updates.close(order, step, seen.ticket, why)
        await order.conclude(step, OutcomeKind.SKIPPED, code=why.model_dump())
        return None
