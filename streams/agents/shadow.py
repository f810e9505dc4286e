"""A worker that changes nothing (contract §9, ``worker --shadow``): what its outlet is made of.

It reads identities, claims and Willow as any other, and writes intents, replans, states and outcomes of its own. What
it would have written elsewhere is kept in memory, laid over what the topics say: so its sink reads its own writes
back, and goes the same way as the real one, claims and take-over included.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from schemas.claim import ClaimState, claim_key
from schemas.control import TAKEN_OVER_KEY
from schemas.outcome import OutcomeKind, Reason
from schemas.source import Source
from streams.agents.calls import Calls
from streams.agents.writer import Acked, Writer
from streams.delivery.create import OpenClaim
from streams.delivery.outcomes import Effort
from streams.kafka.producer import Ack, Producer
from streams.settings import Settings
from streams.tables.claims import ClaimTable
from streams.tables.controls import Controls
from streams.tables.identities import IdentityTable
from streams.willow import Ticket

#: Stands for the id of a ticket that a real worker would have created.
NOT_CREATED = "(not created)"

_WOULD = {
    OutcomeKind.CREATED.value: OutcomeKind.WOULD_CREATE.value,
    OutcomeKind.UPDATED.value: OutcomeKind.WOULD_UPDATE.value,
}


def in_shadow(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """An outcome of the sink in words that are true of a shadow."""
    ticket = outcome["ticketId"]
    return {
        **outcome,
        "outcome": _WOULD.get(outcome["outcome"], outcome["outcome"]),
        "ticketId": None if ticket == NOT_CREATED else ticket,
    }


class ShadowIdentities(IdentityTable):
    """``real`` are the topic's. Its own records, the shadow's, only tell whose a ticket would be: which ticket an order
    would have stands in its state."""

    def __init__(self, real: IdentityTable) -> None:
        super().__init__()
        self._real = real
        self._taken_back: dict[str, str] = {}

    def ticket_of(self, work_order_id: str) -> str | None:
        ticket = self._real.ticket_of(work_order_id)
        return None if ticket == self._taken_back.get(work_order_id) else ticket

    def any_order(self, *, besides: Any) -> str | None:
        return self._real.any_order(besides=besides)

    def owner_of(self, ticket_id: str) -> str | None:
        return self._real.owner_of(ticket_id) or super().owner_of(ticket_id)

    def take_back(self, work_order_id: str) -> None:
        """The order's identity of now, if it has one, no longer counts; a newer one would."""
        ticket = self._real.ticket_of(work_order_id)
        if ticket is not None:
            self._taken_back[work_order_id] = ticket


class ShadowClaims(ClaimTable):
    """``real`` are the topic's, and stand before the shadow's own, whatever their offsets."""

    def __init__(self, real: ClaimTable) -> None:
        super().__init__()
        self._real = real
        self._unbound: dict[str, str] = {}
        self._passed_over: dict[str, str] = {}

    def open_claims(self, work_order_id: str) -> tuple[OpenClaim, ...]:
        return (*self._real.open_claims(work_order_id), *super().open_claims(work_order_id))

    def done_ticket(self, work_order_id: str) -> str | None:
        gone = self._unbound.get(work_order_id)
        return self._real.done_ticket(work_order_id) if gone != self._real.done_claim(work_order_id) else None

    def done_claim(self, work_order_id: str) -> str | None:
        return self._real.done_claim(work_order_id)

    def created_for(self, work_order_id: str) -> tuple[str, int, int] | None:
        return self._real.created_for(work_order_id)

    def candidate(self, work_order_id: str) -> str | None:
        known = self._real.candidate(work_order_id) or super().candidate(work_order_id)
        return None if known == self._passed_over.get(work_order_id) else known

    def unbind(self, work_order_id: str, claim_id: str) -> None:
        """``done`` of this claim no longer counts."""
        self._unbound[work_order_id] = claim_id

    def pass_over(self, work_order_id: str) -> None:
        """The order's candidate of now no longer counts."""
        known = self.candidate(work_order_id)
        if known is not None:
            self._passed_over[work_order_id] = known


class ShadowControls(Controls):
    """``real`` are the topic's; the take-over of a shadow ends for itself alone."""

    def __init__(self, real: Controls, claims: ShadowClaims) -> None:
        super().__init__(claims)
        self._real = real

    def is_taken_over(self, instance: str, partition: int) -> bool:
        return self._real.is_taken_over(instance, partition) or super().is_taken_over(instance, partition)


class ShadowWriter(Writer):
    """Writes intents, replans and outcomes; all else is acknowledged at once and goes no further than this worker.
    ``changed`` is called when a marker of the take-over was set."""

    def __init__(
        self,
        producer: Producer,
        settings: Settings,
        identities: ShadowIdentities,
        claims: ShadowClaims,
        controls: ShadowControls,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(producer, settings)
        self._identities, self._claims, self._controls, self._changed = identities, claims, controls, changed
        self._offset = 0

    def outcome(self, outcome: Mapping[str, Any], *, key: bytes | None = None, traceparent: str | None = None) -> Acked:
        return super().outcome(in_shadow(outcome), key=key, traceparent=traceparent)

    def identity(self, order_id: str, entity_type: str, ticket_id: str, outcome_id: str) -> Acked:
        if ticket_id != NOT_CREATED:
            value = orjson.dumps(self.identity_record(order_id, entity_type, ticket_id))
            self._identities.apply(0, self._next(), 0, order_id.encode(), value)
        return _acknowledged()

    def no_identity(self, order_id: str) -> Acked:
        self._identities.take_back(order_id)
        return _acknowledged()

    def claim(
        self,
        partition: int,
        order_id: str,
        claim_id: str,
        state: ClaimState,
        source: Mapping[str, Any] | None,
        *,
        ticket_id: str | None = None,
        why: str | None = None,
    ) -> Acked:
        if state is ClaimState.RELEASED and claim_id == self._claims.done_claim(order_id):
            self._claims.unbind(order_id, claim_id)
        record = None
        if state in (ClaimState.OPEN, ClaimState.CANDIDATE):
            record = orjson.dumps({"state": state.value, "source": source, "ticketId": ticket_id})
        self._claims.apply(partition, self._next(), 0, claim_key(order_id, claim_id), record)
        return _acknowledged(partition)

    def no_candidate(self, partition: int, order_id: str) -> Acked:
        self._claims.pass_over(order_id)
        return _acknowledged(partition)

    def taken_over(self, partition: int) -> Acked:
        self._controls.apply(partition, self._next(), 0, TAKEN_OVER_KEY + self.instance.encode(), b"{}")
        self._changed()
        return _acknowledged(partition)

    def gap_accepted(self, topic: str, partition: int, first_missing: int, resumed_at: int) -> Acked:
        return _acknowledged()

    def dead_letter(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        reason: Reason,
        source: Source,
    ) -> Acked:
        return _acknowledged()

    def _next(self) -> int:
        self._offset += 1
        return self._offset


def _acknowledged(partition: int = 0) -> Acked:
    future: Acked = asyncio.get_running_loop().create_future()
    # Before every offset: who waits until a view has read this far has nothing to wait for.
    future.set_result(Ack(partition, -1))
    return future


class ShadowCalls(Calls):
    """Reads Willow, and sends no PUT and no PATCH: the ticket that it answers with is none."""

    async def create(self, fields: dict[str, Any], effort: Effort, last_look: Callable[[], bool]) -> Ticket | None:
        return Ticket(NOT_CREATED, {"id": NOT_CREATED}) if last_look() else None

    async def update(
        self,
        ticket_id: str,
        changed: dict[str, Any],
        effort: Effort,
        write_down: Callable[[], Awaitable[None]],
        unanswered: Callable[[], None],
    ) -> Ticket:
        await self.lease.wait(self.lanes)
        return Ticket(ticket_id, {"id": ticket_id})
