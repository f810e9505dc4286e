"""What the demo shows while it plays: a live board on a terminal, plain lines elsewhere; always on stderr."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table

PLAIN_INTERVAL = 5.0
"""Seconds between two lines of figures where no terminal is."""
_EVENTS = 8


@dataclass(slots=True)
class Board:
    """The figures at this moment."""

    total: int = 0
    """Changes that will be sent."""
    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Final outcomes by kind, each record once."""
    waiting: int = 0
    """Records that are parked now."""
    tickets: int = 0
    calls: int = 0

    def line(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.outcomes.items()))
        return (
            f"records {self.sent} of {self.total} · tickets {self.tickets} · parked now {self.waiting} · "
            f"final outcomes {self.outcomes.total()}{f' ({kinds})' if kinds else ''}"
        )


class Show(Protocol):
    def event(self, text: str) -> None:
        """Something happened that the reader should know of."""

    def update(self, board: Board) -> None:
        """New figures; called many times a second."""


class PlainShow:
    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._start = self._shown = clock()
        self._last = ""

    def event(self, text: str) -> None:
        self._console.print(f"{self._clock() - self._start:5.1f} s  {text}", highlight=False, soft_wrap=True)

    def update(self, board: Board) -> None:
        line = board.line()
        if self._clock() - self._shown >= PLAIN_INTERVAL and line != self._last:
            self._shown, self._last = self._clock(), line
            self.event(line)


class LiveShow:
    def __init__(self, live: Live, clock: Callable[[], float] = time.monotonic) -> None:
        self._live = live
        self._clock = clock
        self._start = clock()
        self._board = Board()
        self._events: deque[tuple[float, str]] = deque(maxlen=_EVENTS)

    def event(self, text: str) -> None:
        self._events.append((self._clock() - self._start, text))
        self._live.update(self._render())

    def update(self, board: Board) -> None:
        self._board = board
        self._live.update(self._render())

    def _render(self) -> RenderableType:
        board = self._board
        bar = ProgressBar(total=max(board.total, 1), completed=board.sent, width=40)
        figures = Table.grid(padding=(0, 2))
        figures.add_row("records in", bar, f"{board.sent} of {board.total}")
        figures.add_row("Willow", f"{board.tickets} tickets", f"{board.calls} calls")
        figures.add_row("parked now", f"[yellow]{board.waiting}[/]", "")
        outcomes = Table.grid(padding=(0, 2))
        for kind, count in sorted(board.outcomes.items()):
            outcomes.add_row(kind, f"[bold]{count}[/]")
        events = Table.grid(padding=(0, 2))
        for at, text in self._events:
            events.add_row(f"[dim]{at:5.1f} s[/]", text)
        return Panel(
            Group(figures, "", outcomes, "", events),
            title=f"willow-sync demo · {self._clock() - self._start:.0f} s",
            border_style="cyan",
        )


@contextmanager
def showing(console: Console) -> Iterator[Show]:
    """The show that suits the console."""
    if not console.is_terminal:
        yield PlainShow(console)
        return
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        yield LiveShow(live)
