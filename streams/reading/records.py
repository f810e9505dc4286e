"""Records of the work order topic: those of one order, and those at given offsets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schemas.identity import TICKET_URN
from schemas.source import Source
from streams.planning.decode import Change, NotAChange, Undecodable, decode_work_order
from streams.planning.places import newest_value
from streams.planning.plan import changed_at
from streams.reading.log import Log, Logged
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class InputRecord:
    """A record of the input and what it says."""

    logged: Logged
    said: Change | NotAChange | Undecodable

    @property
    def order_id(self) -> str | None:
        return self.said.order_id_guess if isinstance(self.said, Undecodable) else self.said.order_id

    @property
    def change(self) -> Change | None:
        return self.said if isinstance(self.said, Change) else None

    @property
    def named_tickets(self) -> list[str]:
        """Tickets that the order's own identities name."""
        return newest_value(self.change.record.get("identities"), TICKET_URN) if self.change is not None else []

    def source(self, topic_id: str | None) -> Source:
        """Its coordinates, as the planner writes them."""
        record = self.logged
        carried = self.said.record if isinstance(self.said, Change) else {}
        return Source(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            changed_at=changed_at(carried, record.timestamp_ms),
            topic_id=topic_id,
        )


def opened(record: Logged, settings: Settings) -> InputRecord:
    form = settings.input_format.work_orders
    return InputRecord(record, decode_work_order(record.key, record.value, record.headers, form))


def records_at(log: Log, settings: Settings, wanted: Mapping[int, Iterable[int]]) -> Iterator[InputRecord]:
    """The records at these offsets (by partition) that the topic still holds. Raises ReadFailed."""
    for record in log.read_at(settings.topics.work_orders, wanted):
        yield opened(record, settings)


def records_of(
    log: Log, settings: Settings, order_id: str, start: Mapping[int, int] | None = None
) -> Iterator[InputRecord]:
    """The order's records from ``start`` (partition → offset; None: the beginning) on. Its key is the upstream's
    choice, so every partition is read. Raises ReadFailed."""
    # Decoding a large topic takes minutes; a plain id stands in each record of the order as it is, others are escaped.
    plain = order_id.isascii() and not set(order_id) & set('"\\/')
    needle = order_id.encode() if plain else b""
    for record in log.read(settings.topics.work_orders, start=start):
        if needle in (record.key or b"") or needle in (record.value or b""):
            found = opened(record, settings)
            if found.order_id == order_id:
                yield found
