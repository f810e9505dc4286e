"""Creating exactly one ticket: the protocol of delivery.md §2 as pure code.

Willow offers nothing against doubles, and a durable mark is not a lock. What is a lock is the log's order, read back:

    NONE ── claim acknowledged, read back ──▶ first open claim? ── no ──▶ release "lost"; IN_DOUBT(first)
                                                  │ yes
                                  lease fresh, claim young? ── no ──▶ release "not_sent"; NONE
                                                  │ yes
                                              PUT once
              2xx with an id ─┬─ proof that it was not executed ─┬─ anything else
                 TICKETED          release; NONE                     IN_DOUBT(own)

The sink performs what these functions return; so does tests/delivery/protocol, which explores their interleavings.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from streams.delivery.answers import Answer, proves_not_executed

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


class Claims(Protocol):
    """What the view of the claims tells."""

    def open_claims(self, work_order_id: str, /) -> Sequence[OpenClaim]: ...

    def done_ticket(self, work_order_id: str, /) -> str | None: ...

    def candidate(self, work_order_id: str, /) -> str | None: ...


class Identities(Protocol):
    """What the view of the identities tells."""

    def ticket_of(self, work_order_id: str, /) -> str | None: ...


def look(order_id: str, claims: Claims, identities: Identities, *, kept: str | None) -> Seen:
    """What the views say now; they read on meanwhile. ``kept``: the ticket in the order's own state, which was written
    after the identity's acknowledgement."""
    # Open claims first: one that ends between two looks is then seen as open, never as nothing at all.
    still_open = claims.open_claims(order_id)
    done = claims.done_ticket(order_id)
    return Seen(identities.ticket_of(order_id) or kept, done, still_open, claims.candidate(order_id))


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
    """The claim is the order's first open one and the lease is fresh: send the PUT, once, if ``may_send``."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Release the own claim, nothing was made; then go on as ``then`` says (None: start over)."""

    why: str
    """``lost``, ``not_sent``, or the answer that proves it."""
    then: Ticketed | InDoubt | None


def before_claim(seen: Seen) -> Ticketed | InDoubt | MayAdopt | MayClaim:
    """What an owner may do that wants to create: at take-over and before each attempt."""
    if seen.ticket is not None:
        return Ticketed(seen.ticket)
    if seen.open:
        return InDoubt(seen.open[0])
    return MayAdopt(seen.candidate) if seen.candidate is not None else MayClaim()


def after_claim(seen: Seen, own: str, *, read_back: bool, lease_fresh: bool) -> MayPut | Withdraw:
    """Once the own claim was acknowledged. ``read_back``: the view has reached it, in time and without a gap since the
    claim was sent. An own claim that is not seen counts as lost to nobody: it was not sent."""
    if not read_back:
        # A gap: a record before the own claim was compacted away for one behind it, a first claim for its ``done``,
        # say; the view has read neither.
        return Withdraw("not_sent", None)
    if seen.ticket is not None:
        return Withdraw("not_sent", Ticketed(seen.ticket))
    if not seen.open or all(claim.claim_id != own for claim in seen.open):
        return Withdraw("not_sent", None)
    if seen.open[0].claim_id != own:
        return Withdraw("lost", InDoubt(seen.open[0]))
    return MayPut() if lease_fresh else Withdraw("not_sent", None)


def claim_deadline(send_within: float, request_timeout: float) -> float:
    """Seconds from a claim's broker timestamp to the end of its call, at the latest: ``may_send`` lets it begin
    ``send_within`` that time, and then it lasts no longer than ``request_timeout``."""
    return send_within + request_timeout


def may_send(*, lease_fresh: bool, claimed_for: float, send_within: float) -> bool:
    """The last look before the PUT, with nothing between the two. ``claimed_for``: seconds since the claim was sent,
    by the claimer's clock; no less than its age at the broker."""
    # A call that waited longer for its slot would outlast the deadline that the claim names: a successor counts
    # `settle` from there, finds nothing, and creates as well.
    return lease_fresh and claimed_for <= send_within


def after_failure(own: OpenClaim, answer: Answer) -> Withdraw | InDoubt:
    """What a PUT came to that gave no ticket."""
    if proves_not_executed(answer):
        return Withdraw(str(answer.status or answer.failure), None)
    return InDoubt(own)


Word = Literal["identity", "done"]


def binding(identity: str | None, claim: OpenClaim | str | None) -> tuple[Word, ...]:
    """What has to be written when a ticket is the order's, each acknowledged before the next is sent. ``identity``:
    the one that the view of the identities shows. ``claim``: the one to close, if there is one."""
    # `done` last: with it the claim is no longer open, and another group's view of the identities may lag.
    words: tuple[Word, ...] = () if identity is not None else ("identity",)
    return words if claim is None else (*words, "done")


def coordinates(source: Mapping[str, Any]) -> tuple[str, int, int]:
    return source["topic"], source["partition"], source["offset"]


def claim_for(seen: Seen, source: Mapping[str, Any]) -> OpenClaim | None:
    """The record's own claim, still open though the ticket is known: a crash came before its ``done``."""
    wanted = coordinates(source)
    return next((claim for claim in seen.open if claim.source and coordinates(claim.source) == wanted), None)


def made_for(source: Mapping[str, Any], own: OpenClaim | None, created_for: tuple[str, int, int] | None) -> bool:
    """Whether a record's create made the order's ticket, as far as the claims tell after a crash: ``own`` is its open
    claim, ``created_for`` the record whose claim is done. An own claim may have sent nothing, if another's is done."""
    return created_for == coordinates(source) if created_for is not None else own is not None


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a look-up of an order in doubt showed. ``counted``: the same look-up also found a ticket known to exist,
    or paged through everything: only then does finding nothing mean that there is nothing."""

    found: Sequence[str]
    """Tickets with the order's externalId, oldest first."""
    counted: bool
    at: float
    """Epoch seconds when the look-up began."""


def counts(control: str | None, shown: Container[str | None], *, honoured: bool) -> bool:
    """Whether a look-up's zero counts: the filter was honoured and showed the ``control``, the externalId of a ticket
    known to exist, as well. Else the filter may not be supported at all."""
    return honoured and control is not None and control in shown


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


@dataclass(frozen=True, slots=True)
class Freed:
    """The claim in doubt is open no more: its owner released it, nothing was made."""


def after_signal(
    seen: Seen,
    claim: OpenClaim,
    look_up: LookUp | None,
    *,
    settled: float,
    then: Literal["create", "hold"],
) -> Ticketed | Freed | Found | CreateAgain | Wait:
    """What an order in doubt about ``claim`` does. ``look_up``: what one about this claim showed; None: it was about
    another, or a view showed something."""
    if seen.ticket is not None:
        # Someone bound the order meanwhile, or a former owner's late 201 did.
        return Ticketed(seen.ticket)
    if all(open_claim.claim_id != claim.claim_id for open_claim in seen.open):
        return Freed()
    return Wait() if look_up is None else after_look_up(look_up, claim, settled=settled, then=then)


def next_look_up(since: float, now: float, settled: float) -> float:
    """Epoch seconds of the next look-up: the schedule, and once more when ``settle`` ends."""
    planned = next((since + step for step in LOOK_UPS if since + step > now), None)
    if planned is None:
        past_the_list = now - since - LOOK_UPS[-1]
        planned = since + LOOK_UPS[-1] * (2 + past_the_list // LOOK_UPS[-1])
    return min(planned, settled) if settled > now else planned
