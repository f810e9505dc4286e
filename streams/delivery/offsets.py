"""Acknowledge in offset order whatever the order of completion: the commit watermark of one partition."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """A record that is in work. ``done`` is set once its outcome, identity and state are durable (I7)."""

    __slots__ = ("done", "record", "size")

    def __init__(self, record: T, size: int) -> None:
        self.record, self.size, self.done = record, size, False


class Watermark(Generic[T]):
    """The records of one partition in offset order; hands back, in order, those that may be acknowledged."""

    def __init__(self) -> None:
        self._slots: deque[Slot[T]] = deque()

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, record: T, size: int = 0) -> Slot[T]:
        slot = Slot(record, size)
        self._slots.append(slot)
        return slot

    def finish(self, slot: Slot[T]) -> list[Slot[T]]:
        """Mark one as done; returns the finished ones at the head, in offset order."""
        slot.done = True
        passed: list[Slot[T]] = []
        while self._slots and self._slots[0].done:
            passed.append(self._slots.popleft())
        return passed

    def clear(self) -> list[Slot[T]]:
        """Give all up (the partition leaves): they are delivered again to its next owner."""
        given_up = list(self._slots)
        self._slots.clear()
        return given_up
