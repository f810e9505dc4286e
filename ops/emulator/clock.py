"""The emulator's clock: one monotonic and one wall reading, passed in."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """``monotonic`` in seconds (on Linux the machine's CLOCK_MONOTONIC, so processes of one machine can
    compare their readings); ``wall`` an aware UTC datetime."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)

    def instant(self) -> str:
        """The wall time as Willow writes instants: ISO 8601, UTC, ``Z``; here with microseconds."""
        return utc_text(self.wall())


def utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
