"""Work orders and their histories, with what must become of each record."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.records import UNAVAILABLE, Calendar, Document, as_json, relates_to, work_order
from tests.simulation.clock import EPOCH
from tests.simulation.scenario import Record
from tests.simulation.willow import REFUSED_WORD

SYNCED = frozenset({"created", "updated", "adopted", "unchanged", "superseded"})
STATUSES = ("Open", "In Progress", "Closed")

#: What a partial record may leave out; a needed one is filled from the order's last decision.
LEFT_OUT = ("summary", "description", "jobPriority", "jobStatus", "relatesTo")


class Orders:
    """Makes records one after the other, in the order in which they will be produced. ``cause`` counts them, so that
    Willow's record shows which one a write was made of."""

    def __init__(self) -> None:
        self._calendar = Calendar(datetime.fromtimestamp(EPOCH, UTC) - timedelta(hours=12))
        self._count = 0
        self._dates: dict[str, str] = {}

    def _fields(self, order_id: str, **fields: Any) -> Document:
        self._count += 1
        marks = {"problemDescription": f"v{self._count:04}", "summary": f"summary {self._count} of {order_id}"}
        self._dates[order_id] = self._calendar.next()
        return work_order(order_id, self._dates[order_id], **{**marks, **fields})

    def change(self, order_id: str, *, without: tuple[str, ...] = (), blank: bool = False, **fields: Any) -> Record:
        """A change that is synced. ``without`` leaves fields out, or (``blank``) sends them as unavailable."""
        whole = self._fields(order_id, **fields)
        told = {name: value for name, value in whole.items() if name not in without}
        sent = {**told, **dict.fromkeys(without, UNAVAILABLE)} if blank else told
        return Record(order_id, as_json(sent), SYNCED, told)

    def stale(self, order_id: str) -> Record:
        """Older than what came before it."""
        newest = datetime.fromisoformat(self._dates[order_id].replace("Z", "+00:00"))
        self._count += 1
        older = (newest - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        document = work_order(order_id, older, problemDescription=f"v{self._count:04}", summary="stale")
        return Record(order_id, as_json(document), frozenset({"stale", "superseded"}))

    def delete(self, order_id: str) -> Record:
        return Record(order_id, None, frozenset({"deleted_kept", "deleted_untracked", "superseded"}))

    def control(self, order_id: str) -> Record:
        return Record(order_id, as_json({"op": "m", "message": {"prefix": "x"}}), frozenset({"not_a_change"}))

    def poison(self, order_id: str) -> Record:
        return Record(order_id, b"{no json", frozenset({"undecodable"}))

    def outside(self, order_id: str) -> Record:
        document = self._fields(order_id, relatesTo=relates_to("BLDG9"))
        return Record(order_id, as_json(document), frozenset({"outside_selected_sites", "superseded"}))

    def waiting(self, order_id: str, entity_id: str, *, for_ever: bool = False) -> Record:
        """Relates to an entity that is not known yet."""
        document = self._fields(order_id, relatesTo=relates_to(entity_id))
        return Record(order_id, as_json(document), SYNCED, document, may_wait=for_ever)

    def refused(self, order_id: str) -> Record:
        """Willow refuses its summary, which it needs."""
        document = self._fields(order_id, summary=f"{REFUSED_WORD} things")
        return Record(order_id, as_json(document), frozenset({"invalid", "superseded"}), document)

    def partly_refused(self, order_id: str) -> Record:
        """Willow refuses its description, which is left out then."""
        return self.change(order_id, description=f"{REFUSED_WORD} words")


def history(orders: Orders, order_id: str, length: int) -> Iterator[Record]:
    """A plain one: created, changed, changed."""
    for number in range(length):
        yield orders.change(order_id, jobStatus=STATUSES[number % len(STATUSES)])
