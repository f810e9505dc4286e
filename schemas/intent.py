"""``willow-sync.ticket-intents`` (internal): the planner's decision on one record, for the sink to carry out."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from schemas.base import Record
from schemas.outcome import Reason
from schemas.replan import Cause
from schemas.source import EntityType, Source


class IntentKind(StrEnum):
    UPSERT = "upsert"
    DELETE = "delete"
    SKIP = "skip"
    PARK = "park"
    SIGNAL = "signal"
    """A timer of the sink that came back through ``replans``: it carries no decision, only a cause and a result."""


class TwinChoice(Record):
    """One of the equally specific related entities that have a twin; the sink keeps the ticket's present twin
    when it is among them, else takes the first (lowest entity id). ``fields`` are the ticket fields that depend
    on the twin's place: ``categoryId`` and ``serviceNeededId``, present only when their source field was."""

    entity_id: str
    twin_id: str
    site_id: str | None = None
    """The selected site that it lies in: a 403 is judged by site."""
    fields: dict[str, Any] = {}
    warnings: list[str] = []


class Signal(Record):
    """What a timer of the sink wanted (``look_up``, ``read_back``, ``expire``), or an operator (``resolve``,
    ``adopt``), and what came of it."""

    cause: str
    result: dict[str, Any] = {}


class Intent(Record):
    kind: IntentKind
    work_order_id: str
    source: Source
    entity_type: EntityType = EntityType.WORK_ORDER
    cause: Cause | None = None
    """None for a live record; else why it came back through ``replans``."""
    replay_id: str | None = None
    waiting_id: str | None = None
    """As ``Replan.waiting_id``."""
    force: bool = False
    timestamp_ms: int | None = None
    """Kafka timestamp of the input record: end-to-end times count from here."""
    date_updated: datetime | None = None
    """The instant that counts for the stale guard; None where there is none or it lies > 24 h ahead."""
    record: dict[str, Any] = {}
    """The source fields that the record carried, camelCase, JSON-ready: what a fold or a wake-up needs again."""
    missing: list[str] = []
    """Of ``jobStatus`` and ``relatesTo``, those that the record left out: the order's last decision fills them."""
    fields: dict[str, Any] = {}
    """Ticket field (its name in Willow's API) → desired value; null clears; absent means unchanged.
    Fields that depend on the twin are in ``twins``. Of a delete or a skip: what closes the order's ticket, where
    ``on_delete`` or ``on_leave`` asks for it."""
    fallbacks: dict[str, Any] = {}
    """For a create only: values for needed fields that the fold does not hold (a summary is never empty)."""
    twins: list[TwinChoice] = []
    required: list[str] = []
    """Ticket fields that must not be left out when Willow refuses them (required enumerations)."""
    ticket_ids: list[str] = []
    """Tickets that the order's own identities name (``urn:willowinc:ticket:id:…``), newest first."""
    reason: Reason | None = None
    warnings: list[str] = []
    waiting_for: list[str] = []
    """What a parked order waits for, as its outcome names it."""
    watch: list[str] = []
    """Entity ids (and ``twin:<id>`` for sites selected by twin id) whose change plans a parked order again."""
    positions: dict[int, int] = {}
    """Partition of the twin topic → next offset that the planner had not read when it parked the order."""
    signal: Signal | None = None
