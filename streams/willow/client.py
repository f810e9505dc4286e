"""The typed async client of Willow's public API v3 (contract §7)."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from streams.willow import wire
from streams.willow.caller import Caller, Credentials, Gate, Observer, open_gate, unobserved
from streams.willow.calls import Calls
from streams.willow.groups.events import Events
from streams.willow.groups.insights import Insights
from streams.willow.groups.models import Models
from streams.willow.groups.oauth2 import OAuth2
from streams.willow.groups.relationships import Relationships
from streams.willow.groups.ticket_metadata import TicketMetadata
from streams.willow.groups.tickets import MAX_EXTERNAL_IDS, Tickets
from streams.willow.groups.time_series import TimeSeries
from streams.willow.groups.twins import Twins
from streams.willow.models.paging import Page
from streams.willow.models.ticket_metadata import Category, JobType, Priority, ServiceNeeded, Status
from streams.willow.models.tickets import Found, Ticket
from streams.willow.models.twins import MAX_TWIN_IDS, Twin
from streams.willow.retries import Retries
from streams.willow.transport import Transport

__all__ = ["MAX_EXTERNAL_IDS", "MAX_TWIN_IDS", "WillowClient", "normalise_base_url"]

API_PATH = "/api/v3"


def normalise_base_url(base_url: str) -> str:
    """With or without ``/api/v3`` and a trailing slash: Mapped's and Willow's documents spell it both
    ways."""
    base_url = base_url.strip().rstrip("/")
    return base_url if base_url.endswith(API_PATH) else base_url + API_PATH


class WillowClient:
    """``async with WillowClient(...) as willow: twin = await willow.twins.get("TW-L01")``.

    A group of Willow's API is an attribute, an operation a method of it (``docs/operations.md``). The methods
    below are the sync's own calls under their short names.

    Every method raises one of the errors drawn in ``errors``. ``request_timeout`` in seconds is the deadline
    over a whole call, the wait for a token and for a connection included. A write is sent once, and once
    more only after a 401, which proves that nothing was executed. Reads are repeated after faults of the
    moment (the table says which), and Willow's published rate limits are waited for. ``clock`` is monotonic,
    ``wall_clock`` counts from 1970; both in seconds."""

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
        transport: Callable[..., Transport] = Transport,
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
        self._make_transport = transport
        self._transport: Transport | None = None
        self._calls = Calls()
        self.oauth2 = OAuth2(self._calls)
        self.tickets = Tickets(self._calls)
        self.ticket_metadata = TicketMetadata(self._calls)
        self.twins = Twins(self._calls)
        self.relationships = Relationships(self._calls)
        self.models = Models(self._calls)
        self.time_series = TimeSeries(self._calls)
        self.insights = Insights(self._calls)
        self.events = Events(self._calls)

    def __repr__(self) -> str:
        return f"WillowClient({self.base_url!r}, client_id={self._credentials.client_id!r})"

    async def __aenter__(self) -> Self:
        if self._calls.opened:
            raise RuntimeError("this WillowClient is open already; enter it once")
        self._transport = self._make_transport(
            tls=self.base_url.startswith("https:"),
            # One more than there are slots, for the token's call.
            max_connections=self._max_connections + 1,
        )
        self._calls.opened = Caller(
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
        opened, self._calls.opened = self._calls.opened, None
        if opened:
            await opened.tokens.close()
        if self._transport:
            await self._transport.close()

    @property
    def token_expires_in(self) -> float | None:
        """Seconds for which the token in hand is good; None without one."""
        return self._calls.opened.tokens.expires_in if self._calls.opened else None

    async def authenticate(self) -> None:
        """Make sure that there is a token. Raises TokenRefused, NotSent, NoAnswer or Refused of the token
        call."""
        await self._calls.caller.tokens.bearer()

    async def put_ticket(self, fields: Mapping[str, Any]) -> Ticket:
        """``tickets.put``: not idempotent."""
        return await self.tickets.put(fields)

    async def patch_ticket(self, ticket_id: str, changed: Mapping[str, Any]) -> Ticket:
        """``tickets.patch``."""
        return await self.tickets.patch(ticket_id, changed)

    async def get_ticket(self, ticket_id: str) -> Ticket:
        """``tickets.get``."""
        return await self.tickets.get(ticket_id)

    async def ticket_page(
        self,
        page: int,
        *,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (),
        page_size: int = wire.MAX_PAGE_SIZE,
    ) -> Page[Ticket]:
        """``tickets.page``."""
        return await self.tickets.page(page, filters=filters, sort=sort, page_size=page_size)

    def list_tickets(
        self,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (wire.Sort("createdDate"),),
        page_size: int = wire.MAX_PAGE_SIZE,
    ) -> AsyncGenerator[Ticket, None]:
        """``tickets.find``."""
        return self.tickets.find(filters, sort, page_size)

    async def find_by_external_ids(self, external_ids: Iterable[str]) -> Found:
        """``tickets.by_external_ids``."""
        return await self.tickets.by_external_ids(external_ids)

    async def categories(self) -> list[Category]:
        """``ticket_metadata.categories``."""
        return await self.ticket_metadata.categories()

    async def job_types(self) -> list[JobType]:
        """``ticket_metadata.job_types``."""
        return await self.ticket_metadata.job_types()

    async def services_needed(self) -> list[ServiceNeeded]:
        """``ticket_metadata.services_needed``."""
        return await self.ticket_metadata.services_needed()

    async def statuses(self) -> list[Status]:
        """``ticket_metadata.statuses``."""
        return await self.ticket_metadata.statuses()

    async def priorities(self) -> list[Priority]:
        """``ticket_metadata.priorities``."""
        return await self.ticket_metadata.priorities()

    async def twins_by_ids(self, twin_ids: Sequence[str]) -> list[Twin]:
        """``twins.by_ids``."""
        return await self.twins.by_ids(twin_ids)
