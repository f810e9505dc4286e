"""The typed async client of Willow's public API v3 (contract §7)."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self, TypeVar

from streams.willow import operations, reading, wire
from streams.willow.answers import Answer
from streams.willow.caller import Caller, Credentials, Gate, Observer, open_gate, unobserved
from streams.willow.errors import Call, NoAnswer, Refused
from streams.willow.models import (
    Category,
    Found,
    JobType,
    Page,
    Priority,
    ServiceNeeded,
    Status,
    Ticket,
    Twin,
)
from streams.willow.operations import Operation
from streams.willow.paging import PageBase, PagingStuck, walk
from streams.willow.retries import Retries
from streams.willow.transport import Transport

T = TypeVar("T")
M = TypeVar("M", JobType, Category, ServiceNeeded)

API_PATH = "/api/v3"
MAX_EXTERNAL_IDS = 100
"""Orders in one look-up (delivery.md §2)."""
MAX_TWIN_IDS = 100
"""Willow's own maximum of ``/twins/ids``."""

# Willow's own default for tickets; for the metadata lists no maximum is published.
_METADATA_PAGE_SIZE = 100
_FILTER_REFUSED = frozenset({400, 422})


def normalise_base_url(base_url: str) -> str:
    """With or without ``/api/v3`` and a trailing slash: Mapped's and Willow's documents spell it both
    ways."""
    base_url = base_url.strip().rstrip("/")
    return base_url if base_url.endswith(API_PATH) else base_url + API_PATH


class WillowClient:
    """``async with WillowClient(...) as willow: await willow.put_ticket({...})``.

    Every method raises one of the errors drawn in ``errors``. ``request_timeout`` in seconds is the deadline
    over a whole call, the wait for a token and for a connection included. A write is sent once, and once
    more only after a 401, which proves that nothing was executed. Reads of lists are repeated after faults
    of the moment. ``clock`` is monotonic, ``wall_clock`` counts from 1970; both in seconds."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        request_timeout: float = 30.0,
        max_connections: int = 64,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        observe: Observer = unobserved,
        gate: Gate = open_gate,
    ) -> None:
        self.base_url = normalise_base_url(base_url)
        self._credentials = Credentials(client_id, client_secret)
        self._request_timeout = request_timeout
        self._max_connections = max_connections
        self._clock = clock
        self._wall_clock = wall_clock
        self._retries = Retries(jitter, sleep)
        self._observe = observe
        self._gate = gate
        self._bases: dict[str, PageBase] = {}
        self._transport: Transport | None = None
        self._opened: Caller | None = None

    def __repr__(self) -> str:
        return f"WillowClient({self.base_url!r}, client_id={self._credentials.client_id!r})"

    async def __aenter__(self) -> Self:
        if self._opened:
            raise RuntimeError("this WillowClient is open already; enter it once")
        self._transport = Transport(
            tls=self.base_url.startswith("https:"),
            # One more than there are slots, for the token's call.
            max_connections=self._max_connections + 1,
        )
        self._opened = Caller(
            self.base_url,
            self._credentials,
            self._transport,
            timeout=self._request_timeout,
            max_in_flight=self._max_connections,
            retries=self._retries,
            clock=self._clock,
            wall_clock=self._wall_clock,
            observe=self._observe,
            gate=self._gate,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        opened, self._opened = self._opened, None
        if opened:
            await opened.tokens.close()
        if self._transport:
            await self._transport.close()

    @property
    def _caller(self) -> Caller:
        if self._opened is None:
            raise RuntimeError("this WillowClient is not open; use it inside `async with`")
        return self._opened

    @property
    def token_expires_in(self) -> float | None:
        """Seconds for which the token in hand is good; None without one."""
        return self._opened.tokens.expires_in if self._opened else None

    async def authenticate(self) -> None:
        """Make sure that there is a token. Raises TokenRefused, NotSent, NoAnswer or Refused of the token
        call."""
        await self._caller.tokens.bearer()

    async def put_ticket(self, fields: Mapping[str, Any]) -> Ticket:
        """Create a ticket from fields of contract §4. **Not** idempotent: a second call makes a second
        ticket.

        A 2xx without an id is NoAnswer, for the ticket may well exist. Raises wire.UnknownField before
        sending."""
        return await self._caller.call(operations.PUT_TICKET, reading.ticket, wire.put_body(fields))

    async def patch_ticket(self, ticket_id: str, changed: Mapping[str, Any]) -> Ticket:
        """Replace fields of contract §4 (null clears). Raises wire.UnknownField before anything is sent."""

        def read(answer: Answer) -> Ticket:
            # The documented answer is 200 with the ticket; the metadata's PATCHes answer 204, as this may
            # one day.
            return Ticket(ticket_id, {"id": ticket_id}, 204) if answer.status == 204 else reading.ticket(answer)

        return await self._caller.call(operations.PATCH_TICKET, read, wire.patch_body(changed), ticket_id=ticket_id)

    async def get_ticket(self, ticket_id: str) -> Ticket:
        """One call, never repeated here: the sink's breaker probes with it."""
        return await self._caller.call(operations.GET_TICKET, reading.ticket, ticket_id=ticket_id)

    async def ticket_page(
        self,
        page: int,
        *,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (),
        page_size: int = wire.MAX_PAGE_SIZE,
    ) -> Page[Ticket]:
        """One page as Willow numbers them; whether 0 or 1 is the first is Willow's secret (see
        ``list_tickets``)."""
        return await self._page(operations.LIST_TICKETS, reading.tickets, page, filters, sort, page_size)

    def list_tickets(
        self,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (wire.Sort("createdDate"),),
        page_size: int = wire.MAX_PAGE_SIZE,
    ) -> AsyncGenerator[Ticket, None]:
        """Every ticket once, whatever the page base. The list is whole, or it ends in an error.

        Willow may ignore a filter without a word: check the items."""
        return self._walk(operations.LIST_TICKETS, reading.tickets, _ticket_id, filters, sort, page_size)

    async def find_by_external_ids(self, external_ids: Iterable[str]) -> Found:
        """The tickets of at most 100 external ids. Stops at the first ticket that was not asked for: Willow
        ignores the filter then, and the rest of a portfolio would follow."""
        wanted = set(external_ids)
        if not 0 < len(wanted) <= MAX_EXTERNAL_IDS:
            raise ValueError(f"found {len(wanted)} external ids, expected 1 to {MAX_EXTERNAL_IDS}; split them")
        tickets: list[Ticket] = []
        try:
            async with aclosing(self.list_tickets([wire.by_external_ids(sorted(wanted))])) as listed:
                async for ticket in listed:
                    if ticket.external_id not in wanted:
                        return Found(tuple(tickets), honoured=False)
                    tickets.append(ticket)
        except Refused as error:
            if error.status in _FILTER_REFUSED:
                return Found((), honoured=False)
            raise
        return Found(tuple(tickets), honoured=True)

    async def categories(self) -> list[Category]:
        return await self._metadata(operations.LIST_CATEGORIES, reading.CATEGORIES)

    async def job_types(self) -> list[JobType]:
        return await self._metadata(operations.LIST_JOB_TYPES, reading.JOB_TYPES)

    async def services_needed(self) -> list[ServiceNeeded]:
        return await self._metadata(operations.LIST_SERVICES_NEEDED, reading.SERVICES_NEEDED)

    async def statuses(self) -> list[Status]:
        return await self._caller.call(operations.LIST_STATUSES, reading.STATUSES)

    async def priorities(self) -> list[Priority]:
        return await self._caller.call(operations.LIST_PRIORITIES, reading.PRIORITIES)

    async def twins_by_ids(self, twin_ids: Sequence[str]) -> list[Twin]:
        """The twins among these ids that exist; Willow is silent about the others. 100 a call, within the
        rate limit."""
        found: list[Twin] = []
        for start in range(0, len(twin_ids), MAX_TWIN_IDS):
            ids = list(twin_ids[start : start + MAX_TWIN_IDS])
            found += await self._caller.call(operations.TWINS_BY_IDS, reading.TWINS, ids)
        return found

    async def _metadata(self, operation: Operation, read: Callable[[Answer], Page[M]]) -> list[M]:
        listed = self._walk(operation, read, _entry_id, (), (), _METADATA_PAGE_SIZE)
        return [entry async for entry in listed]

    async def _page(
        self,
        operation: Operation,
        read: Callable[[Answer], Page[T]],
        page: int,
        filters: Sequence[wire.Filter],
        sort: Sequence[wire.Sort],
        page_size: int,
    ) -> Page[T]:
        return await self._caller.call(operation, read, wire.list_body(filters, sort, page, page_size))

    async def _walk(
        self,
        operation: Operation,
        read: Callable[[Answer], Page[T]],
        key: Callable[[T], str],
        filters: Sequence[wire.Filter],
        sort: Sequence[wire.Sort],
        page_size: int,
    ) -> AsyncGenerator[T, None]:
        async def fetch(page: int) -> Page[T]:
            return await self._page(operation, read, page, filters, sort, page_size)

        base = self._bases.setdefault(operation.name, PageBase())
        try:
            async with aclosing(walk(fetch, base, key)) as items:
                async for item in items:
                    yield item
        except PagingStuck as error:
            raise NoAnswer(Call(operation, operation.path, "-"), f"the list is not whole: {error}") from error


def _ticket_id(ticket: Ticket) -> str:
    return ticket.id


def _entry_id(entry: JobType) -> str:
    return entry.id
