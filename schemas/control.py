"""What operators tell all workers, on ``willow-sync.create-claims`` (internal): every worker follows it whole."""

from datetime import datetime
from enum import StrEnum

from schemas.base import Record

#: The one key under which it stands, on partition 0. No claim has a key without ``|``.
PAUSE_KEY = b"!pause"
PAUSE_PARTITION = 0


TAKEN_OVER_KEY = b"!taken-over/"
"""Then the instance; on each partition of its own."""


class TakenOver(Record):
    """The tickets that an instance had already are written down as candidates, as far as they belong to orders of this
    partition: creates may begin."""

    instance: str
    at: datetime


GAP_KEY = b"!gap/"
"""Then group, topic, partition and first missing offset."""


class GapAccepted(Record):
    """Records that were deleted before a group had read them, and without which an operator let it go on
    (``worker --accept-gap``). What they said is not in Willow, unless a later record of the order says it."""

    group: str
    topic: str
    partition: int
    first_missing: int
    resumed_at: int
    """Offset of the first record that is still there."""
    at: datetime


class PauseState(StrEnum):
    PAUSED = "paused"
    RESUMED = "resumed"


class PauseControl(Record):
    """Whether the workers may call Willow; the newest record counts, and compaction keeps it. ``resumed`` also
    releases each brake that was pulled before it was read. It is never deleted: a tombstone would be no word at all
    to a worker that starts later."""

    state: PauseState
    at: datetime
    """The operator's clock; the log's order decides, not this."""
    by: str
    """``user@host``."""
    note: str | None = None
