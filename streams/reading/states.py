"""What is known of orders: their states from the order table's changelog, their tickets and claims, the twins."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from streams.delivery.create import Seen
from streams.delivery.state import OrderState, Waiting, generation_of, log_key
from streams.kafka.partitioning import partition_of
from streams.kafka.topic_plan import changelog_name
from streams.reading.log import Log, Logged
from streams.settings import Settings
from streams.tables.claims import ClaimTable
from streams.tables.identities import IdentityTable
from streams.tables.twins import TwinTable
from streams.tables.view import Handler

T = TypeVar("T")


def partitions_of(log: Log, topic: str, order_ids: Collection[str]) -> set[int]:
    """Where a topic that is keyed by work order ids holds these orders. Raises ReadFailed."""
    count = len(log.spans(topic))
    return {partition_of(order_id.encode(), count) for order_id in order_ids}


def order_states(
    log: Log, settings: Settings, keep: Callable[[OrderState], T | None], *, only: Collection[str] | None = None
) -> dict[str, T]:
    """Order id → what ``keep`` takes of its state; None drops the order. ``only`` reads these orders' partitions.

    Whole states of a large portfolio are gigabytes: keep what is needed of each. Raises ReadFailed."""
    kept: dict[str, T] = {}
    generations: dict[str, int] = {}
    for order_id, raw in state_records(log, settings, only):
        if raw is not None:
            # What a former owner sent when it woke counts as little here as in the table.
            generation = generation_of(raw)
            if generation < generations.get(order_id, 0):
                continue
            generations[order_id] = generation
        found = None if raw is None else keep(OrderState.from_json(raw))
        if found is None:
            kept.pop(order_id, None)
        else:
            kept[order_id] = found
    return kept


def state_records(
    log: Log, settings: Settings, only: Collection[str] | None = None
) -> Iterator[tuple[str, bytes | None]]:
    """Order id and its state as it was written, in log order, outdated ones too; None where it was deleted.

    Raises ReadFailed."""
    topic = changelog_name(settings)
    partitions = None if only is None else partitions_of(log, topic, only)
    wanted = None if only is None else {order_id.encode() for order_id in only}
    for record in log.read(topic, partitions=partitions):
        if record.key is not None and (wanted is None or record.key in wanted):
            yield record.key.decode(), record.value


def _fill(log: Log, topic: str, table: Handler, order_ids: Collection[str] | None) -> None:
    partitions = None if order_ids is None else partitions_of(log, topic, order_ids)
    for record in log.read(topic, partitions=partitions):
        at = record.timestamp_ms or 0
        table.apply(record.partition, record.offset, at, record.key, record.value, record.headers)


@dataclass(frozen=True, slots=True)
class Bindings:
    """Tickets and claims of the orders that were asked for (None: of all)."""

    identities: IdentityTable
    claims: ClaimTable

    def seen(self, order_id: str, state: OrderState) -> Seen:
        """As the sink sees the order: the state's own ticket counts where no identity says another."""
        identity = self.identities.ticket_of(order_id) or state.ticket_id
        return Seen(identity, self.claims.done_ticket(order_id), self.claims.open_claims(order_id))


def read_bindings(log: Log, settings: Settings, *, only: Collection[str] | None = None) -> Bindings:
    """Raises ReadFailed."""
    found = Bindings(IdentityTable(), ClaimTable())
    _fill(log, settings.topics.name("ticket_identities"), found.identities, only)
    _fill(log, settings.topics.name("create_claims"), found.claims, only)
    return found


def read_twins(log: Log, settings: Settings) -> TwinTable:
    """The whole building graph: a chain may lead anywhere. Raises ReadFailed."""
    table = TwinTable(settings.input_format.entities)
    _fill(log, settings.topics.entities, table, None)
    return table


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands: the outcome of its newest decided record, and where that record is."""

    outcome: str
    code: str | None
    source: dict[str, Any]
    ticket_id: str | None

    @property
    def at(self) -> tuple[int, int]:
        """Partition and offset of its newest decided record."""
        return self.source["partition"], self.source["offset"]


def standing_of(state: OrderState) -> Standing | None:
    """None for an order of which no record was decided."""
    said = waiting_outcome(state.waiting) if state.waiting is not None else state.last
    if said is None:
        return None
    code = (said.get("reason") or {}).get("code")
    return Standing(said["outcome"], code, said["source"], state.ticket_id)


def waiting_outcome(waiting: Waiting) -> dict[str, Any]:
    """The ``parked`` outcome of a waiting order. One that is sent round for its fold, or is being applied, was told
    none: its kind stands for it."""
    untold = {"outcome": waiting.kind, "reason": None, "waitingFor": [], "source": waiting.intent["source"]}
    return waiting.outcome or untold


def is_waiting(state: OrderState) -> bool:
    """Parked or in doubt, as its outcome told; not what is under way for a moment."""
    return state.waiting is not None and state.waiting.outcome is not None


def decided_offset(state: OrderState, topic: str, topic_id: str | None, partition: int) -> int | None:
    """Offset of the newest decided record of the order in this log; None where none was."""
    return state.decided.get(log_key({"topic": topic, "topicId": topic_id, "partition": partition}))


def is_of(record: Logged, order_id: str) -> bool:
    """Whether a record of a topic that is keyed by work order ids is this order's."""
    return record.key == order_id.encode()
