"""Which offset of a partition may be committed, whatever the order in which its records are done."""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class _Partition:
    __slots__ = ("done", "next", "pending", "reported", "unreached")

    def __init__(self, start: int) -> None:
        #: Offset of the next record to be taken; before the first it is the position that was read from.
        self.next = start
        self.pending: deque[int] = deque()
        self.unreached: deque[int] = deque()
        self.done: set[int] = set()
        self.reported = start

    @property
    def committable(self) -> int:
        return self.pending[0] if self.pending else self.next


class Ledger(Generic[P]):
    """Every record that was read of the assigned partitions, from its reading to its end (I7).

    It counts from the position that was sought, and each record read after it holds the commit until it is done: one
    that gets lost on its way to the agents holds it too, and so comes again. ``P`` names a partition."""

    def __init__(self) -> None:
        self._partitions: dict[P, _Partition] = {}

    def open(self, partition: P, start: int) -> None:
        """Count from this position; a partition that is open already goes on as it is."""
        self._partitions.setdefault(partition, _Partition(start))

    def close(self) -> None:
        """The partitions leave: what is not done is another owner's, and no more is taken or committed."""
        self._partitions.clear()

    def position(self, partition: P) -> int | None:
        """Offset of the next record to be taken; None if the partition is not open."""
        found = self._partitions.get(partition)
        return None if found is None else found.next

    def take(self, partition: P, offset: int) -> bool:
        """A record was read. False if it is none of ours, or was taken before: it must not be worked on."""
        found = self._partitions.get(partition)
        if found is None or offset < found.next:
            return False
        found.pending.append(offset)
        found.unreached.append(offset)
        found.next = offset + 1
        return True

    def reach(self, partition: P, offset: int) -> int | None:
        """The record is where it is worked on. What is read of a partition stays in order: returns the offset of a
        record before it that never got there, if there is one."""
        found = self._partitions.get(partition)
        if found is None or not found.unreached or offset < found.unreached[0]:
            return None
        first = found.unreached.popleft()
        return None if first == offset else first

    def finish(self, partition: P, offset: int) -> list[int]:
        """The record's outcome is durable; returns the offsets that nothing before them holds up any more, in order."""
        found = self._partitions.get(partition)
        if found is None or not found.pending or offset < found.pending[0]:
            return []
        found.done.add(offset)
        passed: list[int] = []
        while found.pending and found.pending[0] in found.done:
            passed.append(found.pending.popleft())
            found.done.discard(passed[-1])
        return passed

    def standing(self) -> list[tuple[P, int]]:
        """Partition and the offset before which all is done."""
        return [(partition, found.committable) for partition, found in self._partitions.items()]

    def committable(self) -> list[tuple[P, int]]:
        """Partition and offset to commit, for those that came on since they were last ``reported``."""
        return [
            (partition, found.committable)
            for partition, found in self._partitions.items()
            if found.committable > found.reported
        ]

    def reported(self, partition: P, offset: int) -> None:
        """The broker has this commit."""
        found = self._partitions.get(partition)
        if found is not None:
            found.reported = max(found.reported, offset)
