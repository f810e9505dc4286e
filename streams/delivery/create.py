"""Creating exactly one ticket: the protocol of delivery.md §2 as pure code.

Willow offers nothing against doubles, and a durable mark is not a lock. What is a lock is the log's order, read back:

    NONE ── claim acknowledged, read back ──▶ first open claim? ── no ──▶ release "lost"; IN_DOUBT(first)
                                                  │ yes
                                            lease fresh? ── no ──▶ release "not_sent"; NONE
                                                  │ yes
                                              PUT once
              2xx with an id ─┬─ proof that it was not executed ─┬─ anything else
                 TICKETED          release; NONE                     IN_DOUBT(own)

The sink performs what these functions return; so does whoever explores their interleavings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: Look-ups of an order in doubt, seconds after the doubt began; the last is repeated.
LOOK_UPS = (5.0, 30.0, 120.0, 600.0, 3600.0, 86400.0)


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A claim nobody released yet. ``offset`` orders the claims of an order; times are seconds."""

    claim_id: str
    offset: int
    since_ms: int
    """The broker's timestamp of the claim."""
    deadline_seconds: float
    source: Mapping[str, Any]

    @classmethod
    def from_record(cls, claim_id: str, offset: int, timestamp_ms: int, record: Mapping[str, Any]) -> "OpenClaim":
        deadline = record.get("deadlineSeconds")
        source = record.get("source")
        return cls(
            claim_id,
            offset,
            timestamp_ms,
            float(deadline) if isinstance(deadline, int | float) else 0.0,
            source if isinstance(source, Mapping) else {},
        )

    @property
    def call_ended_by(self) -> float:
        """Epoch seconds by which the claimer's call is over, as a successor has to assume."""
        return self.since_ms / 1000 + self.deadline_seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """What the views of identities and claims say about one order at one moment."""

    identity: str | None
    done: str | None
    open: Sequence[OpenClaim]
    candidate: str | None = None
    """A ticket that Willow had before the first create and that names the order (contract §6)."""

    @property
    def ticket(self) -> str | None:
        """Identities rank above ``done`` (contract §6); either makes the order TICKETED at once."""
        return self.identity or self.done


@dataclass(frozen=True, slots=True)
class Ticketed:
    ticket_id: str


@dataclass(frozen=True, slots=True)
class MayAdopt:
    """No ticket is the order's yet, and Willow had one that names it: it is taken before any is made."""

    ticket_id: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A create may be under way or done: nobody may create until this claim's fate is known."""

    claim: OpenClaim


@dataclass(frozen=True, slots=True)
class MayClaim:
    """Nothing stands against a create: write a claim and read it back."""


@dataclass(frozen=True, slots=True)
class MayPut:
    """The claim is the order's first open one and the lease is fresh: send the PUT, once."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Release the own claim, nothing was sent; then go on as ``then`` says (None: start over)."""

    why: Literal["lost", "not_sent"]
    then: Ticketed | InDoubt | None


def before_claim(seen: Seen) -> Ticketed | InDoubt | MayAdopt | MayClaim:
    """What an owner may do that wants to create: at take-over and before each attempt."""
    if seen.ticket is not None:
        return Ticketed(seen.ticket)
    if seen.open:
        return InDoubt(seen.open[0])
    return MayAdopt(seen.candidate) if seen.candidate is not None else MayClaim()


def after_claim(seen: Seen, own: str, *, lease_fresh: bool) -> MayPut | Withdraw:
    """Once the own claim was acknowledged and read back. An own claim that is not seen counts as lost to nobody:
    it was not sent."""
    if seen.ticket is not None:
        return Withdraw("not_sent", Ticketed(seen.ticket))
    if not seen.open or all(claim.claim_id != own for claim in seen.open):
        return Withdraw("not_sent", None)
    if seen.open[0].claim_id != own:
        return Withdraw("lost", InDoubt(seen.open[0]))
    return MayPut() if lease_fresh else Withdraw("not_sent", None)


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a look-up of an order in doubt showed. ``counted``: the same look-up also found a ticket known to exist,
    or paged through everything: only then does finding nothing mean that there is nothing."""

    found: Sequence[str]
    """Tickets with the order's externalId, oldest first."""
    counted: bool
    at: float
    """Epoch seconds when the look-up began."""


@dataclass(frozen=True, slots=True)
class CreateAgain:
    """Release the claim ("settled"): the first counted zero after ``settle``."""

    claim_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay in doubt."""


@dataclass(frozen=True, slots=True)
class Found:
    ticket_id: str
    others: Sequence[str]
    """More tickets than one carry the externalId; they are left alone and reported."""


def settled_at(claim: OpenClaim, settle: float, *, call_ended: float | None) -> float:
    """Epoch seconds after which Willow has committed or dropped the claim's PUT. ``call_ended``: known only to the
    owner that sent it; a successor counts from the claim's broker timestamp plus the claimer's deadline."""
    return (claim.call_ended_by if call_ended is None else call_ended) + settle


def after_look_up(
    look_up: LookUp, claim: OpenClaim, *, settled: float, then: Literal["create", "hold"]
) -> Found | CreateAgain | Wait:
    if look_up.found:
        return Found(look_up.found[0], look_up.found[1:])
    if then == "create" and look_up.counted and look_up.at >= settled:
        return CreateAgain(claim.claim_id)
    return Wait()


def next_look_up(since: float, now: float, settled: float) -> float:
    """Epoch seconds of the next look-up: the schedule, and once more when ``settle`` ends."""
    planned = next((since + step for step in LOOK_UPS if since + step > now), None)
    if planned is None:
        past_the_list = now - since - LOOK_UPS[-1]
        planned = since + LOOK_UPS[-1] * (2 + past_the_list // LOOK_UPS[-1])
    return min(planned, settled) if settled > now else planned
