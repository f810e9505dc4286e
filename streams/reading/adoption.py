"""Tickets that Willow has already and that are no order's yet: which would be adopted, and what stands against it.

As in the audit Kafka is read before, and Willow's tickets pass by one after the other."""

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.identity import TICKET_URN
from schemas.intent import IntentKind
from streams.agents.lists import read_lists
from streams.agents.takeover import NoExternalIds
from streams.planning.external_ids import ExternalIds
from streams.planning.places import newest_value
from streams.planning.reasons import NAMED_REMEDY
from streams.reading.comparing import site_of
from streams.reading.ledger import Known
from streams.reading.replanning import Planned, Replanner
from streams.reading.survey import Survey, tickets_of
from streams.willow import Refused, Ticket, WillowClient


class Against(StrEnum):
    """Why a ticket is not adopted."""

    SEVERAL = "several"
    OWNED_BY_OTHER = "owned_by_other"
    HAS_ANOTHER = "has_another"
    IN_DOUBT = "in_doubt"
    NO_TICKET_WANTED = "no_ticket_wanted"
    NO_RECORD = "no_record"
    GONE = "gone"


#: What it means, and what the operator can do.
MEANINGS = {
    Against.SEVERAL: (
        "more than one ticket names the order; the oldest is taken, the others stay as they are",
        "See who made the others; close them in Willow.",
    ),
    Against.OWNED_BY_OTHER: (
        "the order names a ticket that is another order's",
        "Correct the ticket identity on one of the two orders in Mapped.",
    ),
    Against.HAS_ANOTHER: (
        "the order has another ticket",
        "`willow-sync audit --order ORDER` shows both; close the wrong one in Willow.",
    ),
    Against.IN_DOUBT: (
        "a create of the order is in doubt; a look-up will find the ticket",
        "Wait for it, or `willow-sync resolve ORDER --ticket ID`.",
    ),
    Against.NO_TICKET_WANTED: (
        "the order would get no ticket now; it adopts this one as soon as it would",
        "`willow-sync explain ORDER` says what keeps it.",
    ),
    Against.NO_RECORD: (
        "the input topic holds no record of the order",
        "Have the source send it (`willow-sync backfill`), then run adopt again.",
    ),
    Against.GONE: (
        "the order names a ticket that Willow does not have",
        NAMED_REMEDY,
    ),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """An order and a ticket. ``named``: by the order's own identity, not by the ticket's externalId."""

    order_id: str
    ticket_id: str
    named: bool
    site: str | None
    decided: bool
    """A record of the order is carried out: a replay of it adopts. Else its first one will."""


@dataclass(frozen=True, slots=True)
class Conflict:
    order_id: str
    ticket_id: str
    why: Against
    detail: str


@dataclass(slots=True)
class Adoption:
    """``bound`` tickets are an order's already; ``unknown`` ones have an externalId of no order that is known here,
    ``nameless`` ones have none."""

    pairs: list[Pair] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    tickets: int = 0
    bound: int = 0
    unknown: int = 0
    nameless: int = 0

    @property
    def conflict_counts(self) -> Counter[Against]:
        return Counter(item.why for item in self.conflicts)


@dataclass(slots=True)
class _Look:
    survey: Survey
    client: WillowClient
    replanner: Replanner
    found: Adoption = field(default_factory=Adoption)
    _taken: dict[str, str] = field(default_factory=dict)
    """Order → the ticket that it would adopt."""

    async def named(self) -> None:
        """Orders whose own identity names a ticket: they adopt that one, whatever else names them."""
        identities = self.survey.bindings.identities
        for known in self.survey.ledger:
            tickets = _named_by(known)
            if not tickets or self.survey.seen(known).ticket is not None:
                continue
            owner = identities.owner_of(tickets[0])
            if owner is None:
                owner = await self._owner_in_willow(known.order_id, tickets[0])
            if owner is not None and owner != known.order_id:
                detail = f"it is {owner}'s" if owner else "Willow answers 404"
                self._against(known.order_id, tickets[0], Against.OWNED_BY_OTHER if owner else Against.GONE, detail)
            else:
                self._take(known, tickets[0], named=True)

    async def _owner_in_willow(self, order_id: str, ticket_id: str) -> str | None:
        """The order that the ticket's externalId names, or the externalId itself; "" if Willow has no such ticket."""
        try:
            ticket = await self.client.get_ticket(ticket_id)
        except Refused as error:
            if error.status == 404:
                return ""
            raise
        external_ids = ExternalIds(self.survey.settings.external_id_template)
        its = ticket.external_id
        return order_id if not its else external_ids.order_of(its) or its

    def listed(self, ticket: Ticket) -> None:
        """A ticket of the list, oldest first."""
        survey, found = self.survey, self.found
        found.tickets += 1
        if survey.bindings.identities.owner_of(ticket.id) is not None:
            found.bound += 1
            return
        if not ticket.shows("externalId"):
            raise NoExternalIds
        external_id = ticket.external_id
        if not external_id:
            found.nameless += 1
            return
        order_id = ExternalIds(survey.settings.external_id_template).order_of(external_id)
        known = survey.ledger.get(order_id) if order_id is not None else None
        if known is None:
            found.unknown += 1
            return
        seen = survey.seen(known)
        taken = self._taken.get(known.order_id)
        if seen.ticket == ticket.id:
            found.bound += 1
        elif seen.ticket is not None:
            self._against(known.order_id, ticket.id, Against.HAS_ANOTHER, f"its ticket is {seen.ticket}")
        elif taken is not None:
            if taken != ticket.id:
                self._against(known.order_id, ticket.id, Against.SEVERAL, f"it takes {taken}")
        else:
            self._take(known, ticket.id, named=False)

    def _take(self, known: Known, ticket_id: str, *, named: bool) -> None:
        order_id = known.order_id
        self._taken[order_id] = ticket_id
        if self.survey.seen(known).open:
            return self._against(order_id, ticket_id, Against.IN_DOUBT, "an open claim")
        planned = self.survey.plan(known, self.replanner)
        if planned is None:
            return self._against(order_id, ticket_id, Against.NO_RECORD, "no record")
        if planned.intent["kind"] != IntentKind.UPSERT:
            return self._against(order_id, ticket_id, Against.NO_TICKET_WANTED, _kept_by(planned))
        self.found.pairs.append(Pair(order_id, ticket_id, named, site_of(planned), not self.survey.under_way(known)))
        return None

    def _against(self, order_id: str, ticket_id: str, why: Against, detail: str) -> None:
        self.found.conflicts.append(Conflict(order_id, ticket_id, why, detail))


async def look_for_adoptions(
    survey: Survey, client: WillowClient, looked: Callable[[], None], *, orders: Collection[str] | None = None
) -> Adoption:
    """``client`` is open; ``looked`` is called with each ticket of the list; ``orders`` are those of the survey, None:
    all. Raises WillowError, NoExternalIds."""
    look = _Look(survey, client, survey.replanner(await read_lists(client)))
    await look.named()
    # Oldest first: of several tickets of one order that is the one that counts (delivery.md §2).
    async with aclosing(tickets_of(survey, client, orders)) as tickets:
        async for ticket in tickets:
            look.listed(ticket)
            looked()
    look.found.pairs.sort(key=lambda pair: pair.order_id)
    look.found.conflicts.sort(key=lambda item: (list(Against).index(item.why), item.order_id))
    return look.found


def _named_by(known: Known) -> list[str]:
    newest = known.newest
    if newest is None or newest.change.deleted:
        return []
    return newest_value(newest.change.record.get("identities"), TICKET_URN)


def _kept_by(planned: Planned) -> str:
    reason = planned.intent.get("reason")
    return str(reason["code"] if reason else planned.intent["kind"])
