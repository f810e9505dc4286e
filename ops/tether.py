"""Starts a program so that it cannot outlive the process that started it.

``subprocess.Popen(tethered(["java", ...]))``: on Linux the kernel sends SIGKILL to the program when its
starter ends, however it ends (SIGKILL, a crash, a closed terminal). Elsewhere it is started as it is.
The pid is the program's own. The kernel watches the *thread* that started it: it must live as long as the
program shall.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
"""From ``linux/prctl.h``."""


def tethered(command: Sequence[str]) -> list[str]:
    """The command line that runs ``command`` tied to the calling process, which must be its starter."""
    # A launcher, not preexec_fn: that can deadlock in a process with threads, and Kafka clients have threads.
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), *command]


def _run(parent: int, command: Sequence[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The starter may have died before the line above took effect: then no signal will ever come.
        if os.getppid() != parent:
            sys.exit(f"not started: process {parent}, which asked for it, is gone")
    os.execvp(command[0], list(command))


if __name__ == "__main__":
    _run(int(sys.argv[1]), sys.argv[2:])
