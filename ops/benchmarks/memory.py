"""Memory of another process, and whether it grows."""

import resource
from collections.abc import Callable
from pathlib import Path
from statistics import median

_MIB = 2**20


def resident_mib(process: int | str = "self") -> float | None:
    """Resident memory now; None where there is no /proc, or no such process. ``process``: its number, or ``self``."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize() / _MIB


class MemoryMeter:
    """Samples taken while a process works."""

    def __init__(self, pid: int, read: Callable[[int], float | None] = resident_mib) -> None:
        self._pid, self._read = pid, read
        self._samples: list[float] = []

    def sample(self) -> None:
        used = self._read(self._pid)
        if used is not None:
            self._samples.append(used)

    @property
    def peak(self) -> float:
        """MiB. Raises ValueError if there are no samples."""
        return max(self._samples)

    def thirds(self) -> tuple[float, float]:
        """MiB: the medians of the first and of the last third of the samples. Raises ValueError for less than three."""
        size = len(self._samples) // 3
        if not size:
            raise ValueError(
                f"{len(self._samples)} samples of memory; expected three at least, and a system with /proc"
            )
        return median(self._samples[:size]), median(self._samples[-size:])
