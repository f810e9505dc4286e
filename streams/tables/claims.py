"""Who may create an order's ticket: the view of ``willow-sync.create-claims`` (delivery.md §2).

Only what still matters is kept: open claims in log order, and the ticket of a claim that is done.
"""

from dataclasses import dataclass

import orjson

from schemas.claim import ClaimState
from streams.delivery.create import OpenClaim


@dataclass(slots=True)
class _Order:
    open: dict[str, OpenClaim]
    done: str | None = None
    done_for: tuple[str, int, int] | None = None


class ClaimTable:
    """Open claims of an order, first in the log first, and its ``done`` ticket. Filled by a View.

    A record is keyed by order and claim, so compaction keeps the newest word on each claim; the order of claims is
    that of their *open* records, which compaction never reorders."""

    def __init__(self) -> None:
        self._orders: dict[str, _Order] = {}

    def open_claims(self, work_order_id: str) -> tuple[OpenClaim, ...]:
        entry = self._orders.get(work_order_id)
        if entry is None:
            return ()
        return tuple(sorted(entry.open.values(), key=lambda claim: claim.offset))

    def done_ticket(self, work_order_id: str) -> str | None:
        entry = self._orders.get(work_order_id)
        return entry.done if entry else None

    def created_for(self, work_order_id: str) -> tuple[str, int, int] | None:
        """Topic, partition and offset of the record whose create made the order's ticket, if a claim tells."""
        entry = self._orders.get(work_order_id)
        return entry.done_for if entry else None

    def apply(self, partition: int, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None) -> None:
        if key is None or b"|" not in key:
            return
        order, claim_id = key.decode(errors="replace").rsplit("|", 1)
        record = None
        if value is not None:
            try:
                record = orjson.loads(value)
            except orjson.JSONDecodeError:
                return
        state = record.get("state") if isinstance(record, dict) else None
        entry = self._orders.get(order)
        if state == ClaimState.OPEN and isinstance(record, dict):
            if entry is None:
                entry = self._orders[order] = _Order({})
            # Re-written open claims (there are none today) would keep their first place.
            entry.open.setdefault(claim_id, OpenClaim.from_record(claim_id, offset, timestamp_ms, record))
            return
        if entry is None:
            entry = _Order({})
        entry.open = {key: claim for key, claim in entry.open.items() if key != claim_id}
        if state == ClaimState.DONE and isinstance(record, dict):
            entry.done = entry.done or record.get("ticketId")
            source = record.get("source") or {}
            entry.done_for = (
                str(source.get("topic")),
                int(source.get("partition", -1)),
                int(source.get("offset", -1)),
            )
        if entry.open or entry.done:
            self._orders[order] = entry
        else:
            self._orders.pop(order, None)
