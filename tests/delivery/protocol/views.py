"""What a worker knows: the real tables of claims and identities, fed with the records that its views have read.

Compaction may take a record away as soon as a newer one of its key stands in the log; whether it has done so by the
time a reader comes by is a choice at each step of each reader."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple

from schemas.claim import Claim, ClaimState, claim_key
from schemas.identity import TICKET_URN, TicketIdentity, TicketIdentityValue
from schemas.source import EntityType, Source
from streams.delivery import create
from streams.tables.claims import ClaimTable
from streams.tables.identities import IdentityTable
from tests.delivery.protocol.world import NOW, REQUEST_TIMEOUT, SEND_WITHIN, ClaimRecord, Owner, World

ORDER, TICKET, INSTANCE = "WO1", "T1", "http://willow.example/api/v3"
SOURCE = Source(topic="work-orders", partition=0, offset=7)


def claim_id(number: int) -> str:
    return f"c{number + 1}"


@cache
def _value(record: ClaimRecord) -> bytes | None:
    if record.state is None:
        return None
    return Claim(
        state=ClaimState(record.state),
        work_order_id=ORDER,
        claim_id=claim_id(record.claim),
        instance=INSTANCE,
        source=SOURCE,
        deadline_seconds=create.claim_deadline(SEND_WITHIN, REQUEST_TIMEOUT),
        ticket_id=TICKET if record.state == "done" else None,
    ).to_json()


class _ClaimViews:
    """Numbers what a claim table can come to know. Records read that lead to the same knowledge are one number."""

    def __init__(self) -> None:
        empty = ClaimTable()
        self.tables = [empty]
        self._read: list[tuple[tuple[int, ClaimRecord], ...]] = [()]
        self._numbers = {self._tells(empty): 0}
        self._next: dict[tuple[int, int, ClaimRecord], int] = {}

    @staticmethod
    def _tells(table: ClaimTable) -> tuple[object, ...]:
        opened = tuple((claim.claim_id, claim.offset) for claim in table.open_claims(ORDER))
        return (
            opened,
            table.done_ticket(ORDER),
            table.done_claim(ORDER),
            table.created_for(ORDER),
            table.candidate(ORDER),
        )

    def read(self, view: int, offset: int, record: ClaimRecord) -> int:
        known = self._next.get((view, offset, record))
        if known is not None:
            return known
        history = (*self._read[view], (offset, record))
        table = ClaimTable()
        for at, item in history:
            table.apply(0, at, 0, claim_key(ORDER, claim_id(item.claim)), _value(item))
        number = self._numbers.setdefault(self._tells(table), len(self.tables))
        if number == len(self.tables):
            self.tables.append(table)
            self._read.append(history)
        self._next[view, offset, record] = number
        return number


_CLAIMS = _ClaimViews()


@cache
def _identities(read: int) -> IdentityTable:
    table = IdentityTable()
    record = TicketIdentity(
        entity_type=EntityType.WORK_ORDER,
        entity_id=ORDER,
        identity=TicketIdentityValue(value=TICKET_URN + TICKET),
        instance=INSTANCE,
    )
    for offset in range(read):
        table.apply(0, offset, 0, ORDER.encode(), record.to_json())
    return table


def identity(owner: Owner) -> str | None:
    return _identities(owner.identities_at).ticket_of(ORDER)


def _readings(log: tuple[ClaimRecord, ...], identities: int, owner: Owner) -> Iterator[Owner]:
    """One record more, of either topic; or over one that compaction took away."""
    at = owner.claims_at
    if at < len(log):
        record = log[at]
        view = _CLAIMS.read(owner.claims_view, at, record)
        yield owner._replace(claims_view=view, claims_at=at + 1)
        # A tombstone, too, is taken away, but not before each reader that knew its claim has read it
        # (delete.retention.ms).
        gone = record.state is None and view == owner.claims_view
        if gone or any(newer.claim == record.claim for newer in log[at + 1 :]):
            yield owner._replace(claims_at=at + 1, gap=owner.at == "claiming")
    if owner.identities_at < identities:
        yield owner._replace(identities_at=owner.identities_at + 1)


class _Reader:
    """Views that read on while they are looked at: each look finds them where ``course`` says."""

    def __init__(self, course: tuple[Owner, ...], ages: tuple[int, ...]) -> None:
        self._course, self._ages, self._looks = course, ages, 0

    def _now(self) -> Owner:
        self._looks += 1
        return self._course[self._looks - 1]

    def open_claims(self, order: str) -> tuple[create.OpenClaim, ...]:
        return tuple(
            replace(claim, since_ms=1000 * (NOW - self._ages[int(claim.claim_id[1:]) - 1]))
            for claim in _CLAIMS.tables[self._now().claims_view].open_claims(order)
        )

    def done_ticket(self, order: str) -> str | None:
        return _CLAIMS.tables[self._now().claims_view].done_ticket(order)

    def candidate(self, order: str) -> str | None:
        return None  # Willow had no tickets before the first create

    def ticket_of(self, order: str) -> str | None:
        return identity(self._now())


class Look(NamedTuple):
    seen: create.Seen
    owner: Owner


def looks(world: World, owner: Owner, *, reached: tuple[int, int] = (0, 0)) -> Iterator[Look]:
    """All that one look at the views may show once they have ``reached`` these positions of claims and identities:
    they read on until then, and between the parts of the look.

    A view's reading changes nothing for others, and what it may pass over only grows: so it loses nothing to let it
    read no earlier than it is looked at, and no further than what was seen needs. Not so before a claim: a gap that
    is passed over then is none while the claim is awaited."""
    ages = tuple(claim.age for claim in world.claims)
    reader = Owner(0, "claiming" if owner.at == "claiming" else "ready", kept=owner.kept, gap=owner.gap)
    reader = _read_as(reader, owner)
    for seen, after in _looks(world.log, world.identities, ages, reader, reached):
        yield Look(seen, _read_as(owner, after))


def _read_as(owner: Owner, other: Owner) -> Owner:
    return owner._replace(
        claims_view=other.claims_view,
        claims_at=other.claims_at,
        identities_at=other.identities_at,
        gap=other.gap,
    )


@lru_cache(maxsize=1 << 17)
def _looks(
    log: tuple[ClaimRecord, ...], identities: int, ages: tuple[int, ...], owner: Owner, reached: tuple[int, int]
) -> tuple[Look, ...]:
    kept = TICKET if owner.kept else None
    shown: dict[tuple[object, Owner], Look] = {}
    for first in _read_on(log, identities, owner):
        if first.claims_at < reached[0] or first.identities_at < reached[1]:
            continue
        for second in _read_on(log, identities, first):
            for third in _read_on(log, identities, second):
                reader = _Reader((first, second, third), ages)
                seen = create.look(ORDER, reader, reader, kept=kept)
                what = (seen.identity, seen.done, tuple(claim.claim_id for claim in seen.open))
                if (what, third) not in shown:
                    shown[what, third] = Look(seen, third)
    needed: dict[object, list[Look]] = {}
    for (part, _), look in shown.items():
        same = needed.setdefault(part, [])
        nothing = owner.at == "ready" and look.seen.ticket is None and not look.seen.open
        if nothing or not any(look.owner in _read_on(log, identities, less.owner) for less in same):
            same.append(look)
    return tuple(look for same in needed.values() for look in same)


@lru_cache(maxsize=1 << 17)
def _read_on(log: tuple[ClaimRecord, ...], identities: int, owner: Owner) -> tuple[Owner, ...]:
    found = [owner]
    for reached in found:
        found += [after for after in _readings(log, identities, reached) if after not in found]
    return tuple(found)


def forget() -> None:
    """What was looked at with other rules."""
    _looks.cache_clear()
