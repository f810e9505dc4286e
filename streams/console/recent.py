"""The newest outcomes that a worker wrote, kept for its console."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.planning.parsing import shown

#: Outcomes that are kept.
KEPT = 50

#: Characters of an id that are kept: a key may be a megabyte.
MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Said:
    """An outcome without its words, which may name people. ``reason`` is its code, ``time`` ISO 8601."""

    time: str
    order_id: str
    outcome: str
    reason: str | None
    ticket_id: str | None


class Recent:
    """At most ``KEPT``; told every outcome that was written."""

    def __init__(self) -> None:
        self._said: deque[Said] = deque(maxlen=KEPT)

    def add(self, outcome: Mapping[str, Any]) -> None:
        reason, ticket = outcome["reason"], outcome["ticketId"]
        self._said.append(
            Said(
                outcome["time"],
                shown(outcome["workOrderId"] or "", MAX_ID),
                outcome["outcome"],
                reason["code"] if reason else None,
                shown(ticket, MAX_ID) if ticket else None,
            )
        )

    @property
    def newest_first(self) -> tuple[Said, ...]:
        return tuple(reversed(self._said))
