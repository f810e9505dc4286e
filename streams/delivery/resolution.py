"""An operator's word on whose a ticket is (``willow-sync resolve``): what it ends, and whether it still holds. Pure.

The word lies in the log and is read again: after a crash, by each of two groups, by a group that is new. It names what
it ends, so that it does nothing once that has ended. Else an old word would take away the ticket that was made since,
and a second one would follow (I1)."""

from collections.abc import Mapping
from typing import Any

from streams.delivery.state import OrderState


def word(ticket_id: str | None, state: OrderState, bound: str | None) -> dict[str, Any]:
    """As the signal carries it. ``ticket_id`` None: the order has no ticket. ``bound``: the one that it has so far."""
    waiting = state.waiting
    if waiting is not None and waiting.kind == "in_doubt":
        return {"ticketId": ticket_id, "claimId": waiting.claim_id}
    return {"ticketId": ticket_id, "insteadOf": bound}


def holds(said: Mapping[str, Any], state: OrderState, bound: str | None) -> bool:
    """Whether the order stands as it did when the word was given."""
    waiting = state.waiting
    if waiting is not None and waiting.kind == "in_doubt":
        return "claimId" in said and said["claimId"] == waiting.claim_id
    return "insteadOf" in said and said["insteadOf"] == bound
