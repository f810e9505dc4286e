"""A whole portfolio, read once: every order's state and newest record, the bindings, the twins."""

from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from schemas.source import Source
from streams.delivery.create import Seen
from streams.kafka.topics import topic_ids
from streams.planning.external_ids import ExternalIds
from streams.planning.lists import WillowLists
from streams.planning.places import Selection, chain_of
from streams.planning.plan import changed_at
from streams.planning.rules import Rules
from streams.reading.ledger import Known, Ledger
from streams.reading.log import Log
from streams.reading.records import opened
from streams.reading.replanning import Planned, Replanner
from streams.reading.states import Bindings, decided_offset, read_bindings, read_twins, state_records
from streams.settings import Settings
from streams.tables.twins import TwinTable
from streams.willow import MAX_EXTERNAL_IDS, Ticket, WillowClient

T = TypeVar("T")

_ASKING = "survey"
"""A replay id that no replay has: the plan is never sent."""


@dataclass(frozen=True, slots=True)
class Survey:
    settings: Settings
    ledger: Ledger
    bindings: Bindings
    twins: TwinTable
    topic_id: str

    def seen(self, known: Known) -> Seen:
        return self.bindings.seen(known.order_id, known.state)

    def under_way(self, known: Known) -> bool:
        """Whether its newest record is not decided yet."""
        if known.newest is None:
            return False
        partition, offset = known.newest.at
        decided = decided_offset(known.state, self.settings.topics.work_orders, self.topic_id, partition)
        return decided is None or decided < offset

    def replanner(self, lists: WillowLists) -> Replanner:
        return Replanner(self.twins, lists, Rules.of(self.settings), self.bindings.identities.owner_of)

    def plan(self, known: Known, replanner: Replanner) -> Planned | None:
        """What the planner makes of the fold now; None if the input holds nothing of the order."""
        newest = known.newest
        if newest is None:
            return None
        source = Source(
            topic=self.settings.topics.work_orders,
            partition=newest.at[0],
            offset=newest.at[1],
            changed_at=changed_at(newest.change.record, newest.stamp),
            topic_id=self.topic_id,
        )
        return replanner.plan(newest.change, source, newest.stamp, known.state, self.seen(known), replay_id=_ASKING)

    def site_of_twin(self, twin_id: str | None) -> str | None:
        """The selected site in which the entity with this twin lies."""
        entity = self.twins.by_twin(twin_id) if twin_id else None
        if entity is None:
            return None
        return chain_of(entity, self.twins, Selection.of(self.settings.selected_sites)).site


def client_of(settings: Settings) -> WillowClient:
    """A client of the instance that these settings name, to be entered."""
    willow = settings.willow
    return WillowClient(
        willow.base_url,
        willow.client_id,
        willow.client_secret.get_secret_value(),
        request_timeout=willow.request_timeout.total_seconds(),
        max_connections=willow.max_in_flight,
    )


async def tickets_of(
    survey: Survey, client: WillowClient, orders: Collection[str] | None
) -> AsyncGenerator[Ticket, None]:
    """Willow's tickets, oldest first; of ``orders`` those that name them, where Willow can filter by externalId.

    Raises WillowError."""
    external_ids = ExternalIds(survey.settings.external_id_template)
    if orders is not None:
        found: list[Ticket] = []
        for batch in batches(iter(orders), MAX_EXTERNAL_IDS):
            answer = await client.find_by_external_ids(map(external_ids.of, batch))
            found += answer.tickets
            if not answer.honoured:
                break
        else:
            for ticket in found:
                yield ticket
            return
    async with aclosing(client.list_tickets()) as listed:
        async for ticket in listed:
            yield ticket


def batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch


def take_survey(log: Log, settings: Settings, ledger: Ledger, *, only: Collection[str] | None = None) -> Survey:
    """``only``: these orders. Raises TopicProblem, ReadFailed."""
    topic = settings.topics.work_orders
    topic_id = topic_ids(settings, [topic])[topic]
    for order_id, raw in state_records(log, settings, only):
        ledger.put_state(order_id, raw)
    for record in log.read(topic):
        found = opened(record, settings)
        if found.order_id is not None and (only is None or found.order_id in only):
            ledger.put_record(found.order_id, found)
    # All identities even for a few orders: whose a ticket is, only they tell.
    bindings = read_bindings(log, settings)
    for order_id in bindings.identities.orders():
        if only is None or order_id in only:
            ledger.put_order(order_id)
    return Survey(settings, ledger, bindings, read_twins(log, settings), topic_id)
