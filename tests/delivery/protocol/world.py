"""One order, its claims and identities in Kafka, Willow, and the workers that may create its ticket: a state that the
explorer can hold thousands of.

Time is counted in ticks, and only as ages: ``request_timeout``, ``send_within`` and ``settle`` are one tick each. All
records of claims stay in the log here; compaction is a choice of each reader (``views``), for replicas compact on their
own. Willow had no tickets before (no candidates), and no operator speaks."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from streams.delivery import create

REQUEST_TIMEOUT = 1
SEND_WITHIN = 1
SETTLE = 1
NOW = 1_000
"""Epoch seconds at every moment: the stamps move instead, so that states that differ in age alone are one."""


State = Literal["open", "released", "done"]
"""The values of ``ClaimState``, for an enumeration's members take long to hash."""


class ClaimRecord(NamedTuple):
    """A record of the claims topic; its offset is its place in the log. ``state`` None: a tombstone."""

    claim: int
    state: State | None


class Put(NamedTuple):
    """A claim's call, as it is in truth. ``sent_for`` and ``ended_for`` in ticks, up to what still matters."""

    fate: Literal["under way", "made", "gone"]
    sent_for: int = 0
    ended_for: int | None = None
    """None: nobody says that it has ended; Willow then counts from the request's time-out."""


class Claim(NamedTuple):
    age: int = 0
    """Ticks since it landed in the log."""
    orphan: bool = False
    """Its owner died with it, and nobody can say how far it came."""
    put: Put | None = None


At = Literal[
    "spare",  # not started
    "ready",  # has the record, wants a ticket
    "claiming",  # its claim was sent
    "slot",  # may PUT; waits for its slot
    "sending",  # the last look said yes; nothing but the CPU lies between it and the PUT
    "calling",  # the PUT was sent
    "releasing",  # its release was sent
    "doubting",  # has the doubt still to write into the order's state
    "doubt",
    "binding",  # knows the ticket; writes what `binding` says
    "done",
    "dead",
]


class Owner(NamedTuple):
    """A worker that owns, or thinks it owns, the order's partition in its group."""

    group: int
    at: At = "spare"
    fresh: bool = True
    """Its lease."""
    claim: int | None = None
    about: int | None = None
    """The claim that it will doubt, or close."""
    ended_for: int | None = None
    """Ticks since its own call ended, for a doubt that is not written yet."""
    kept: bool = False
    """Has the ticket in its hand."""
    words: tuple[create.Word, ...] = ()
    bound_for: Literal["save", "again"] = "save"
    claims_view: int = 0
    claims_at: int = 0
    identities_at: int = 0
    gap: bool = False
    """Its view met one since its claim was sent."""
    caught_up: tuple[int, int] = (0, 0)
    """The positions that it has to reach after its assignment."""
    outbox: tuple[ClaimRecord, ...] = ()
    """Sent to the claims topic, in order, and not acknowledged."""
    identity_sent: bool = False


class Signal(NamedTuple):
    """What a look-up showed, on its way through ``replans``."""

    about: int
    found: bool
    counted: bool
    age: int
    """Ticks, at the look-up, since what ``settle`` counts from: the call's end where it is known, else the claim."""


class Group(NamedTuple):
    """A consumer group: who owns the partition, and the order's state in its table."""

    owner: int | None
    ticket: bool = False
    doubt: int | None = None
    ended_for: int | None = None
    signal: Signal | None = None


class Left(NamedTuple):
    """How often each may still happen."""

    claims: int
    kills: int
    takeovers: int
    hiccups: int
    tombstones: int


class World(NamedTuple):
    log: tuple[ClaimRecord, ...]
    identities: int
    """0 or 1: who writes the same identity again changes nothing that the table tells."""
    claims: tuple[Claim, ...]
    tickets: int
    groups: tuple[Group, ...]
    owners: tuple[Owner, ...]
    left: Left


@dataclass(frozen=True, slots=True)
class Faults:
    """What a mutation leaves out of the steps around the pure code."""

    unclaimed: bool = False
    """No claim is written."""
    no_read_back: bool = False
    """The view is not awaited."""
    unreleased: bool = False
    """No release is written."""
    tombstoned: tuple[State, ...] = ("released",)
    """What a clean-up may tombstone."""


WHOLE = Faults()


@dataclass(frozen=True, slots=True)
class Setting:
    """What is explored. ``workers``: how many each group has, one after the other."""

    workers: tuple[int, ...]
    then: Literal["create", "hold"]
    left: Left
    late: bool = False
    """Willow may commit a request however long ago its call has ended."""
    blind: bool = False
    """Willow's list may leave a ticket out for ever."""
    unfiltered: bool = False
    """Willow may pass over the filter of a look-up, and show none of the tickets asked for."""
    frozen: bool = False
    """A worker may stand still for as long as it likes between its last look and its PUT."""
    faults: Faults = WHOLE

    @property
    def oldest(self) -> int:
        """Ticks after which a claim's age no longer matters."""
        return int(create.claim_deadline(SEND_WITHIN, REQUEST_TIMEOUT)) + SETTLE

    def start(self) -> World:
        owners = tuple(
            Owner(group, "ready" if worker == 0 else "spare")
            for group, count in enumerate(self.workers)
            for worker in range(count)
        )
        first = [sum(self.workers[:group]) for group in range(len(self.workers))]
        return World((), 0, (), 0, tuple(Group(owner) for owner in first), owners, self.left)


def with_owner(world: World, number: int, owner: Owner) -> World:
    return world._replace(owners=(*world.owners[:number], owner, *world.owners[number + 1 :]))


def with_group(world: World, number: int, group: Group) -> World:
    return world._replace(groups=(*world.groups[:number], group, *world.groups[number + 1 :]))


def with_claim(world: World, number: int, claim: Claim) -> World:
    return world._replace(claims=(*world.claims[:number], claim, *world.claims[number + 1 :]))


def with_put(world: World, number: int, put: Put) -> World:
    return with_claim(world, number, world.claims[number]._replace(put=put))


def owns(world: World, number: int) -> bool:
    """Whether no other worker of its group has taken the partition over."""
    return world.groups[world.owners[number].group].owner == number


def may_write(world: World, number: int) -> bool:
    """What ``Books.may_write`` waits for."""
    return world.owners[number].fresh and owns(world, number)
