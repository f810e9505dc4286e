"""The shapes of a portfolio: messages to produce, and what has to come of them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

Row = dict[str, Any]
"""One row of the source's table: column → value, JSONB columns still as objects."""

TICKET_PLACEHOLDER = "00000000-0000-4000-8000-000000000000"
"""Stands for a ticket id that only Willow can give; see ``Message.with_ticket``."""


class Feed(StrEnum):
    WORK_ORDERS = "work-orders"
    ENTITIES = "entities"


class Phase(IntEnum):
    """The parts of the demo's day. Late entities are produced before the changes of their phase."""

    SNAPSHOT = 0
    MORNING = 1
    """The third site is known from here on."""
    BUSY = 2
    EVENING = 3
    """The late twins and the late thing are known from here on."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A change before it has a place in the log: the connector turns it into a ``Message``.

    ``op`` is Debezium's ``c u r d``, ``tombstone`` or ``raw`` (``raw_key``, ``raw_value`` as they are)."""

    phase: Phase
    op: str
    case: str
    row: Row = field(default_factory=dict)
    order_id: str | None = None
    allowed: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    raw_key: bytes | None = None
    raw_value: bytes | None = None
    ticket_of: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One record to produce.

    ``allowed`` holds the final outcomes that are right for it: ``created``, or ``skipped/stale`` where the
    reason matters. More than one, because conflation and crashes may choose. Empty: a change must still be
    parked at the end (entities have no outcomes)."""

    feed: Feed
    phase: Phase
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    case: str
    order_id: str | None = None
    allowed: frozenset[str] = frozenset()
    ticket_of: str | None = None
    """Order whose ticket id has to be put in the place of ``TICKET_PLACEHOLDER`` before it is sent."""

    def with_ticket(self, ticket_id: str) -> "Message":
        value = self.value and self.value.replace(TICKET_PLACEHOLDER.encode(), ticket_id.encode())
        return replace(self, value=value, ticket_of=None)


@dataclass(frozen=True, slots=True)
class TicketView:
    """What the ticket must show for one version of its order (contract §4)."""

    changed_at: datetime
    """The version's ``dateUpdated``, which a write of it carries as ``externalUpdatedDate``."""

    summary: str
    description: str | None
    status: str
    """Willow's name of it."""
    twin: str


@dataclass(frozen=True, slots=True)
class ExpectedOrder:
    """``versions`` in log order; the last is what the ticket must show in the end. Empty: no ticket."""

    order_id: str
    case: str
    versions: tuple[TicketView, ...]


@dataclass(frozen=True, slots=True)
class History:
    """An order's drafts in log order, and its expectation."""

    drafts: tuple[Draft, ...]
    expected: ExpectedOrder | None


@dataclass(frozen=True, slots=True)
class Portfolio:
    seed: int
    entities_now: tuple[Message, ...]
    entities_late: tuple[Message, ...]
    changes: tuple[Message, ...]
    """In the order in which they are produced; ``phase`` never falls."""
    twins: tuple[str, ...]
    """Twin ids that Willow knows. One identity of the data names a twin that is not among them."""
    lists: dict[str, Any]
    """Willow's own lists, as ``willow-sync emulator --lists`` reads them."""
    world: dict[str, Any]
    """Models, twins and relationships of the buildings, as ``willow-sync emulator --world`` reads them."""
    settings: dict[str, Any]
    """The settings that belong to the data: ``selected_sites`` and ``enumerations``."""
    expected: dict[str, ExpectedOrder]
