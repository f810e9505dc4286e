"""Carries operations out: at once, or later than their request lived."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from ops.emulator.behaviour import Call
from ops.emulator.journal import Entry, Event, Journal
from ops.emulator.operations import Operation, perform
from ops.emulator.problems import Answer, Refusal
from ops.emulator.world import World


class LateWrites:
    """The writes that are still to be carried out. An entry that is in the journal already gets a second one."""

    def __init__(self, journal: Journal, monotonic: Callable[[], float]) -> None:
        self._journal = journal
        self._monotonic = monotonic
        self._waiting: dict[int, tuple[asyncio.TimerHandle, Entry]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, seconds: float, entry: Entry, carry_out: Callable[[], object]) -> None:
        def due() -> None:
            del self._waiting[entry.request]
            try:
                carry_out()
            finally:
                self._tell(entry)

        entry.commit_due_monotonic = self._monotonic() + seconds
        self._waiting[entry.request] = asyncio.get_running_loop().call_later(seconds, due), entry

    def stop(self) -> None:
        """Drops what is not done yet, and says so in the journal."""
        waiting, self._waiting = self._waiting, {}
        for handle, entry in waiting.values():
            handle.cancel()
            self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        # A request that still waits has its entry to come, which will say it: twice would be two writes.
        if entry.answered_monotonic is not None:
            self._journal.append(entry, Event.COMMIT)


class Performing:
    """``Perform`` of one call. ``told`` is Willow's own answer, as soon as there is one."""

    def __init__(
        self, world: World, operation: Operation, call: Call, refuse: Callable[[Refusal], Answer], late: LateWrites
    ) -> None:
        self._world = world
        self._operation = operation
        self._call = call
        self._refuse = refuse
        self._late = late
        self.told: Answer | None = None

    def __call__(self, *, unlisted: float = 0.0) -> Answer:
        call = replace(self._call, unlisted=unlisted) if unlisted > 0 else self._call
        try:
            self.told = perform(self._world, self._operation, call)
        except Refusal as refusal:
            self.told = self._refuse(refusal)
        return self.told

    def later(self, seconds: float) -> None:
        self._late.add(seconds, self._call.entry, self)
