"""What a worker says of itself: its gauges (contract §9), and why it is not ready."""

from typing import TYPE_CHECKING

from streams.agents.takeover import ready_problems
from streams.planning.rules import Rules

if TYPE_CHECKING:
    from streams.app import SyncApp


def measure(sync: "SyncApp") -> None:
    """Declare the gauges; each is asked for when it is scraped."""
    gauge, by_labels = sync.metrics.gauge, sync.metrics.by_labels
    gauge("in_flight", "Calls to Willow under way.", lambda: sync.calls.in_flight)
    gauge("creates_in_doubt", "Orders of which nobody knows whether a ticket exists.", lambda: sync.index.in_doubt)
    gauge("twin_table_lag_records", "Entities still to be read at start.", lambda: sync.entities_view.lag)
    gauge("left_tickets", "Orders that have a ticket and no longer qualify.", lambda: sync.timers.left)
    gauge("oldest_unsynced_seconds", "Age of the oldest record in work.", lambda: oldest_unsynced(sync))
    gauge("pending_records", "Intents read and not yet acknowledged.", lambda: sync.sink_window.records)
    gauge("token_expires_seconds", "Life left in Willow's token.", lambda: sync.client.token_expires_in or 0.0)
    by_labels(
        "parked",
        "Parked orders by reason.",
        ["reason"],
        lambda: {(code,): count for code, count in sync.index.parked_by_reason().items()},
    )
    by_labels(
        "lag_records", "Records not committed yet.", ["topic", "partition"], lambda: dict(sync.app.consumer.lags())
    )


def oldest_unsynced(sync: "SyncApp") -> float:
    """Age in seconds of the oldest record in work; 0 without one."""
    windows = (sync.sink_window, *sync.planner_windows)
    stamps = [stamp for window in windows if (stamp := window.oldest) is not None]
    return max(0.0, sync.clock() - min(stamps)) if stamps else 0.0


def worked_on(sync: "SyncApp") -> set[int]:
    """The partitions of the intents topic that are this worker's and whose orders it knows."""
    intents = sync.settings.topics.name("ticket_intents")
    return {tp.partition for tp, _ in sync.app.consumer.ledger.standing() if tp.topic == intents}


def not_ready(sync: "SyncApp") -> list[str]:
    """What is not ready yet, in words; empty when all is."""
    views = (sync.entities_view, sync.identities_view, sync.claims_view)
    missing = [f"{view.topic}: {view.lag} records to read" for view in views if not view.ready]
    missing += ready_problems(sync.takeover, worked_on(sync))
    missing += [f"paused ({pause.cause}): {pause.detail}" for pause in sync.breaker.pauses]
    if sync.lists.current is None:
        missing.append(f"Willow's lists were not read: {sync.lists.problem or 'not yet'}")
    if sync.app.rebalancing:
        missing.append("rebalancing")
    if sync.entities_view.ready:
        selection = Rules.of(sync.settings).selection
        missing += [f"selected site {site} is unknown" for site in selection.unknown(sync.twins)]
    return missing
