"""Processor time of another process: the figure that a busy machine changes least."""

import os
import time
from collections.abc import Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float | None:
    """User and system time of all its threads so far; None where there is no /proc, or no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name may hold spaces and brackets: only what follows the last bracket is regular.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class ProcessorMeter:
    """Samples taken while a process works, and what it used between two instants of ``clock``."""

    def __init__(
        self,
        pid: int,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[int], float | None] = processor_seconds,
    ) -> None:
        self._pid, self._clock, self._read = pid, clock, read
        self._samples: list[tuple[float, float]] = []

    def sample(self) -> None:
        used = self._read(self._pid)
        if used is not None:
            self._samples.append((self._clock(), used))

    def used(self, start: float, end: float) -> float | None:
        """Seconds of processor time between two instants; None if no samples surround them."""
        at_start, at_end = self._at(start), self._at(end)
        return None if at_start is None or at_end is None else at_end - at_start

    def _at(self, instant: float) -> float | None:
        for (before, used), (after, more) in zip(self._samples, self._samples[1:], strict=False):
            if before <= instant <= after:
                return used + (more - used) * (instant - before) / (after - before)
        return None
