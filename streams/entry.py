"""What ``willow-sync`` starts. Ctrl-C while the command line is still being imported ends it without a word."""

import os
import signal
from types import FrameType

#: The shell's exit code of what Ctrl-C ended.
INTERRUPTED = 130


def at_once(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def main() -> None:
    # A SIGINT that is ignored (nohup, a job in the background) stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, at_once)
    from streams.cli import main as command_line

    command_line()


def interruptible() -> None:
    """The command begins: from here on Ctrl-C is a KeyboardInterrupt, for there may be something to clean up."""
    if signal.getsignal(signal.SIGINT) is at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
