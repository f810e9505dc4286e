"""``willow-sync.outcomes``: what became of each input record (contract §5)."""

import hashlib
import uuid
from datetime import datetime
from enum import StrEnum

from schemas.base import Record
from schemas.source import EntityType, Source

_NAMESPACE = uuid.UUID("6f1d7a52-5d0c-4a54-9a9c-3f0f6b3f3b11")


class OutcomeKind(StrEnum):
    """All are final but ``parked``. The last two are a shadow's (``worker --shadow``), for ``created`` and
    ``updated``."""

    CREATED = "created"
    UPDATED = "updated"
    ADOPTED = "adopted"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    DEAD_LETTERED = "dead_lettered"
    PARKED = "parked"
    WOULD_CREATE = "would_create"
    WOULD_UPDATE = "would_update"


class Reason(Record):
    """``code`` is one of docs/reasons.md; the message names the values at hand; the remedy says what can be done."""

    code: str
    message: str
    remedy: str


class Outcome(Record):
    outcome_id: str
    work_order_id: str | None
    entity_type: EntityType | None
    outcome: OutcomeKind
    final: bool
    reason: Reason | None = None
    ticket_id: str | None = None
    twin_id: str | None = None
    changed: list[str] = []
    warnings: list[str] = []
    waiting_for: list[str] = []
    source: Source
    replay_id: str | None = None
    superseded_by: Source | None = None
    attempts: int = 0
    http_status: int | None = None
    willow_ms: float | None = None
    end_to_end_ms: float | None = None
    time: datetime


def outcome_id_of(topic: str, partition: int, offset: int, final: bool, replay_id: str | None) -> str:
    """The same record gives the same id for ever: uuid5 of topic, partition, offset, parked|final, replay id."""
    name = f"{topic}\n{partition}\n{offset}\n{'final' if final else 'parked'}\n{replay_id or ''}"
    # What uuid.uuid5 gives, at a third of its price: an outcome is made for every record.
    digest = hashlib.sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()
    text = digest.hex()
    variant = "89ab"[digest[8] >> 4 & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
