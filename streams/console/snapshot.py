"""What a worker is doing at one moment: typed, bounded, read from its memory."""

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING

from streams import __version__
from streams.console.recent import Said
from streams.delivery.outcomes import instant
from streams.delivery.pause import lifted_by
from streams.health import not_ready, oldest_unsynced
from streams.planning.parsing import shown
from streams.planning.reasons import REASONS, general_remedy
from streams.reading.overview import Site, selected_sites

if TYPE_CHECKING:
    from streams.app import SyncApp

#: Entries of a list that are told: a deployment may select a thousand sites, or read a thousand partitions.
MAX_LISTED = 100

#: Characters of a text that are told: a pause quotes Willow's answer.
MAX_TEXT = 1_000

_FILL = "Nothing to do: sent round for the fields that its record leaves out; it goes on by itself."


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause. ``since`` is ISO 8601."""

    cause: str
    detail: str
    since: str
    lifted_by: str


@dataclass(frozen=True, slots=True)
class PartitionLag:
    partition: int
    records: int


@dataclass(frozen=True, slots=True)
class TopicLag:
    """Of the partitions that are this worker's: ``partitions`` are those furthest behind, ``count`` all of them."""

    topic: str
    records: int
    count: int
    partitions: tuple[PartitionLag, ...]


@dataclass(frozen=True, slots=True)
class ParkedCount:
    reason: str
    orders: int
    remedy: str


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    outcome: str
    reason: str | None
    records: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counts are this worker's, of its own partitions; instants are ISO 8601 in UTC."""

    time: str
    started: str
    group_id: str
    willow: str
    """Its address."""
    versions: Mapping[str, str]
    ready: bool
    missing: tuple[str, ...]
    """Why it is not ready, in words."""
    pauses: tuple[Hold, ...]
    lag: tuple[TopicLag, ...]
    oldest_unsynced_seconds: float
    pending_records: int
    """Intents read and not yet acknowledged."""
    in_flight: int
    max_in_flight: int
    token_expires_seconds: float | None
    """None: there is no token yet."""
    parked: tuple[ParkedCount, ...]
    in_doubt: int
    in_doubt_remedy: str
    left: int
    """Orders with a ticket that no longer qualify."""
    outcomes: tuple[OutcomeCount, ...]
    """Since the start, the most frequent first."""
    entities: int
    entities_with_twin: int
    entities_to_read: int
    sites: tuple[Site, ...]
    """Unknown ones first; empty where every site is selected."""
    sites_selected: int
    recent: tuple[Said, ...]
    """The newest outcomes that this worker wrote, newest first."""

    @property
    def lag_records(self) -> int:
        return sum(item.records for item in self.lag)


def snapshot_of(sync: "SyncApp") -> Snapshot:
    """On the event loop: nothing here waits."""
    settings, missing = sync.settings, not_ready(sync)
    sites = sorted(selected_sites(settings, sync.twins), key=lambda site: site.entity_id is not None)
    token = sync.client.token_expires_in
    return Snapshot(
        time=instant(sync.clock()),
        started=instant(sync.started),
        group_id=settings.kafka.group_id,
        willow=settings.willow.base_url,
        versions=_versions(),
        ready=not missing,
        missing=tuple(_some(missing)),
        pauses=tuple(
            Hold(pause.cause, shown(pause.detail, MAX_TEXT), instant(pause.since), lifted_by(pause.cause))
            for pause in sync.breaker.pauses
        ),
        lag=tuple(_lag(sync.app.consumer.lags())),
        oldest_unsynced_seconds=round(oldest_unsynced(sync), 1),
        pending_records=sync.sink_window.records,
        in_flight=sync.calls.in_flight,
        max_in_flight=settings.willow.max_in_flight,
        token_expires_seconds=None if token is None else round(token, 1),
        parked=tuple(_parked(sync.index.parked_by_reason())),
        in_doubt=sync.index.in_doubt,
        in_doubt_remedy=general_remedy("create_in_doubt"),
        left=sync.timers.left,
        outcomes=tuple(_outcomes(sync.metrics.outcomes())),
        entities=len(sync.twins),
        entities_with_twin=sync.twins.with_twin,
        entities_to_read=0 if sync.entities_view.ready else sync.entities_view.lag,
        sites=tuple(sites[:MAX_LISTED]),
        sites_selected=len(sites),
        recent=sync.recent.newest_first,
    )


@cache
def _versions() -> Mapping[str, str]:
    engine = ("faust-streaming", "aiokafka", "confluent-kafka")
    return {"willow-sync": __version__, "python": platform.python_version(), **{name: version(name) for name in engine}}


def _some(texts: list[str]) -> Iterator[str]:
    yield from (shown(text, MAX_TEXT) for text in islice(texts, MAX_LISTED))
    if len(texts) > MAX_LISTED:
        yield f"and {len(texts) - MAX_LISTED} more"


def _lag(lags: Iterable[tuple[tuple[str, str], float]]) -> Iterator[TopicLag]:
    by_topic: dict[str, list[PartitionLag]] = {}
    for (topic, partition), records in lags:
        by_topic.setdefault(topic, []).append(PartitionLag(int(partition), int(records)))
    for topic, found in sorted(by_topic.items()):
        worst = sorted(found, key=lambda item: (-item.records, item.partition))[:MAX_LISTED]
        yield TopicLag(topic, sum(item.records for item in found), len(found), tuple(worst))


def _parked(counts: Mapping[str, float]) -> Iterator[ParkedCount]:
    for code, orders in sorted(counts.items()):
        yield ParkedCount(code, int(orders), general_remedy(code) if code in REASONS else _FILL)


def _outcomes(counts: Mapping[tuple[str, str], int]) -> Iterator[OutcomeCount]:
    for (outcome, code), records in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield OutcomeCount(outcome, code or None, records)
