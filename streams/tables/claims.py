"""Who may create an order's ticket: the view of ``willow-sync.create-claims`` (delivery.md §2).

Only what still matters is kept: open claims in log order, and the ticket of a claim that is done.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from schemas.claim import CANDIDATE_ID, UNBOUND, ClaimState
from streams.delivery.create import OpenClaim
from streams.planning.forms import Header


@dataclass(frozen=True, slots=True)
class _Order:
    """Replaced whole: a reader in another thread must never see a claim closed before it sees what closed it."""

    open: Mapping[str, OpenClaim] = field(default_factory=dict)
    done: str | None = None
    done_by: str | None = None
    """Id of the claim that made the ticket."""
    done_for: tuple[str, int, int] | None = None
    candidate: str | None = None


class ClaimTable:
    """Open claims of an order, first in the log first, and its ``done`` ticket. Filled by a View.

    A record is keyed by order and claim, so compaction keeps the newest word on each claim; the order of claims is
    that of their *open* records, which compaction never reorders.

    Who asks both must ask ``open_claims`` first: a claim that is no longer open then has its ``done`` ticket now, while
    the other way round a claim that ends in between is seen neither open nor done."""

    def __init__(self) -> None:
        self._orders: dict[str, _Order] = {}
        #: Willow base URLs that claims name: a worker for another instance must not start (contract §6).
        self.instances: set[str] = set()

    @property
    def open_count(self) -> int:
        """Claims that nobody released yet, of all orders."""
        return sum(len(entry.open) for entry in list(self._orders.values()))

    def open_claims(self, work_order_id: str) -> tuple[OpenClaim, ...]:
        entry = self._orders.get(work_order_id)
        if entry is None:
            return ()
        return tuple(sorted(entry.open.values(), key=lambda claim: claim.offset))

    def done_ticket(self, work_order_id: str) -> str | None:
        entry = self._orders.get(work_order_id)
        return entry.done if entry else None

    def done_claim(self, work_order_id: str) -> str | None:
        """Id of the claim that made the order's ticket."""
        entry = self._orders.get(work_order_id)
        return entry.done_by if entry else None

    def candidate(self, work_order_id: str) -> str | None:
        """A ticket that Willow had before the first create, and that names this order."""
        entry = self._orders.get(work_order_id)
        return entry.candidate if entry else None

    def created_for(self, work_order_id: str) -> tuple[str, int, int] | None:
        """Topic, partition and offset of the record whose create made the order's ticket, if a claim tells."""
        entry = self._orders.get(work_order_id)
        return entry.done_for if entry else None

    def apply(
        self,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        if key is None or b"|" not in key:
            return
        order, claim_id = key.decode(errors="replace").rsplit("|", 1)
        before = self._orders.get(order, _NOTHING)
        record = None if value is None else _read(value)
        if record is not None and isinstance(record.get("instance"), str):
            self.instances.add(record["instance"])
        after = _after(before, claim_id, offset, timestamp_ms, record)
        if after.open or after.done or after.candidate:
            self._orders[order] = after
        else:
            self._orders.pop(order, None)


_NOTHING = _Order()


def _after(order: _Order, claim_id: str, offset: int, timestamp_ms: int, record: Mapping[str, Any] | None) -> _Order:
    # A million orders have none: one empty dictionary for all of them.
    closed = {other: claim for other, claim in order.open.items() if other != claim_id} or _NOTHING.open
    if record is None:
        return replace(order, open=closed, candidate=None if claim_id == CANDIDATE_ID else order.candidate)
    match record.get("state"):
        case ClaimState.OPEN:
            claim = OpenClaim.from_record(claim_id, offset, timestamp_ms, record)
            # Re-written open claims (there are none today) would keep their first place.
            return replace(order, open={claim_id: claim, **order.open})
        case ClaimState.RELEASED:
            # Any other release that comes behind the ``done`` was written before its writer had read that.
            if order.done_by == claim_id and record.get("why") in UNBOUND:
                return _Order(closed, candidate=order.candidate)
            return replace(order, open=closed)
        case ClaimState.DONE if isinstance(ticket := record.get("ticketId"), str):
            if order.done_by not in (None, claim_id):
                return replace(order, open=closed)
            return _Order(closed, ticket, claim_id, _coordinates(record.get("source")), order.candidate)
        case ClaimState.CANDIDATE if isinstance(ticket := record.get("ticketId"), str):
            return replace(order, candidate=ticket)
    # A newer version's word, or not ours: taken for a release it would open the way to a second create.
    return order


def _read(value: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _coordinates(source: Any) -> tuple[str, int, int] | None:
    match source:
        case {"topic": str(topic), "partition": int(partition), "offset": int(offset)}:
            return sys.intern(topic), partition, offset
    return None
