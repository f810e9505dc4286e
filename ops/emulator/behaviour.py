"""The one seam for what goes wrong on the way: a ``Behaviour`` stands around every API request.

It sees the call before anything is done, decides when (and whether) the operation is performed, and what the
client is told: waiting, answering something else after a commit, or committing late all fit here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ops.emulator.journal import Entry
from ops.emulator.problems import Answer


@dataclass(frozen=True, slots=True)
class Call:
    """One API request, as far as it can be read before it is performed. ``document`` is its JSON, or None
    where there is none (or it is malformed); ``entry`` already names operation, ticket and external id where
    known."""

    operation: str
    parameters: dict[str, str]
    content_type: str
    authorization: str
    body: bytes
    document: Any
    malformed: str | None
    entry: Entry
    gone: Callable[[], bool]
    """Whether the client has left."""
    unlisted: float = 0.0
    """Seconds that a ticket must have lived to be in a list."""


class Perform(Protocol):
    def __call__(self, *, unlisted: float = 0.0) -> Answer:
        """Does the operation, at once, and returns Willow's answer. Refusals are answers too; it never raises
        them. Tickets younger than ``unlisted`` seconds are left out of a list of tickets."""

    def later(self, seconds: float) -> None:
        """Does the operation ``seconds`` from now, whatever becomes of the client meanwhile; the journal says
        when. An emulator that stops before has not done it."""


class Behaviour(Protocol):
    async def __call__(self, call: Call, perform: Perform) -> Answer: ...


@dataclass(frozen=True, slots=True)
class FixedLatency:
    """Every call takes ``seconds`` longer. The wait comes before the commit, as in a slow back end: a client
    that goes away meanwhile leaves a ticket behind that it never heard of."""

    seconds: float = 0.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if self.seconds > 0:
            await self.sleep(self.seconds)
        return perform()
