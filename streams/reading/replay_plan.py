"""What a replay would do, found by planning each record with the planner's own code; nothing is sent."""

from collections import Counter
from dataclasses import dataclass

from streams.agents.lists import read_lists
from streams.delivery.foresee import Fate
from streams.delivery.state import OrderState
from streams.planning.lists import WillowLists
from streams.planning.rules import Rules
from streams.reading.log import Log
from streams.reading.replanning import Replanner
from streams.reading.replays import Picked, picked_records
from streams.reading.states import order_states, read_bindings, read_twins
from streams.settings import Settings
from streams.willow import WillowClient


@dataclass(frozen=True, slots=True)
class Row:
    """Records that would fare alike. ``code`` is the reason's; ``example`` one of their orders."""

    fate: Fate
    code: str | None
    count: int
    example: str


async def current_lists(settings: Settings) -> WillowLists:
    """Raises WillowError."""
    willow = settings.willow
    async with WillowClient(
        willow.base_url,
        willow.client_id,
        willow.client_secret.get_secret_value(),
        request_timeout=willow.request_timeout.total_seconds(),
        max_connections=willow.max_in_flight,
    ) as client:
        return await read_lists(client)


def replay_plan(
    log: Log, settings: Settings, picked: Picked, topic_id: str, lists: WillowLists, *, force: bool
) -> list[Row]:
    """Against the twin table, the identities, the claims and the orders' states as they are now.

    Raises ReadFailed."""
    orders = picked.order_ids
    states = order_states(log, settings, lambda state: state, only=orders) if orders else {}
    bindings = read_bindings(log, settings)
    replanner = Replanner(read_twins(log, settings), lists, Rules.of(settings), bindings.identities.owner_of)
    counts: Counter[tuple[Fate, str | None]] = Counter()
    examples: dict[tuple[Fate, str | None], str] = {}
    for record, change in picked_records(log, settings, picked):
        order_id = change.order_id
        state = states.get(order_id, OrderState())
        source, stamp, seen = record.source(topic_id), record.logged.timestamp_ms, bindings.seen(order_id, state)
        planned = replanner.plan(change, source, stamp, state, seen, replay_id="dry-run", force=force)
        kind = (planned.foreseen.fate, planned.foreseen.code)
        counts[kind] += 1
        examples.setdefault(kind, order_id)
    order = list(Fate)
    rows = [Row(*kind, count, examples[kind]) for kind, count in counts.items()]
    return sorted(rows, key=lambda row: (order.index(row.fate), -row.count, row.code or ""))
