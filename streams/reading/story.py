"""All that is known of one order, for ``explain`` and the console: gathered here, printed elsewhere."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.agents.lists import read_lists
from streams.delivery.create import Seen
from streams.delivery.reconcile import desired
from streams.delivery.state import OrderState, field_hash
from streams.planning.external_ids import ExternalIds
from streams.planning.lists import WillowLists
from streams.planning.rules import Rules
from streams.reading.log import Watch, unwatched
from streams.reading.order_facts import OrderFacts, Stage, read_order
from streams.reading.records import InputRecord
from streams.reading.replanning import Planned, Replanner
from streams.settings import Settings
from streams.tables.twins import TwinTable
from streams.willow import Refused, Ticket, WillowClient, WillowError

#: A replay id that no replay has: the plan is never sent.
_ASKING = "explain"


@dataclass(frozen=True, slots=True)
class InWillow:
    """What Willow has of the order. ``problem``: it could not be asked, or not whole."""

    ticket: Ticket | None = None
    gone: bool = False
    """It says that the ticket does not exist."""
    changed_there: Mapping[str, Any] = field(default_factory=dict)
    """Field → what Willow has, where that is another value than the one we sent last."""
    to_send: tuple[str, ...] = ()
    """Fields that the fresh plan wants otherwise than they were sent last."""
    same_external_id: tuple[str, ...] = ()
    """Ids of all tickets with the order's externalId."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    order_id: str
    history: tuple[Mapping[str, Any], ...]
    """Its outcomes as published, oldest first, each once."""
    state: OrderState
    seen: Seen
    newest: InputRecord | None
    """None: the topic no longer holds it."""
    stage: Stage
    twins: TwinTable
    lists: WillowLists | None
    planned: Planned | None
    willow: InWillow

    @property
    def known(self) -> bool:
        return bool(self.history or self.newest or self.state.decided or self.seen.ticket)


async def story_of(settings: Settings, order_id: str, *, watch: Watch = unwatched) -> Story:
    """Raises BrokerUnreachable, TopicProblem and ReadFailed; what Willow does not tell is said in the story."""
    found = await asyncio.to_thread(read_order, settings, order_id, watch=watch)
    seen = found.bindings.seen(order_id, found.state)
    lists: WillowLists | None = None
    planned: Planned | None = None
    willow = settings.willow
    async with WillowClient(
        willow.base_url,
        willow.client_id,
        willow.client_secret.get_secret_value(),
        request_timeout=willow.request_timeout.total_seconds(),
        max_connections=willow.max_in_flight,
    ) as client:
        try:
            lists = await read_lists(client)
            planned = _plan(settings, found, lists, seen)
            external_id = ExternalIds(settings.external_id_template).of(order_id)
            there = await _in_willow(client, external_id, found.state, seen, planned)
        except WillowError as error:
            there = InWillow(problem=f"{error} ({error.remedy})")
    return Story(
        order_id,
        found.history,
        found.state,
        seen,
        found.newest,
        found.stage,
        found.twins,
        lists,
        planned,
        there,
    )


def _plan(settings: Settings, found: OrderFacts, lists: WillowLists, seen: Seen) -> Planned | None:
    if found.newest is None or (change := found.newest.change) is None:
        return None
    source, stamp = found.newest.source(found.topic_id), found.newest.logged.timestamp_ms
    replanner = Replanner(found.twins, lists, Rules.of(settings), found.bindings.identities.owner_of)
    return replanner.plan(change, source, stamp, found.state, seen, replay_id=_ASKING)


async def _in_willow(
    client: WillowClient, external_id: str, state: OrderState, seen: Seen, planned: Planned | None
) -> InWillow:
    found = await client.find_by_external_ids([external_id])
    ids = tuple(ticket.id for ticket in found.tickets)
    problem = None if found.honoured else "Willow does not filter by externalId: other tickets of the order may exist"
    if seen.ticket is None:
        return InWillow(next(iter(found.tickets), None), same_external_id=ids, problem=problem)
    try:
        ticket = await client.get_ticket(seen.ticket)
    except Refused as error:
        if error.status != 404:
            raise
        return InWillow(gone=True, same_external_id=ids, problem=problem)
    if planned is None or planned.intent["kind"] != "upsert":
        return InWillow(ticket, same_external_id=ids, problem=problem)
    want = desired(planned.intent, state.clear.get("twinId")).fields
    as_sent = {name for name, value in want.items() if state.hashes.get(name) == field_hash(value)}
    there = {name: ticket.field(name) for name in ticket.compare(want).differs if name in as_sent}
    changed = planned.foreseen.changed
    return InWillow(ticket, changed_there=there, to_send=changed, same_external_id=ids, problem=problem)
