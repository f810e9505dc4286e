"""What wakes waiting orders: a small index in memory of the parked ones and of those in doubt.

It writes no table. A wake-up, and what a look-up found, go round through ``willow-sync.replans`` and come back to the
sink as an intent of their order (contract §1).
"""

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from schemas.replan import Cause, Replan
from streams.agents.doubts import claim_of
from streams.agents.order import Books
from streams.delivery.create import counts, next_look_up, settled_at
from streams.delivery.pacing import Pace
from streams.delivery.state import Waiting
from streams.tables.twins import TwinTable
from streams.tables.view import View
from streams.willow import MAX_EXTERNAL_IDS, WillowClient, WillowError
from streams.willow.wire import Sort

log = logging.getLogger(__name__)

#: How often due look-ups are gathered. Orders that fall due within one turn share a call.
TURN_SECONDS = 0.25

#: After an assignment, orders in doubt are looked up this soon.
FIRST_LOOK_SECONDS = 1.0

#: A look-up that failed is made again after this long, not at the schedule's next step, which may be tomorrow.
FAILED_LOOK_SECONDS = 15.0


@dataclass(slots=True)
class _Doubt:
    partition: int
    claim_id: str
    since: float
    claimed: float
    """Epoch seconds of the claim: no ticket of it is older."""
    settled: float
    external_id: str
    """As the create had it: the template may be another by now."""
    noticed: bool = False
    """Its end was seen in a view, and signalled."""


@dataclass(slots=True)
class _Parked:
    partition: int
    watch: frozenset[str]
    code: str = "fill"


class WaitingIndex:
    """``settle`` in seconds; ``external_id`` gives an order's externalId."""

    def __init__(
        self,
        books: Books,
        twins: TwinTable,
        entities: View,
        client: WillowClient,
        *,
        external_id: Callable[[str], str],
        settle: float,
        pace: Pace,
    ) -> None:
        self._books, self._twins, self._entities, self._client = books, twins, entities, client
        self._external_id, self._settle, self._pace = external_id, settle, pace
        self._parked: dict[str, _Parked] = {}
        self._watchers: dict[str, set[str]] = {}
        self._doubts: dict[str, _Doubt] = {}
        self._due: list[tuple[float, str]] = []
        self._to_wake: dict[str, None] = {}
        self._awake = asyncio.Event()

    # -- kept up to date by the sink -----------------------------------------------------------------------------

    def changed(self, order_id: str, partition: int, waiting: Waiting | None) -> None:
        """An order's waiting state was written."""
        self._forget(order_id)
        if waiting is None:
            return
        if waiting.kind == "in_doubt":
            claim = claim_of(waiting)
            settled = settled_at(claim, self._settle, call_ended=waiting.call_ended)
            self._doubts[order_id] = _Doubt(
                partition,
                claim.claim_id,
                waiting.since,
                min(waiting.since, claim.since_ms / 1000),
                settled,
                waiting.intent.get("fields", {}).get("externalId") or self._external_id(order_id),
            )
            self._plan_look_up(order_id)
        elif waiting.kind == "parked":
            watch = frozenset(waiting.intent.get("watch", ()))
            self._parked[order_id] = _Parked(partition, watch, waiting.code)
            for name in watch:
                self._watchers.setdefault(name, set()).add(order_id)
            positions = {int(p): offset for p, offset in waiting.intent.get("positions", {}).items()}
            if self._twins.changed_since(watch, positions):
                self._wake(order_id)

    def rebuild(self, orders: Iterable[tuple[str, int, Waiting]]) -> None:
        """After an assignment: these, and no others, wait on this worker."""
        for order_id in [*self._parked, *self._doubts]:
            self._forget(order_id)
        self._due.clear()
        self._to_wake.clear()
        soon = self._books.clock() + FIRST_LOOK_SECONDS
        for order_id, partition, waiting in orders:
            self.changed(order_id, partition, waiting)
            if waiting.kind == "in_doubt":
                # Its look-ups may have fallen due while nobody owned it.
                heapq.heappush(self._due, (soon, order_id))
            if waiting.kind == "fill":
                self._wake(order_id, partition)

    def twins_changed(self) -> None:
        """The twin table has read on."""
        for name in self._twins.take_fresh():
            for order_id in self._watchers.get(name, ()):
                self._wake(order_id)

    @property
    def in_doubt(self) -> int:
        return len(self._doubts)

    def parked_by_reason(self) -> dict[str, float]:
        return dict(Counter(parked.code for parked in self._parked.values()))

    def _wake(self, order_id: str, partition: int | None = None) -> None:
        if partition is not None:
            self._parked.setdefault(order_id, _Parked(partition, frozenset()))
        self._to_wake[order_id] = None
        self._awake.set()

    def _forget(self, order_id: str) -> None:
        self._doubts.pop(order_id, None)
        parked = self._parked.pop(order_id, None)
        for name in parked.watch if parked else ():
            orders = self._watchers.get(name)
            if orders is not None:
                orders.discard(order_id)
                if not orders:
                    del self._watchers[name]

    # -- the two tasks -------------------------------------------------------------------------------------------

    async def wake_parked(self) -> None:
        """For ever: send woken orders round, at most ``replans_per_second``."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            while self._to_wake:
                order_id = next(iter(self._to_wake))
                del self._to_wake[order_id]
                parked = self._parked.get(order_id)
                if parked is None:
                    continue
                await self._pace.take()
                waiting = self._books.orders.read(parked.partition, order_id).waiting
                if waiting is not None and waiting.kind in ("parked", "fill"):
                    await self._books.writer.replan(as_replan(waiting, self._entities.positions))

    async def look_up_doubts(self) -> None:
        """For ever: ask Willow about the orders whose look-up is due."""
        while True:
            await asyncio.sleep(TURN_SECONDS)
            for order_id in self._news():
                await self._books.writer.signal(order_id, "look_up")
            due = self._take_due()
            if not due:
                continue
            try:
                await self._look_up(due)
            except WillowError as error:
                log.warning("look-up of orders in doubt (%d) failed, it is repeated: %s", len(due), error)
                again = self._books.clock() + FAILED_LOOK_SECONDS
                for order_id in due:
                    heapq.heappush(self._due, (again, order_id))
                continue
            for order_id in due:
                if order_id in self._doubts:
                    self._plan_look_up(order_id)

    def _news(self) -> list[str]:
        """Orders whose ticket, or whose claim's release, has come into the views since: they need no look-up."""
        claims, identities = self._books.claims, self._books.identities
        found = []
        for order_id, doubt in self._doubts.items():
            still_open = any(claim.claim_id == doubt.claim_id for claim in claims.open_claims(order_id))
            bound = claims.done_ticket(order_id) or identities.ticket_of(order_id)
            if not doubt.noticed and (bound or not still_open):
                doubt.noticed = True
                found.append(order_id)
        return found

    def look_up_now(self) -> None:
        """A pause is over: what fell due meanwhile is looked up at once."""
        now = self._books.clock()
        for order_id in self._doubts:
            heapq.heappush(self._due, (now, order_id))

    def _plan_look_up(self, order_id: str) -> None:
        doubt = self._doubts[order_id]
        heapq.heappush(self._due, (next_look_up(doubt.since, self._books.clock(), doubt.settled), order_id))

    def _take_due(self) -> list[str]:
        now, due = self._books.clock(), dict[str, None]()
        while self._due and self._due[0][0] <= now and len(due) < MAX_EXTERNAL_IDS - 1:
            order_id = heapq.heappop(self._due)[1]
            if order_id in self._doubts:
                due[order_id] = None
        return list(due)

    async def _look_up(self, due: list[str]) -> None:
        began = self._books.clock()
        by_external = {self._doubts[order_id].external_id: order_id for order_id in due}
        found: dict[str, list[str]] = {order_id: [] for order_id in due}
        known = self._books.identities.any_order(besides=found)
        control = None if known is None else self._external_id(known)
        counted = False
        if control is not None:
            answer = await self._client.find_by_external_ids([*by_external, control])
            seen = {ticket.external_id for ticket in answer.tickets}
            counted = counts(control, seen, honoured=answer.honoured)
            tickets = list(answer.tickets)
        if not counted:
            tickets, counted = await self._page_through(set(by_external))
        for ticket in sorted(tickets, key=lambda item: str(item.created_date)):
            owner = by_external.get(ticket.external_id or "")
            if owner is not None and ticket.id not in found[owner]:
                found[owner].append(ticket.id)
        for order_id, ids in found.items():
            await self._signal(order_id, {"found": ids, "counted": counted, "at": began})

    async def _page_through(self, wanted: set[str]) -> tuple[list[Any], bool]:
        """All tickets, newest first, down to before the oldest claim. Not counted if no ticket shows an externalId.

        How Willow spells a sort is not published: where its list does not show that it obeys, it is read whole."""
        since = min((doubt.claimed for doubt in self._doubts.values()), default=0.0) - 600.0
        tickets: list[Any] = []
        whole, newest_first, last = True, False, float("inf")
        async for ticket in self._client.list_tickets(sort=[Sort("createdDate", descending=True)]):
            whole = whole and ticket.shows("externalId")
            if ticket.external_id in wanted:
                tickets.append(ticket)
            if ticket.created_date is None:
                continue
            created = ticket.created_date.timestamp()
            # A list that began with newer ones and never went up has come down to here.
            newest_first = (newest_first or created >= since) and created <= last
            last = created if created <= last else float("-inf")
            if newest_first and created < since:
                break
        return tickets, whole

    async def _signal(self, order_id: str, result: dict[str, Any]) -> None:
        doubt = self._doubts.get(order_id)
        if doubt is None:
            return
        await self._books.writer.signal(order_id, "look_up", {"claimId": doubt.claim_id, **result})


def as_replan(waiting: Waiting, positions: dict[int, int] | None = None) -> Replan:
    """The record that an order is parked with, or sent round for, to be planned again under its own coordinates."""
    intent = waiting.intent
    return Replan.model_validate(
        {
            "cause": Cause.FILL if waiting.kind == "fill" else Cause.WAKE,
            "waitingId": waiting.id,
            "workOrderId": intent["workOrderId"],
            "source": intent["source"],
            "entityType": intent["entityType"],
            "replayId": intent.get("replayId"),
            "force": intent.get("force", False),
            "record": intent.get("record", {}),
            "timestampMs": intent.get("timestampMs"),
            "positions": positions or {},
        }
    )
