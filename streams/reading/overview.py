"""How the deployment stands, for ``status`` and the console: from the topics, and what only a worker knows."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from confluent_kafka import KafkaException

from streams.delivery.outcomes import instant
from streams.delivery.state import OrderState
from streams.kafka.admin import REQUEST_TIMEOUT, wait_for_broker
from streams.planning.places import Selection
from streams.reading.log import Log, Watch, unwatched
from streams.reading.states import is_waiting, order_states, read_bindings, read_twins
from streams.settings import Settings
from streams.tables.twins import TwinTable


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition that the group reads. ``committed`` None: it never committed there, and begins at its start."""

    topic: str
    partition: int
    committed: int | None
    end: int
    records: int


@dataclass(frozen=True, slots=True)
class Site:
    """A selected site. ``entity_id`` None: the twin table does not hold it."""

    selected: str
    entity_id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    state: str
    members: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts of now; ``oldest_unsynced_seconds`` is None when every record of the input was carried out or parked."""

    group: Group
    lag: tuple[Lag, ...]
    oldest_unsynced_seconds: float | None
    orders: int
    parked: dict[str, int]
    """Reason code → orders; those in doubt apart."""
    oldest_parked: str | None
    in_doubt: int
    left: int
    """Orders with a ticket that no longer qualify."""
    gone: int
    """Orders whose ticket Willow no longer has."""
    tickets: int
    open_claims: int
    entities: int
    entities_with_twin: int
    sites: tuple[Site, ...]
    """Empty where every site is selected."""
    time: str

    @property
    def lag_records(self) -> int:
        return sum(item.records for item in self.lag)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the overview needs of one order: a state is kilobytes, and there may be a million."""

    waits: str | None
    since: float
    left: bool
    gone: bool


def overview_of(settings: Settings, *, watch: Watch = unwatched, clock: Callable[[], float] = time.time) -> Overview:
    """Raises BrokerUnreachable, ReadFailed."""
    topics, now = settings.topics, clock()
    with Log(settings, watch=watch) as log:
        group = _group(settings)
        lag = [item for topic in _followed(settings) for item in _lag(log, settings, topic)]
        oldest = _oldest(log, topics.name("ticket_intents"), topics.work_orders, lag)
        figures = order_states(log, settings, _figures).values()
        bindings, twins = read_bindings(log, settings), read_twins(log, settings)
    waits = Counter(item.waits for item in figures if item.waits is not None)
    since = [item.since for item in figures if item.waits is not None]
    return Overview(
        group=group,
        lag=tuple(lag),
        oldest_unsynced_seconds=None if oldest is None else round(max(0.0, now - oldest), 1),
        orders=len(figures),
        parked={code: count for code, count in sorted(waits.items()) if code != "create_in_doubt"},
        oldest_parked=instant(min(since)) if since else None,
        in_doubt=waits["create_in_doubt"],
        left=sum(item.left for item in figures),
        gone=sum(item.gone for item in figures),
        tickets=len(bindings.identities),
        open_claims=bindings.claims.open_count,
        entities=len(twins),
        entities_with_twin=twins.with_twin,
        sites=tuple(selected_sites(settings, twins)),
        time=instant(now),
    )


def _followed(settings: Settings) -> tuple[str, ...]:
    topics = settings.topics
    return topics.work_orders, topics.name("replans"), topics.name("ticket_intents")


def _lag(log: Log, settings: Settings, topic: str) -> Iterable[Lag]:
    spans = log.spans(topic)
    for partition, offset in sorted(log.committed(settings.kafka.group_id, topic).items()):
        low, end = spans.get(partition, (0, 0))
        yield Lag(topic, partition, offset, end, max(0, end - max(low, offset or 0)))


def _oldest(log: Log, intents: str, work_orders: str, lag: Iterable[Lag]) -> float | None:
    """Epoch seconds of the oldest record that is not carried out yet: the first unread one of each partition."""
    stamps: list[float] = []
    for item in lag:
        if item.records == 0 or item.topic not in (intents, work_orders):
            continue
        for record in log.read_at(item.topic, {item.partition: [item.end - item.records]}):
            stamp = record.timestamp_ms
            if item.topic == intents and record.value is not None:
                # The intent is young; what waits for it is the input's record.
                stamp = orjson.loads(record.value).get("timestampMs") or stamp
            if stamp is not None:
                stamps.append(stamp / 1000)
    return min(stamps, default=None)


def _figures(state: OrderState) -> _Figures:
    waiting = state.waiting if is_waiting(state) else None
    since = waiting.since if waiting is not None else 0.0
    return _Figures(waiting.code if waiting is not None else None, since, state.left is not None, state.gone)


def selected_sites(settings: Settings, twins: TwinTable) -> Iterable[Site]:
    """By name; none where every site is selected."""
    selection = Selection.of(settings.selected_sites)
    for name in sorted(selection.sites or ()):
        entity = name if twins.get(name) is not None else twins.by_twin(name)
        node = twins.get(entity) if entity is not None else None
        yield Site(name, entity, node.name if node is not None else None)


def _group(settings: Settings) -> Group:
    name = settings.kafka.group_id
    admin: Any = wait_for_broker(settings)
    try:
        found = admin.describe_consumer_groups([name], request_timeout=REQUEST_TIMEOUT)[name].result(REQUEST_TIMEOUT)
    except KafkaException as error:
        # Before its first member a group has no coordinator.
        return Group(name, error.args[0].str(), 0)
    return Group(name, found.state.name.lower(), len(found.members))
