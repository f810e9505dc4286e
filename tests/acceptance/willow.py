"""Willow for the scenarios: the emulator in a thread of its own, and what goes wrong with it."""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ops.emulator import Answer, Behaviour, Call, Emulator, FixedLatency, Kind, Lists, Perform

T = TypeVar("T")

_SILENCE_SECONDS = 300.0
"""Longer than a scenario takes."""

_ANSWER_SECONDS = 20.0
"""The emulator answers at once; only a machine that hangs is slower."""


class Scripted:
    """Behaves as ``now`` says, which a scenario may change at any time, and counts creates under way."""

    def __init__(self) -> None:
        self.now: Behaviour = FixedLatency()
        self.creates_under_way = 0

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        creating = call.operation == "put_ticket"
        self.creates_under_way += creating
        try:
            return await self.now(call, perform)
        finally:
            self.creates_under_way -= creating


@dataclass(slots=True)
class Storm:
    """The next ``left`` ticket calls go wrong, each in another way; some are carried out all the same."""

    rng: random.Random
    left: int

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if self.left <= 0 or not call.operation.endswith("_ticket"):
            return perform()
        self.left -= 1
        answer, committed = self.rng.choice(_WEATHER)
        if committed:
            perform()
        return answer


@dataclass(slots=True)
class Silent:
    """Carries out what it is asked, and never answers a call whose body holds this text."""

    text: bytes
    carried_out: int = 0

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        answer = perform()
        if self.text in call.body:
            self.carried_out += 1
            await asyncio.sleep(_SILENCE_SECONDS)
        return answer


_PLAIN = {"Content-Type": "text/plain"}
_WEATHER = (
    (Answer(500, b"", {}), False),
    (Answer(503, b"Service Unavailable", _PLAIN), False),
    (Answer(429, b"Too many requests", _PLAIN), False),
    (Answer(429, b"Too many requests", {**_PLAIN, "Retry-After": "1"}), False),
    (Answer(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}), True),
)
"""Answer, and whether Willow did what it was asked."""


class Willow:
    """An emulator that starts with ``start`` and ends with ``close``. ``journal`` is its NDJSON file."""

    def __init__(self, journal: Path, lists: Lists | None = None, twins: Iterable[str] | None = None) -> None:
        self.journal = journal
        self.script = Scripted()
        self._emulator = Emulator(journal=journal, lists=lists, twins=twins, behaviour=self.script)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="willow", daemon=True)

    def start(self, port: int = 0) -> None:
        """Port 0 takes any free one."""
        self._thread.start()
        self._run(self._emulator.start(port=port))

    @property
    def base_url(self) -> str:
        return self._emulator.base_url

    def ask(self, question: Callable[[Emulator], T]) -> T:
        """Asked in the emulator's own thread: its tickets can't change meanwhile."""

        async def answered() -> T:
            return question(self._emulator)

        return self._run(answered())

    def ticket(self, order_id: str) -> Mapping[str, Any] | None:
        """The fields of the order's one ticket."""
        found = self.ask(lambda emulator: emulator.tickets.with_external_ids([order_id]))
        assert len(found) <= 1, f"{order_id} has {len(found)} tickets"
        return found[0].fields if found else None

    def add_ticket(self, **fields: Any) -> str:
        """A ticket that somebody made in Willow; returns its id."""

        def add(emulator: Emulator) -> str:
            status = emulator.lists.id_of(Kind.STATUSES, "Resolved")
            needed = {"summary": "Made in Willow", "twinId": "TW-AHU1", "statusId": status}
            return emulator.tickets.create({**needed, **fields}, 0).id

        return self.ask(add)

    def change_ticket(self, ticket_id: str, **fields: Any) -> None:
        """What somebody changed in Willow."""

        def change(emulator: Emulator) -> None:
            ticket = emulator.tickets.get(ticket_id)
            assert ticket is not None, f"there is no ticket {ticket_id}"
            emulator.tickets.change(ticket, fields, 0)

        self.ask(change)

    def remove_ticket(self, ticket_id: str) -> None:
        """What somebody deleted in Willow."""

        def remove(emulator: Emulator) -> None:
            ticket = emulator.tickets.get(ticket_id)
            assert ticket is not None, f"there is no ticket {ticket_id}"
            emulator.tickets.remove(ticket)

        self.ask(remove)

    def calls(self, operation: str) -> int:
        """How often it was asked this, whatever the answer."""
        return self.ask(
            lambda emulator: sum(n for (name, _), n in emulator.journal.counts.items() if name == operation)
        )

    def close(self) -> None:
        """Also when it never started."""
        if self._thread.is_alive():
            self._run(self._emulator.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_ANSWER_SECONDS)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_SECONDS)
