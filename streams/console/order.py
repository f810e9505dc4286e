"""What a worker knows of one order at once: its state, if the order's partition is its own. The whole story needs the
topics, and is `willow-sync explain`'s."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streams.console.recent import Said
from streams.delivery.create import look
from streams.delivery.outcomes import instant
from streams.delivery.state import Waiting
from streams.health import worked_on
from streams.kafka.partitioning import partition_of
from streams.reading.states import waiting_outcome

if TYPE_CHECKING:
    from streams.app import SyncApp


@dataclass(frozen=True, slots=True)
class Told:
    """An outcome of the order in full words."""

    time: str
    outcome: str
    reason: str | None
    message: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Waits:
    """``kind`` as in ``streams.delivery.state.Waiting``; ``behind`` counts later records that wait with it."""

    kind: str
    reason: str | None
    message: str | None
    remedy: str | None
    waiting_for: tuple[str, ...]
    since: str
    behind: int


@dataclass(frozen=True, slots=True)
class OrderView:
    """``elsewhere``: why this worker can't tell, and the rest but ``recent`` says nothing. Instants are ISO 8601."""

    order_id: str
    explain: str
    """The command that tells the whole story."""
    elsewhere: str | None = None
    known: bool = False
    ticket_id: str | None = None
    last: Told | None = None
    """The final outcome of the last applied record."""
    waiting: Waits | None = None
    read_back: str | None = None
    """When the ticket is read, since an update had no answer."""
    left: str | None = None
    """Reason code under which the order, which has a ticket, stopped qualifying."""
    gone: bool = False
    """Willow no longer has the ticket."""
    recent: tuple[Said, ...] = ()


def order_of(sync: "SyncApp", order_id: str) -> OrderView:
    """On the event loop: one read of the local store, as the sink makes for each record."""
    explain = f"willow-sync explain {shlex.quote(order_id)}"
    recent = tuple(said for said in sync.recent.newest_first if said.order_id == order_id)
    partition = partition_of(order_id.encode(), sync.settings.topics.partitions)
    if (elsewhere := _elsewhere(sync, partition)) is not None:
        return OrderView(order_id, explain, elsewhere, recent=recent)
    state, books = sync.orders.read(partition, order_id), sync.books
    seen = look(order_id, books.claims, books.identities, kept=state.ticket_id)
    return OrderView(
        order_id,
        explain,
        known=bool(state.decided or state.waiting or seen.ticket),
        ticket_id=seen.ticket,
        last=None if state.last is None else _told(sync.words(state.last)),
        waiting=None if state.waiting is None else _waits(state.waiting),
        read_back=None if state.read_back is None else instant(state.read_back.due),
        left=state.left,
        gone=state.gone,
        recent=recent,
    )


def _elsewhere(sync: "SyncApp", partition: int) -> str | None:
    # A store that is opened for another's partition would be in that worker's way when it moves here.
    if sync.app.rebalancing:
        return "partitions are moving or their states are being read; ask again in a moment"
    mine = worked_on(sync)
    if partition in mine:
        return None
    listed = ", ".join(map(str, sorted(mine))) or "none"
    return f"the order lies in partition {partition}, which is another worker's (this one has {listed})"


def _told(outcome: Mapping[str, Any]) -> Told:
    return Told(outcome["time"], outcome["outcome"], **_why(outcome))


def _waits(waiting: Waiting) -> Waits:
    said = waiting_outcome(waiting)
    why = {**_why(said), "reason": waiting.code}
    return Waits(
        waiting.kind,
        **why,
        waiting_for=tuple(said["waitingFor"]),
        since=instant(waiting.since),
        behind=len(waiting.behind),
    )


def _why(outcome: Mapping[str, Any]) -> dict[str, str | None]:
    reason = outcome["reason"] or {}
    return {"reason": reason.get("code"), "message": reason.get("message"), "remedy": reason.get("remedy")}
