"""The demo's child processes: started so that they cannot outlive it, stopped in bounded time."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ops.tether import tethered

STOP_TIMEOUT = 12.0
"""Seconds a child gets after SIGTERM: a worker waits for its creates up to ``willow.request_timeout``."""
_TAIL_BYTES = 4_000


class DemoFailed(Exception):
    """The demo could not be played to its end; ``remedy`` names the log to read."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def willow_sync(*arguments: str) -> list[str]:
    """The command line of one of our own commands, run by this Python: no PATH is searched.

    ``-P`` keeps the working folder out of the import path."""
    code = "from streams.cli import main; main(prog_name='willow-sync')"
    return [sys.executable, "-P", "-c", code, *arguments]


class Child:
    """One process, with its own process group and log file. It may be killed and started again.

    Start it from the main thread: it dies with the thread that started it (``ops.tether``)."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tethered(self._command),
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C on the terminal must end the demo, which ends the rest in order.
                process_group=0,
            )

    def kill(self) -> None:
        """SIGKILL, as a machine that fails."""
        if self._process is not None and self.running:
            self._process.kill()
            self._process.wait()

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """SIGTERM, and SIGKILL after ``timeout`` seconds."""
        self.terminate()
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def terminate(self) -> None:
        """SIGTERM without waiting."""
        if self._process is not None and self.running:
            self._process.terminate()

    def require_running(self) -> None:
        """Raises DemoFailed if it ended by itself."""
        if self._process is not None and not self.running:
            raise DemoFailed(
                f"{self.name} ended by itself with exit code {self._process.returncode}: {self.last_words()}",
                f"read {self.log}",
            )

    def last_words(self) -> str:
        """The last line of its log that is not blank."""
        if not self.log.exists():
            return "(no log)"
        lines = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "(empty log)")


def run_to_end(child: Child, timeout: float) -> None:
    """Starts a command that ends by itself. Raises DemoFailed if it fails or takes longer (seconds)."""
    child.start()
    try:
        wait_until(lambda: not child.running, f"{child.name} to end", timeout, child.log)
    finally:
        child.kill()
    code = child._process.returncode if child._process else None
    if code != 0:
        raise DemoFailed(f"{child.name} failed with exit code {code}: {child.last_words()}", f"read {child.log}")


def wait_until(
    condition: Callable[[], bool],
    what: str,
    timeout: float,
    log: Path,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when ``condition`` holds. Raises DemoFailed after ``timeout`` seconds, with what it awaited."""
    deadline = clock() + timeout
    while not condition():
        if clock() > deadline:
            raise DemoFailed(f"waited {timeout:g} s for {what}, in vain", f"read {log}")
        sleep(0.05)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does, so that what it started is stopped in order."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A second Ctrl-C must not cut the clean-up in two; it is bounded, so nobody has to wait for long."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
