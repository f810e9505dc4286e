"""Taking a Willow over that has tickets already (contract §6): before the first create on an instance its tickets are
listed, and those that name a work order are written down as candidates.

A durable marker on each partition of the claims ends it. Until an owner has read its partition's marker it creates
nothing, and lists.
"""

import asyncio
import logging
import random
from collections.abc import Collection, Iterable
from typing import Protocol

from streams.agents.writer import Acked, Writer
from streams.delivery.pause import backoff
from streams.kafka.partitioning import partition_of
from streams.planning.external_ids import ExternalIds
from streams.tables.controls import Controls
from streams.tables.view import View
from streams.willow import Ticket, WillowClient, WillowError

log = logging.getLogger(__name__)

#: Candidates sent and not acknowledged yet: a portfolio of a million tickets must not lie in memory twice.
MAX_UNACKNOWLEDGED = 5_000

#: How long the markers that were just written may take to be read back (seconds).
READ_BACK_SECONDS = 30.0


class NoExternalIds(Exception):
    """Willow's list does not show which order a ticket belongs to."""

    remedy = "Ask Willow to have its ticket list show externalId; until then bind by hand: `willow-sync resolve`."

    def __init__(self) -> None:
        super().__init__("its list shows no externalId (only a person can tell which order a ticket belongs to)")


class Owned(Protocol):
    def __call__(self) -> Collection[int]:
        """The claims partitions that are this worker's now."""


class TakeOver:
    """``problem`` says why nothing may be created yet; None once all is well. ``partitions`` is the topic's count."""

    def __init__(
        self,
        client: WillowClient,
        writer: Writer,
        controls: Controls,
        claims_view: View,
        *,
        external_ids: ExternalIds,
        partitions: int,
        owned: Owned,
        rng: random.Random,
    ) -> None:
        self._client, self._writer, self._controls, self._view = client, writer, controls, claims_view
        self._external_ids, self._partitions, self._owned, self._rng = external_ids, partitions, owned, rng
        self._look = asyncio.Event()
        self._changed = asyncio.Event()
        self.problem: str | None = None

    def done(self, partition: int) -> bool:
        """Whether orders of this partition may be created."""
        return self._controls.is_taken_over(self._writer.instance, partition)

    async def wait(self, partition: int) -> None:
        """Until its marker was read. No bound of its own: the worker's readiness shows the wait."""
        while not self.done(partition):
            self._changed.clear()
            await self._changed.wait()

    def controls_changed(self) -> None:
        """The view of the claims has read on."""
        self._changed.set()

    def assigned(self) -> None:
        """Partitions were assigned, and the views have read what their former owners wrote."""
        self._look.set()

    async def run(self) -> None:
        """For ever: take over what was assigned and has no marker."""
        failures = 0
        while True:
            await self._look.wait()
            self._look.clear()
            open_ones = {partition for partition in self._owned() if not self.done(partition)}
            if not open_ones:
                self.problem = None
                continue
            try:
                await self._take_over(open_ones)
            except (WillowError, NoExternalIds) as error:
                failures += 1
                self.problem = (
                    f"Willow's tickets could not be listed, so nothing is created: {error}; remedy: {error.remedy}"
                )
                log.warning("%s", self.problem)
                await asyncio.sleep(backoff(failures, self._rng))
            else:
                failures = 0
            # Again: something may have been assigned meanwhile, or failed.
            self._look.set()

    async def _take_over(self, partitions: Collection[int]) -> None:
        log.info("listing the tickets that %s has already", self._writer.instance)
        found: set[str] = set()
        under_way: set[Acked] = set()
        # The oldest first: of several tickets of one order it is the one that counts (delivery.md §2).
        async for ticket in self._client.list_tickets():
            order_id = self._order_of(ticket)
            if order_id is None or order_id in found:
                continue
            found.add(order_id)
            partition = partition_of(order_id.encode(), self._partitions)
            if partition in partitions:
                under_way.add(self._writer.candidate(partition, order_id, ticket.id))
            if len(under_way) >= MAX_UNACKNOWLEDGED:
                await _all(under_way)
        await _all(under_way)
        acks = await asyncio.gather(*(self._writer.taken_over(partition) for partition in partitions))
        await self._view.reached({ack.partition: ack.offset + 1 for ack in acks}, seconds=READ_BACK_SECONDS)
        tickets = "1 ticket names" if len(found) == 1 else f"{len(found)} tickets name"
        log.info("%s a work order; partitions %s are taken over", tickets, sorted(partitions))

    def _order_of(self, ticket: Ticket) -> str | None:
        if not ticket.shows("externalId"):
            raise NoExternalIds
        return self._external_ids.order_of(ticket.external_id) if ticket.external_id else None


async def _all(under_way: set[Acked]) -> None:
    await asyncio.gather(*under_way)
    under_way.clear()


def ready_problems(takeover: TakeOver, owned: Iterable[int]) -> list[str]:
    """For the readiness page."""
    if takeover.problem is not None:
        return [takeover.problem]
    left = sorted(partition for partition in owned if not takeover.done(partition))
    return [f"Willow's present tickets are being listed (partitions {left})"] if left else []
