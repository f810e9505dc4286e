"""The audit: every order and every ticket, once. Kafka is read before (``take_survey``); Willow's tickets pass by one
after the other, and none is kept."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from streams.agents.lists import read_lists
from streams.delivery.foresee import Fate
from streams.delivery.reconcile import desired
from streams.planning.external_ids import ExternalIds
from streams.reading.comparing import Words, compare, site_of, wants_ticket
from streams.reading.findings import ENTRIES, Finding, Kind, Totals, was_refused
from streams.reading.ledger import Known
from streams.reading.replanning import Planned, Replanner
from streams.reading.survey import Survey, batches, tickets_of
from streams.willow import Refused, Ticket, WillowClient

#: Tickets that the list did not show, asked for one by one: so many at once.
GETS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Scope:
    """``orders`` and ``site`` (Mapped id) narrow the audit; None: all."""

    orders: Collection[str] | None = None
    site: str | None = None


@dataclass(slots=True)
class Audit:
    """``looked`` is called with each ticket of the list."""

    survey: Survey
    client: WillowClient
    scope: Scope
    replanner: Replanner
    words: Words
    looked: Callable[[], None]
    totals: Totals = field(default_factory=Totals)
    findings: list[Finding] = field(default_factory=list)
    _wanted: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Twin → an order whose ticket should name it, and how many there are."""

    async def run(self) -> None:
        """Raises WillowError: a list that is not whole is no audit."""
        async with aclosing(tickets_of(self.survey, self.client, self.scope.orders)) as tickets:
            async for ticket in tickets:
                self.totals.tickets += 1
                self._look_at(ticket)
                self.looked()
        for batch in batches(self.survey.ledger.unseen(), GETS_AT_ONCE):
            await asyncio.gather(*(self._unseen(known) for known in batch))
        for order_id in self.survey.ledger.ticketed():
            self._count(order_id)
        await self._ask_for_twins()
        self.findings.sort(key=lambda item: (ENTRIES[item.kind].exit_code, item.order_id or "", item.ticket_id or ""))

    # -- one ticket ----------------------------------------------------------------------------------------------

    def _look_at(self, ticket: Ticket) -> None:
        survey = self.survey
        external_id = ticket.external_id
        named_id = ExternalIds(survey.settings.external_id_template).order_of(external_id) if external_id else None
        named = survey.ledger.get(named_id) if named_id is not None else None
        if named is not None:
            survey.ledger.put_ticket(named.order_id, ticket.id)
        owner = survey.bindings.identities.owner_of(ticket.id)
        if owner is not None:
            if (known := survey.ledger.get(owner)) is not None:
                self._compare(known, ticket)
        elif named is not None:
            if survey.seen(named).ticket == ticket.id:
                self._compare(named, ticket)
        elif ticket.field("sourceName") == survey.settings.source_name and self.scope.orders is None:
            if self._in_site(survey.site_of_twin(ticket.twin_id)):
                evidence = f"its externalId is {external_id!r}" if external_id else "it has no externalId"
                self.findings.append(Finding(Kind.EXTRA, None, ticket.id, evidence))
        else:
            self.totals.others += 1

    def _compare(self, known: Known, ticket: Ticket) -> None:
        survey, order_id = self.survey, known.order_id
        survey.ledger.see(order_id)
        planned = survey.plan(known, self.replanner)
        site = self._site(known, planned, ticket)
        if not self._in_site(site):
            return
        if planned is not None and wants_ticket(planned):
            self._want(order_id, desired(planned.intent, known.state.clear.get("twinId")).twin_id)
        waits = self._waits(known)
        compared = compare(order_id, ticket, known.state, planned, self.words, waits=waits)
        self.totals.orders += 1
        self.totals.compared += 1
        self.totals.by_hash += compared.by_hash
        for name in compared.hidden:
            self.totals.hidden[name] = self.totals.hidden.get(name, 0) + 1
        self.findings += [replace(item, site=site) for item in compared.findings]
        identity, kept = survey.bindings.identities.ticket_of(order_id), known.state.ticket_id
        if identity is None or (kept is not None and kept != identity):
            evidence = f"published: {identity or 'none'}, in its state: {kept or 'none'}"
            self.findings.append(Finding(Kind.IDENTITY, order_id, ticket.id, evidence, site=site))

    def _waits(self, known: Known) -> bool:
        """Counts it, too."""
        if known.state.waiting is not None:
            self.totals.waiting += 1
        elif self.survey.under_way(known):
            self.totals.under_way += 1
        else:
            return False
        return True

    # -- one order -----------------------------------------------------------------------------------------------

    async def _unseen(self, known: Known) -> None:
        """An order whose ticket, if it has one, was not in the list."""
        ticket_id, order_id = self.survey.seen(known).ticket, known.order_id
        planned = self.survey.plan(known, self.replanner)
        site = self._site(known, planned, None)
        if not self._in_site(site):
            return
        if ticket_id is not None:
            try:
                # The list may have been asked a moment before the ticket was made, or show it late.
                return self._compare(known, await self.client.get_ticket(ticket_id))
            except Refused as error:
                if error.status != 404:
                    raise
            self.totals.orders += 1
            evidence = "Willow answers 404, and does not list it"
            self.findings.append(Finding(Kind.GONE, order_id, ticket_id, evidence, site=site))
            return
        self.totals.orders += 1
        if self._waits(known) or planned is None or self.survey.ledger.tickets_of(order_id):
            return
        if planned.foreseen.fate not in (Fate.CREATE, Fate.ADOPT):
            return
        last = known.state.last or {}
        reason = last.get("reason")
        evidence = f"its newest record was {last.get('outcome', 'not decided')}" + (
            f": {reason['code']}" if reason else ""
        )
        refused = was_refused(known.state.last)
        self.findings.append(Finding(Kind.MISSING, order_id, None, evidence, site=site, refused=refused))

    def _count(self, order_id: str) -> None:
        """The tickets that name an order, once all were seen."""
        known = self.survey.ledger.get(order_id)
        assert known is not None
        planned = self.survey.plan(known, self.replanner)
        site = self._site(known, planned, None)
        if not self._in_site(site):
            return
        own, tickets = self.survey.seen(known).ticket, self.survey.ledger.tickets_of(order_id)
        everyone = tuple(dict.fromkeys([*([own] if own else []), *tickets]))
        if len(everyone) > 1:
            whose = f"its own is {own}" if own else "none is its own"
            others = ", ".join(item for item in everyone if item != own)
            evidence = f"{whose}; also {others}" if own else f"{others}; {whose}"
            self.findings.append(
                Finding(Kind.DUPLICATE, order_id, own or tickets[0], evidence, site=site, tickets=everyone)
            )
        if own is None:
            wanted = "it should have one" if wants_ticket(planned) else _without(planned)
            self.findings.append(Finding(Kind.UNBOUND, order_id, tickets[0], wanted, site=site))

    def _want(self, order_id: str, twin_id: str | None) -> None:
        if twin_id is not None:
            example, count = self._wanted.get(twin_id, (order_id, 0))
            self._wanted[twin_id] = (min(example, order_id), count + 1)

    async def _ask_for_twins(self) -> None:
        self.totals.twins = len(self._wanted)
        if not self._wanted:
            return
        try:
            there = {twin.id for twin in await self.client.twins_by_ids(list(self._wanted))}
        except Refused as error:
            self.totals.twins_problem = str(error)
            return
        if not there:
            # Willow is silent about ids that it does not know, and about those that this client may not see.
            self.totals.twins_problem = "Willow shows none of them: may this client read twins?"
            return
        for twin_id in self._wanted.keys() - there:
            example, count = self._wanted[twin_id]
            evidence = f"Willow has no twin {twin_id}" + (f"; so {count} orders" if count > 1 else "")
            site = self.survey.site_of_twin(twin_id)
            self.findings.append(Finding(Kind.TWIN_UNKNOWN, example, None, evidence, site=site))

    def _site(self, known: Known, planned: Planned | None, ticket: Ticket | None) -> str | None:
        if (site := site_of(planned)) is not None:
            return site
        twin = known.state.clear.get("twinId") or (ticket.twin_id if ticket is not None else None)
        return self.survey.site_of_twin(twin)

    def _in_site(self, site: str | None) -> bool:
        return self.scope.site is None or site == self.scope.site


async def audit(survey: Survey, client: WillowClient, scope: Scope, looked: Callable[[], None]) -> Audit:
    """``client`` is open. Raises WillowError."""
    lists = await read_lists(client)
    made = Audit(survey, client, scope, survey.replanner(lists), Words.of(lists), looked)
    await made.run()
    return made


def _without(planned: Planned | None) -> str:
    if planned is None:
        return "the input holds no record of the order"
    reason = planned.intent.get("reason")
    return f"the order would get none: {reason['code'] if reason else planned.intent['kind']}"
