"""Where a record came from: the coordinates that every intent, outcome and dead letter carries."""

from datetime import datetime
from enum import StrEnum

from schemas.base import Record


class EntityType(StrEnum):
    """Mapped's entity type of an order."""

    WORK_ORDER = "WORK_ORDER"
    SERVICE_REQUEST = "SERVICE_REQUEST"


class Source(Record):
    """The coordinates of an input record. ``changed_at`` is its ``dateUpdated``, else its Kafka timestamp (UTC)."""

    topic: str
    partition: int
    offset: int
    changed_at: datetime | None = None
    topic_id: str | None = None
    """Kafka's own id of the topic: a topic that was deleted and made again starts a new log."""
