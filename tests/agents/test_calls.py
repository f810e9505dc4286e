"""The sink's calls against the emulator: the rate as Willow sees it, and what is asked after the wait for it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Answer, Behaviour, Call, Emulator, Kind, Perform
from streams.agents.calls import Calls, Failed, Lease
from streams.delivery.answers import Fault, proves_not_executed
from streams.delivery.lanes import Draining, Lanes
from streams.delivery.outcomes import Effort
from streams.delivery.pause import FIRST_WAIT, LAST_WAIT, LONGEST_ASKED, Breaker
from streams.delivery.rate import SharedRate
from streams.willow import Ticket, WillowClient

SOON = 10.0
"""Seconds after which a test that waits has failed."""

#: Arrivals are as even as this machine's timers; the contract leaves a tenth.
TENTH = 1.1


@dataclass(slots=True)
class Scripted:
    """Answers the calls on tickets with ``answers``, one after the other, and then as it should; ``arrived`` says when
    each came."""

    answers: list[Answer] = field(default_factory=list)
    instead: Behaviour | None = None
    clock: Callable[[], float] = time.monotonic
    arrived: list[float] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    token_asked: asyncio.Event = field(default_factory=asyncio.Event)
    token_comes: asyncio.Event | None = None

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if call.operation == "token" and self.token_comes is not None:
            self.token_asked.set()
            await self.token_comes.wait()
        if "ticket" not in call.operation or call.operation == "list_ticket_statuses":
            return perform()
        self.arrived.append(self.clock())
        self.operations.append(call.operation)
        if self.instead is not None:
            return await self.instead(call, perform)
        return self.answers.pop(0) if self.answers else perform()


class Revoked:
    """The first so many calls are refused with a 401, all at once when the last of them is there."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._all_there = asyncio.Event()

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if self._left <= 0:
            return perform()
        self._left -= 1
        if not self._left:
            self._all_there.set()
        await self._all_there.wait()
        return Answer(401, b"", {})


@dataclass(slots=True)
class Rig:
    emulator: Emulator
    script: Scripted
    calls: Calls
    lanes: Lanes[int]
    breaker: Breaker
    rate: SharedRate
    age: list[float]
    """The lease's age, in seconds; a test may change it."""
    client: WillowClient

    def body(self, order_id: str) -> dict[str, Any]:
        status = self.emulator.lists.id_of(Kind.STATUSES, "Resolved")
        return {"externalId": order_id, "summary": "A fan", "twinId": "TW-AHU1", "statusId": status}

    def update(self, ticket_id: str, changed: dict[str, Any]) -> Coroutine[Any, Any, Ticket]:
        return self.calls.update(ticket_id, changed, Effort(), not_written_down, lambda: None)

    async def create(self, order_id: str, may: Callable[[], bool] = lambda: True) -> str | None:
        """As Tickets does it: again after what proves that nothing was made."""
        while True:
            await self.calls.may_go()
            try:
                made = await self.calls.create(self.body(order_id), Effort(), lambda: may() and self.calls.ready)
            except Failed as failed:
                if failed.fault is not Fault.MOMENT or not proves_not_executed(failed.answer):
                    raise
                continue
            if made is not None:
                return made.id
            if not may():
                return None


async def not_written_down() -> None: ...


@asynccontextmanager
async def rig(
    per_second: float | None = None,
    *,
    slots: int = 8,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Rig]:
    script = Scripted(clock=clock)
    emulator = Emulator(behaviour=script)
    await emulator.start()
    made: list[Calls] = []
    client = WillowClient(
        emulator.base_url,
        DEFAULT_CLIENT_ID,
        DEFAULT_CLIENT_SECRET,
        request_timeout=SOON,
        max_connections=slots,
        gate=lambda: made[0].gate(),
    )
    age = [0.0]

    async def nothing(key: str, batch: list[int]) -> None: ...

    lanes: Lanes[int] = Lanes(nothing, workers=1, on_error=lambda error: None)
    rate = SharedRate(per_second, clock=time.monotonic)
    try:
        async with client, asyncio.timeout(SOON):
            breaker = Breaker(client.statuses, clock=time.time, timer=clock, rng=random.Random(1), sleep=sleep)
            calls = Calls(
                client,
                lanes,
                Lease(lambda: age[0], 30.0),
                max_in_flight=slots,
                rng=random.Random(2),
                breaker=breaker,
                rate=rate,
                sleep=sleep,
            )
            made.append(calls)
            yield Rig(emulator, script, calls, lanes, breaker, rate, age, client)
            await breaker.close()
    finally:
        await emulator.stop()


def most_in_a_second(arrived: list[float]) -> int:
    return max(sum(start <= moment < start + 1.0 for moment in arrived) for start in arrived)


async def test_creates_updates_reads_and_look_ups_share_the_rate() -> None:
    async with rig(40.0) as it:
        it.rate.share(1, 2)
        ticket_ids = await asyncio.gather(*(it.create(f"WO{number}") for number in range(10)))
        assert len(set(ticket_ids)) == 10

        async def use(ticket_id: str | None) -> None:
            assert ticket_id is not None
            await it.calls.get(ticket_id, Effort())
            await it.update(ticket_id, {"summary": "Two fans"})

        await asyncio.gather(*(use(ticket_id) for ticket_id in ticket_ids), it.client.find_by_external_ids(["WO1"]))
        assert set(it.script.operations) == {"put_ticket", "patch_ticket", "get_ticket", "list_tickets"}
        assert most_in_a_second(it.script.arrived) <= 20 * TENTH + 1
        # And it is used.
        assert it.script.arrived[-1] - it.script.arrived[0] < 2.5 * len(it.script.arrived) / 20


async def test_the_second_try_after_a_revoked_token_waits_for_its_turn_too() -> None:
    async with rig(20.0) as it:
        revoked = Revoked(8)
        it.script.instead = revoked
        it.rate.share(1, 1)
        await asyncio.gather(*(it.create(f"WO{number}") for number in range(8)))
        again = it.script.arrived[8:]
        assert len(again) == 8
        # All eight were refused at the same moment.
        assert again[-1] - again[0] >= 6 / 20


async def test_a_worker_without_partitions_sends_nothing() -> None:
    async with rig(1000.0) as it:
        it.rate.share(0, 4)
        waiting = asyncio.create_task(it.create("WO1"))
        await asyncio.sleep(0.1)
        assert it.script.arrived == []
        it.rate.share(4, 4)
        assert await waiting is not None


async def test_what_the_last_look_says_is_asked_after_the_wait() -> None:
    async with rig(5.0) as it:
        it.rate.share(1, 1)
        await it.create("WO0")
        may = [True]
        waiting = asyncio.create_task(it.create("WO1", lambda: may[0]))
        await asyncio.sleep(0.05)
        may[0] = False
        assert await waiting is None
        assert it.script.operations == ["put_ticket"]


async def test_a_read_whose_lease_ran_out_while_it_waited_is_not_sent() -> None:
    async with rig(5.0) as it:
        it.rate.share(1, 1)
        ticket_id = await it.create("WO0")
        assert ticket_id is not None
        waiting = asyncio.create_task(it.calls.get(ticket_id, Effort()))
        await asyncio.sleep(0.05)
        it.age[0] = 100.0
        await asyncio.sleep(0.4)
        assert it.script.operations == ["put_ticket"]
        it.age[0] = 0.0
        await waiting
        assert it.script.operations == ["put_ticket", "get_ticket"]


@pytest.mark.parametrize("operation", ["get_ticket", "patch_ticket", "put_ticket"])
async def test_a_call_whose_lease_ran_out_while_a_token_was_fetched_is_not_sent(operation: str) -> None:
    """A successor may have sent a newer change by then (I3)."""
    async with rig() as it:
        it.script.token_comes = asyncio.Event()
        ask: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "get_ticket": lambda: it.calls.get("T1", Effort()),
            "patch_ticket": lambda: it.update("T1", {"summary": "Two fans"}),
            "put_ticket": lambda: it.calls.create(it.body("WO0"), Effort(), lambda: it.calls.ready),
        }
        waiting = asyncio.create_task(ask[operation]())
        await it.script.token_asked.wait()
        it.age[0] = 100.0
        it.script.token_comes.set()
        await asyncio.sleep(0.2)
        assert it.script.operations == []
        it.age[0] = 0.0
        if operation == "put_ticket":
            assert await waiting is None
        else:
            with pytest.raises(Failed):
                await waiting  # Willow has no such ticket
            assert it.script.operations == [operation]


async def test_what_is_forbidden_on_more_than_one_site_pauses_the_sink() -> None:
    async with rig() as it:
        assert it.calls.forbidden("SITE1") is Fault.RECORD
        assert it.breaker.closed
        assert it.calls.forbidden("SITE2") is Fault.TENANT
        assert [pause.cause for pause in it.breaker.pauses] == ["tenant"]


def test_a_lease_is_fresh_for_a_third_of_the_session() -> None:
    age = [10.0]
    lease = Lease(lambda: age[0], 30.0)
    assert lease.fresh
    age[0] = 10.1
    assert not lease.fresh


async def test_partitions_that_leave_end_the_wait_for_the_rate() -> None:
    async with rig(0.01) as it:
        it.rate.share(1, 1)
        create = asyncio.create_task(it.calls.create(it.body("WO1"), Effort(), lambda: True))
        read = asyncio.create_task(it.calls.get("T1", Effort()))
        await asyncio.sleep(0.05)
        it.lanes.draining.set()
        # A create's claim is open: it is told that nothing was sent. A read is simply given up.
        assert await create is None
        with pytest.raises(Draining):
            await read
        assert it.script.arrived == []


@pytest.mark.parametrize("status", [408, 409, 500, 504])
async def test_an_ambiguous_create_holds_all_calls_until_a_read_succeeds(status: int) -> None:
    """Also a conflict: where each create met one, each would be an order in doubt."""
    probes: list[str] = []

    async def probe_only(seconds: float) -> None:
        probes.extend(it.script.operations)
        await asyncio.sleep(0)

    async with rig(sleep=probe_only) as it:
        it.script.answers = [Answer(status, b"", {})]
        with pytest.raises(Failed) as failed:
            await it.create("WO1")
        assert not proves_not_executed(failed.value.answer)
        assert [pause.cause for pause in it.breaker.pauses] == ["outage"]
        await it.breaker.wait()
        assert it.script.operations == probes == ["put_ticket"], "no write is made to find out"


# -- what Willow asks for ----------------------------------------------------------------------------------------


class Hours:
    """A clock that sleeping moves; the sleepers don't wait for each other."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def too_many(retry_after: str | None) -> Answer:
    header = {} if retry_after is None else {"Retry-After": retry_after}
    return Answer(429, b"Too many requests", {"Content-Type": "text/plain", **header})


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        (lambda: "17", 17.0, 18.0),
        # A date has no fractions of a second.
        (lambda: in_seconds(90.0), 88.0, 91.0),
        (lambda: "1e12", LONGEST_ASKED, LONGEST_ASKED + 1.0),
        (lambda: in_seconds(86400.0), LONGEST_ASKED, LONGEST_ASKED + 1.0),
        (lambda: in_seconds(-60.0), FIRST_WAIT / 2, LAST_WAIT),
        (lambda: "soon", FIRST_WAIT / 2, LAST_WAIT),
        (lambda: None, FIRST_WAIT / 2, LAST_WAIT),
    ],
    ids=["seconds", "date", "too many seconds", "too late a date", "a date gone by", "neither", "no header"],
)
async def test_calls_are_held_as_long_as_willow_asks_and_no_longer_than_an_hour(
    retry_after: Callable[[], str | None], least: float, most: float
) -> None:
    hours = Hours()
    async with rig(sleep=hours.sleep, clock=hours.clock) as it:
        ticket_id = await it.create("WO1")
        assert ticket_id is not None
        it.script.answers = [too_many(retry_after())]
        await it.calls.get(ticket_id, Effort())
        _, refused, again = it.script.arrived
        assert least <= again - refused <= most


async def test_what_one_call_was_told_holds_the_others_too() -> None:
    hours = Hours()
    async with rig(sleep=hours.sleep, clock=hours.clock) as it:
        ticket_id = await it.create("WO1")
        assert ticket_id is not None
        it.script.answers = [too_many("600")]
        refused = asyncio.create_task(it.calls.get(ticket_id, Effort()))
        while it.breaker.closed:
            await asyncio.sleep(0)
        await asyncio.gather(refused, *(it.create(f"WO{number}") for number in range(2, 6)))
        first, *later = it.script.arrived[1:]
        assert all(moment - first >= 600.0 for moment in later)


async def test_a_storm_of_429_neither_rejects_nor_loses_nor_doubles() -> None:
    hours, rng = Hours(), random.Random(7)

    async def weather(call: Call, perform: Perform) -> Answer:
        if len(it.script.arrived) < 300 and rng.random() < 0.7:
            return too_many(rng.choice(["5", in_seconds(30.0), None]))
        return perform()

    async with rig(sleep=hours.sleep, clock=hours.clock) as it:
        it.script.instead = weather

        async def keep_in_step(order_id: str) -> None:
            ticket_id = await it.create(order_id)
            assert ticket_id is not None
            for number in range(5):
                await it.update(ticket_id, {"summary": f"Revision {number}"})

        await asyncio.gather(*(keep_in_step(f"WO{number}") for number in range(30)))
        assert len(it.script.arrived) > 300
        tickets = {ticket.external_id: ticket.fields["summary"] for ticket in it.emulator.tickets}
        assert len(list(it.emulator.tickets)) == 30
        assert tickets == {f"WO{number}": "Revision 4" for number in range(30)}
