"""What Kafka holds of one order: its outcomes, its state, its newest record, its bindings, and the twins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from schemas.intent import IntentKind
from streams.delivery.reconcile import Verdict, judge
from streams.delivery.state import OrderState
from streams.kafka.partitioning import partition_of
from streams.kafka.topics import topic_ids
from streams.reading.log import Log, Watch, unwatched
from streams.reading.records import InputRecord, records_at, records_of
from streams.reading.states import Bindings, order_states, partitions_of, read_bindings, read_twins, standing_of
from streams.settings import Settings
from streams.tables.twins import TwinTable

Outcome = Mapping[str, Any]


class Stage(Enum):
    """How far the newest record of an order has come."""

    NOT_PLANNED = "not planned yet"
    NOT_CARRIED_OUT = "planned, not carried out yet"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class OrderFacts:
    history: tuple[Outcome, ...]
    state: OrderState
    bindings: Bindings
    newest: InputRecord | None
    stage: Stage
    twins: TwinTable
    topic_id: str


def read_order(settings: Settings, order_id: str, *, watch: Watch = unwatched) -> OrderFacts:
    """Reads the order's partition of each topic that is keyed by work order ids; of the input what is not planned
    yet, and all of it only for an order of which nothing else is known.

    Raises BrokerUnreachable, TopicProblem and ReadFailed."""
    topic = settings.topics.work_orders
    topic_id = topic_ids(settings, [topic])[topic]
    with Log(settings, watch=watch) as log:
        state = order_states(log, settings, lambda found: found, only=[order_id]).get(order_id, OrderState())
        outcomes = settings.topics.name("outcomes")
        history = _outcomes(log, settings, order_id, partitions_of(log, outcomes, [order_id]))
        newest, stage = _newest(log, settings, order_id, topic_id, state, history)
        key = newest.logged.key if newest is not None else None
        if key is not None and key != order_id.encode():
            # The outcome of a record that can't be read is keyed as the record was, not by the order's id.
            elsewhere = {partition_of(key, len(log.spans(outcomes)))} - partitions_of(log, outcomes, [order_id])
            history = _in_time([*history, *_outcomes(log, settings, order_id, elsewhere)])
        # Whose the ticket is that the order names, only the identities of all orders tell.
        names_a_ticket = newest is not None and bool(newest.named_tickets)
        bindings = read_bindings(log, settings, only=None if names_a_ticket else [order_id])
        return OrderFacts(history, state, bindings, newest, stage, read_twins(log, settings), topic_id)


def _outcomes(log: Log, settings: Settings, order_id: str, partitions: Iterable[int]) -> tuple[Outcome, ...]:
    found: dict[str, Outcome] = {}
    needle = orjson.dumps(order_id)
    for record in log.read(settings.topics.name("outcomes"), partitions=partitions):
        if record.value is not None and needle in record.value:
            said = orjson.loads(record.value)
            if said["workOrderId"] == order_id:
                # Consumers keep the first of an id (contract §5); a redelivery says it again.
                found.setdefault(said["outcomeId"], said)
    return _in_time(found.values())


def _in_time(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(sorted(outcomes, key=lambda said: str(said["time"])))


def is_pending(intent: Mapping[str, Any], state: OrderState) -> bool:
    """Whether what stands behind the committed offset is still to be carried out: offsets are committed a moment after
    the outcome was said."""
    return intent.get("kind") != IntentKind.SIGNAL and judge(intent, state, state.watermark) is Verdict.ACCEPT


def _newest(
    log: Log, settings: Settings, order_id: str, topic_id: str, state: OrderState, history: Iterable[Outcome]
) -> tuple[InputRecord | None, Stage]:
    """The order's newest record that says something of it, and how far it came."""
    topics = settings.topics
    coming = [
        item
        for item in records_of(log, settings, order_id, _left(log, settings, topics.work_orders))
        if item.change and is_pending({"source": item.source(topic_id).model_dump(by_alias=True)}, state)
    ]
    if coming:
        return _last(coming), Stage.NOT_PLANNED
    intents = topics.name("ticket_intents")
    mine, left = partitions_of(log, intents, [order_id]), _left(log, settings, intents)
    planned = [
        orjson.loads(record.value)
        for record in log.read(intents, start={p: left[p] for p in mine})
        if record.key == order_id.encode() and record.value is not None
    ]
    pending = [intent["source"] for intent in planned if is_pending(intent, state)]
    if pending:
        return _at(log, settings, order_id, pending[-1]), Stage.NOT_CARRIED_OUT
    standing = standing_of(state)
    sources = [standing.source] if standing is not None else [said["source"] for said in history]
    if sources:
        return _at(log, settings, order_id, sources[-1]), Stage.DECIDED
    return _last(records_of(log, settings, order_id)), Stage.DECIDED


def _last(records: Iterable[InputRecord]) -> InputRecord | None:
    """By time: an upstream that keys an order's records otherwise than before has them in two partitions."""
    return max(records, key=lambda item: (item.logged.timestamp_ms or 0, item.logged.offset), default=None)


def _left(log: Log, settings: Settings, topic: str) -> dict[int, int]:
    """Partition → the offset from which the workers have not read on; the beginning where they never did."""
    return {p: offset or 0 for p, offset in log.committed(settings.kafka.group_id, topic).items()}


def _at(log: Log, settings: Settings, order_id: str, source: Mapping[str, Any]) -> InputRecord | None:
    """None where the topic no longer holds it, or holds another order's there since it was made again."""
    found = records_at(log, settings, {source["partition"]: [source["offset"]]})
    return next((item for item in list(found) if item.order_id == order_id), None)
