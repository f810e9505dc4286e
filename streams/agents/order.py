"""One order in the sink's hand: its state, what its views say, and the writing of its outcomes in the right order."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.intent import IntentKind
from schemas.outcome import OutcomeKind
from streams.agents.writer import Acked, Writer, acknowledged
from streams.delivery.create import Seen, look
from streams.delivery.outcomes import Effort, outcome
from streams.delivery.reconcile import Step, is_control, may_have_been_sent, moves_watermark
from streams.delivery.state import OrderState, Owed, Waiting, log_key
from streams.planning.reasons import reason
from streams.tables.claims import ClaimTable
from streams.tables.identities import IdentityTable
from streams.tables.orders import OrderTable

#: The cause of a signal that has an order's state written once more.
RESTATE = "restate"


async def _at_once() -> None:
    return None


@dataclass(slots=True)
class Books:
    """What the sink reads and writes about orders; one per worker."""

    orders: OrderTable
    identities: IdentityTable
    claims: ClaimTable
    writer: Writer
    clock: Callable[[], float]
    """Epoch seconds."""
    told: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Called with each outcome that was written, for metrics."""
    written: Callable[[str, int, OrderState], None] = lambda *_: None
    """Called with each state that was written, for what wakes orders."""
    decided: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Called with each final outcome once, when it is decided, for the brake; not when it is repeated."""
    generation: Callable[[], int] = lambda: 0
    """Of the consumer group, as this worker knows it."""
    owner: Callable[[], bool] = lambda: True
    """Whether no other worker can own the order at this moment."""
    may_write: Callable[[], Awaitable[None]] = _at_once
    """Returns while no other worker can own the order; a worker that was frozen must not write over its successor."""


@dataclass(slots=True)
class Order:
    id: str
    partition: int
    state: OrderState
    books: Books
    traceparent: str | None = None
    owed: list[Owed] = field(default_factory=list)
    """Final outcomes of older records, to be said as superseded with the next outcome that is final."""

    def seen(self) -> Seen:
        """What the views say now, and the order's own state."""
        return look(self.id, self.books.claims, self.books.identities, kept=self.state.ticket_id)

    def dissolve_waiting(self, own: Mapping[str, Any]) -> None:
        """The order goes on: what it owed for older records is said with the next final outcome."""
        waiting, self.state.waiting = self.state.waiting, None
        if waiting is not None:
            mine = (own["source"], own.get("replayId"))
            self.owed += [item for item in waiting.owed if (item.source, item.replay_id) != mine]

    async def tell(self, outcomes: Iterable[Mapping[str, Any]]) -> None:
        """Write outcomes; returns once the broker has them."""
        await self._tell(list(outcomes))

    async def _tell(self, outcomes: Sequence[Mapping[str, Any]], together_with: Sequence[Acked] = ()) -> None:
        # A worker that was frozen during a call must not tell what its successor may know better: the first counts.
        await self.books.may_write()
        sent = [self.books.writer.outcome(item, traceparent=self.traceparent) for item in outcomes]
        await acknowledged([*together_with, *sent])
        for item in outcomes:
            self.books.told(item)

    async def conclude(
        self,
        step: Step[Any],
        kind: OutcomeKind,
        *,
        code: Mapping[str, Any] | None = None,
        effort: Effort | None = None,
        changed: Sequence[str] = (),
        twin_id: str | None = None,
        before_state: Callable[[dict[str, Any]], Sequence[Acked]] = lambda _: (),
        with_state: Callable[[], Sequence[Acked]] = lambda: (),
    ) -> None:
        """The final outcome of a step's record and, with it, of all it replaces; then the state (delivery.md §1).

        ``before_state`` starts what must be acknowledged together with the outcome (an identity), ``with_state``
        what may only follow it (``done``)."""
        intent, state = step.intent, self.state
        self.dissolve_waiting(intent)
        said = outcome(
            intent,
            kind,
            self.books.clock(),
            reason=code,
            ticket_id=state.ticket_id,
            twin_id=twin_id,
            changed=changed,
            effort=effort,
        )
        self.books.decided(said)
        await self._tell([said, *self._replaced(step, said)], before_state(said))
        state.last = said
        self.accept(intent)
        sent = with_state()
        await self.save()
        await acknowledged(sent)
        self.owed = []

    def _replaced(self, step: Step[Any], said: Mapping[str, Any]) -> list[dict[str, Any]]:
        older = [Owed(item["source"], item.get("replayId")) for item in step.superseded]
        rejected = said["outcome"] == OutcomeKind.REJECTED
        code = reason("superseded_by_rejected", detail=said["reason"]["message"]) if rejected else None
        return [
            outcome(
                step.intent,
                OutcomeKind.SUPERSEDED,
                self.books.clock(),
                reason=code.model_dump() if code else None,
                ticket_id=self.state.ticket_id,
                superseded_by=step.intent["source"],
                source=item.source,
                replay_id=item.replay_id,
            )
            for item in [*self.owed, *older]
        ]

    def accept(self, intent: Mapping[str, Any]) -> None:
        """The record counts from now on: its offset, its instant and its scope (contract §2)."""
        state = self.state
        if is_control(intent):
            return
        key = log_key(intent["source"])
        state.decided[key] = max(intent["source"]["offset"], state.decided.get(key, -1))
        if moves_watermark(intent):
            state.watermark = intent.get("dateUpdated")
        if intent["kind"] != IntentKind.DELETE:
            state.entity_type = intent["entityType"]
            record = intent.get("record", {})
            state.scope |= {name: record[name] for name in ("jobStatus", "relatesTo") if name in record}

    async def save(self) -> None:
        await self._write(self.state)
        self.books.written(self.id, self.partition, self.state)

    async def save_read_back(self) -> None:
        """Write down the read-back that is due, and nothing else of the record that is being carried out: it may have
        left the queue behind a doubt, or what waited may be dissolved, and without its outcome it would be lost.

        Nothing is woken by it: whoever carries the record out writes the state once more, and a successor looks at all
        states."""
        kept = self.books.orders.read(self.partition, self.id)
        kept.read_back = self.state.read_back
        await self._write(kept)

    async def _write(self, state: OrderState) -> None:
        await self.books.may_write()
        state.generation = max(state.generation, self.books.generation())
        await self.books.orders.write(self.partition, self.id, state)
        if not self.books.owner():
            # A successor may have written the state meanwhile. Its own counts, but must stand behind this one: else
            # compaction would keep this one alone.
            await self.books.writer.signal(self.id, RESTATE)

    async def begin(self, step: Step[Any]) -> None:
        """Write down that a record is being applied for all that it replaces, before anything of it is sent.

        Else a crash after the call would have the older ones come again by themselves, and each would be sent over the
        newer one (I3)."""
        state = self.state
        state.doubt_hashes(may_have_been_sent(step, state))
        applying = Waiting(kind="applying", code="applying", since=self.books.clock(), intent=step.intent)
        await self.wait(step, applying, None)
        # From here on they are owed.
        step.superseded = []

    async def wait(self, step: Step[Any], waiting: Waiting, said: Mapping[str, Any] | None) -> None:
        """Keep the order waiting; ``said`` is its ``parked`` outcome, if there is one to say."""
        former = self.state.waiting
        older = [Owed(item["source"], item.get("replayId")) for item in step.superseded]
        own = Owed(step.intent["source"], step.intent.get("replayId"))
        # Once each: a wake-up that a newer record replaced is owed by the wait already, and was told twice.
        owed = {_record_of(item): item for item in [*self.owed, *(former.owed if former else []), *older]}
        owed.pop(_record_of(own), None)
        waiting.owed = [*owed.values(), own]
        if former is not None and former.intent["source"] == own.source:
            waiting.since = former.since
        if said is not None:
            await self.tell([said])
        self.state.waiting = waiting
        self.accept(step.intent)
        await self.save()
        self.owed = []


def _record_of(owed: Owed) -> tuple[str, int, str | None]:
    return log_key(owed.source), owed.source["offset"], owed.replay_id
