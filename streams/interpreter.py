"""How the worker's Python is set: by measurement, for one process that reads, decides and calls."""

import gc
import sys

#: Python lets a running thread keep the interpreter this long (seconds) when another wants it. The default of 5 ms is
#: added to each hop between the event loop, the producer's and the views' threads; less has them change hands so often
#: that it costs time of its own.
SWITCH_INTERVAL = 0.002

#: The garbage collector's thresholds. Little of what a record leaves behind is a cycle, and with Python's own (700, 10,
#: 10) the search for it took a tenth of the worker's processor time.
GC_THRESHOLDS = (50_000, 20, 100)


def tune() -> None:
    """Once, after the imports: what they made is looked at no more."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
