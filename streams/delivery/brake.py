"""The brake: a wrong mapping must not reject a whole portfolio (delivery.md §3). Pure."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from schemas.outcome import OutcomeKind

#: Rejections one after the other that pull it.
IN_A_ROW = 20

#: A quarter of so many newest decisions pulls it too, once there are enough of them to say so.
WINDOW, ENOUGH, QUARTER = 200, 40, 0.25

#: Outcomes that say that Willow took a write, if they name what changed. A deleted order's ticket may be closed, and an
#: order that leaves is ``skipped`` with its ticket closed.
_MAY_HAVE_WRITTEN = frozenset({OutcomeKind.UPDATED, OutcomeKind.ADOPTED, OutcomeKind.SKIPPED})


class Brake:
    """Counts Willow's decisions on our records, one per record that it took or refused.

    What counts as taken is a write: ``created``, or ``updated``, ``adopted`` or (closed) ``skipped`` with something
    changed. What counts as refused is a ``rejected`` for which Willow was called. All else says nothing about our
    mappings, and would only hide a rising share of refusals: ``unchanged``, ``superseded``, ``parked`` and other
    ``skipped`` records, a ticket that was only read, and an order that is rejected again as it was before, without a
    call (``ticket_not_found``).

    ``pulled`` says why, from the moment it is pulled until ``release``. What is still under way then is counted no
    more: it was sent before."""

    def __init__(self) -> None:
        self._newest: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self.pulled: str | None = None

    def decided(self, outcome: Mapping[str, Any]) -> bool:
        """A record's final outcome (contract §5), said once per record. True if this one pulls the brake."""
        refused = _refused(outcome)
        if refused is None or self.pulled is not None:
            return False
        self._newest.append(refused)
        self._in_a_row = self._in_a_row + 1 if refused else 0
        why = self._too_many()
        if why is None:
            return False
        self.pulled = f"{why}; the last: {outcome['workOrderId']}, {(outcome.get('reason') or {}).get('message', '')}"
        return True

    def release(self) -> None:
        """Count anew: what was refused before says nothing about what an operator mended since."""
        self._newest.clear()
        self._in_a_row = 0
        self.pulled = None

    def _too_many(self) -> str | None:
        if self._in_a_row >= IN_A_ROW:
            return f"Willow rejected {self._in_a_row} records in a row"
        refused, all_of_them = sum(self._newest), len(self._newest)
        if all_of_them >= ENOUGH and refused >= QUARTER * all_of_them and self._newest[-1]:
            return f"Willow rejected {refused} of the last {all_of_them} records it decided on"
        return None


def _refused(outcome: Mapping[str, Any]) -> bool | None:
    """None: Willow decided nothing."""
    kind = outcome["outcome"]
    if kind == OutcomeKind.REJECTED:
        return True if outcome["attempts"] else None
    taken = kind == OutcomeKind.CREATED or (kind in _MAY_HAVE_WRITTEN and bool(outcome["changed"]))
    return False if taken else None
