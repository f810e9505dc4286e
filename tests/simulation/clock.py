"""Virtual time, and processes in it: an event loop that never waits, and whose callbacks belong to a process.

Every callback runs in a context, and a context names its process. Killing a process drops its callbacks: nothing of
it runs any more, no ``finally`` and no ``except``, as after a SIGKILL. Freezing holds them until it is thawed, as
SIGSTOP does, while the world goes on.
"""

import asyncio
import heapq
import itertools
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVarTuple

Ts = TypeVarTuple("Ts")

#: 2026-11-02T09:00:00Z: where epoch time begins in each run.
EPOCH = 1_793_610_000.0


class Stalled(Exception):
    """Nothing is scheduled: whoever still waits would wait for ever."""


class Process:
    """One worker process. ``died`` are called, in the world, when it is killed; ``froze`` and ``thawed`` likewise."""

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.name, self._loop = name, loop
        self.alive, self.frozen = True, False
        self.held: list[events.Handle] = []
        self.died: list[Callable[[], None]] = []
        self.froze: list[Callable[[], None]] = []
        self.thawed: list[Callable[[], None]] = []
        self._context = copy_context()
        self._context.run(CURRENT.set, self)

    def call(self, callback: Callable[..., object], *args: Any) -> None:
        """Run a callback in the process: what the world has for it (an answer, an acknowledgement) comes this way."""
        if self.alive:
            self._loop.call_soon(callback, *args, context=self._context)

    def spawn(self, work: Coroutine[Any, Any, object]) -> "asyncio.Task[object]":
        return self._loop.create_task(work, context=self._context.copy())

    def kill(self) -> None:
        if self.alive:
            self.alive = False
            self.held.clear()
            for callback in self.died:
                callback()

    def freeze(self) -> None:
        if self.alive and not self.frozen:
            self.frozen = True
            for callback in self.froze:
                callback()

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            self._loop.take_up(self.held)
            self.held = []
            for callback in self.thawed:
                callback()


CURRENT: ContextVar[Process | None] = ContextVar("process", default=None)


def current() -> Process:
    """The process whose code runs now."""
    process = CURRENT.get()
    assert process is not None, "not called by a worker"
    return process


def _may_run(handle: "_Handle | _TimerHandle") -> bool:
    process = handle._context.get(CURRENT)
    if process is None:
        return True
    if process.frozen:
        process.held.append(handle)
    return process.alive and not process.frozen


class _Handle(events.Handle):
    _context: Context

    def _run(self) -> None:
        if _may_run(self):
            super()._run()


class _TimerHandle(events.TimerHandle):
    _context: Context
    _scheduled: bool

    def _run(self) -> None:
        if _may_run(self):
            super()._run()


class _Task(asyncio.Task[Any]):
    """Hashed by a number: sets of tasks are walked through in the same order in each run."""

    def __init__(self, *args: Any, number: int, **kwargs: Any) -> None:
        self._number = number
        super().__init__(*args, **kwargs)
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """Whenever nothing is ready, time jumps to the next timer."""

    # asyncio's own: what is to run now, and the heap of timers.
    _ready: deque[events.Handle]
    _scheduled: list[events.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self
        self._numbers = itertools.count(1)
        self._tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self._now

    def epoch(self) -> float:
        """Seconds since 1970, as a worker's wall clock shows them."""
        return EPOCH + self._now

    def _make_task(self, loop: Any, work: Any, **options: Any) -> "asyncio.Task[Any]":
        task = _Task(work, loop=loop, number=next(self._numbers), **options)
        self._tasks.append(task)
        if len(self._tasks) > 4096:
            self._tasks = [task for task in self._tasks if not task.done()]
        return task

    # What asyncio's base loop asks of a selector.
    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stalled(f"at {self._now:.3f} s nothing is left that could ever happen")
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        return None

    def _write_to_self(self) -> None:
        return None

    def _call_soon(self, callback: Any, args: Any, context: Context | None) -> events.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> events.Handle:
        return self._call_soon(callback, args, context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> events.TimerHandle:
        timer = _TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> events.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def take_up(self, handles: list[events.Handle]) -> None:
        """Callbacks that were held, in the order in which they would have run."""
        self._ready.extend(handles)

    def end(self) -> None:
        """Close what is left without running it: the coroutines of dead processes would complain when collected."""
        for task in self._tasks:
            if not task.done():
                _close(task.get_coro())
        self._tasks.clear()
        self._ready.clear()
        self._scheduled.clear()
        self.close()


def _close(work: Any) -> None:
    try:
        work.close()
    except (RuntimeError, asyncio.CancelledError):
        # It awaits in a ``finally``; the process it belonged to is dead.
        return
