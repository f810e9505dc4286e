"""A record as the agents get it, and how it comes through Faust: in runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from faust.types import TP

#: Records of one partition that pass through Faust as one message. Its own handling of a message costs as much as half
#: of the planning of a record; more of them would keep the event loop from the other agents for longer.
RUN_RECORDS = 32


@dataclass(slots=True, eq=False)
class ConsumerRecord:
    """Told apart by identity: one that is delivered again is another."""

    tp: TP
    offset: int
    generation: int
    """The consumer group's when it was delivered."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, Any]]
    """A value may be null."""
    timestamp_ms: int | None
    """Kafka's timestamp."""

    @property
    def topic(self) -> str:
        topic: str = self.tp.topic
        return topic

    @property
    def partition(self) -> int:
        partition: int = self.tp.partition
        return partition

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.value or b"") + len(self.key or b"")


class Records:
    """The records of an agent's stream; Faust acknowledges none of them.

    No generator: one that is left behind in the middle is closed by whoever collects it, in whichever loop."""

    def __init__(self, stream: Any) -> None:
        self._events = stream.noack().events()
        self._run: Iterator[ConsumerRecord] = iter(())

    def __aiter__(self) -> "Records":
        return self

    async def __anext__(self) -> ConsumerRecord:
        while (record := next(self._run, None)) is None:
            self._run = iter((await anext(self._events)).value)
        return record
