"""``willow-sync.create-claims`` (internal): the log-ordered lock that makes one ticket per order (delivery.md §2)."""

from enum import StrEnum

from schemas.base import Record
from schemas.source import Source


class ClaimState(StrEnum):
    OPEN = "open"
    RELEASED = "released"
    DONE = "done"
    CANDIDATE = "candidate"
    """A ticket that was in Willow before: adopted when its order's first record comes."""


class Claim(Record):
    """The key is ``{workOrderId}|{claimId}``; the partition is that of the order alone."""

    state: ClaimState
    work_order_id: str
    claim_id: str
    instance: str
    """Willow base URL: a claim on one instance says nothing about another."""
    source: Source | None
    """The record whose create this is: a crash between identity and state is recognised by it. None: a candidate."""
    deadline_seconds: float
    """When the claimer's call is over at the latest, its wait for its turn included, counted from the claim's broker
    timestamp."""
    ticket_id: str | None = None
    why: str | None = None
    """For a release: ``lost``, ``not_sent``, ``settled``, ``resolved`` or the answer that proves it was not executed;
    one of ``UNBOUND`` takes a ``done`` back."""


UNBOUND = frozenset({"ticket_gone", "unbound"})
"""Why an order has no ticket any more: Willow no longer knows it, or an operator said so."""

CANDIDATE_ID = "candidate"
"""The claim id of candidates: a newer listing replaces an older one's."""


def claim_key(work_order_id: str, claim_id: str) -> bytes:
    return f"{work_order_id}|{claim_id}".encode()
