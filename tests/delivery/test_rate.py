"""No second holds more than the rate allows, whatever arrives, whoever joins and leaves; the clock is a number."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.rate import BURST_SECONDS, Budget, SharedRate

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

RATES = st.floats(0.2, 40)


def sent(calls: list[float], changes: list[tuple[float, float]], until: float, budget: Budget) -> list[float]:
    """When each call goes: they arrive at ``calls`` and queue; the speed changes at ``changes`` (time, speed)."""
    now, waiting, went = 0.0, 0, list[float]()
    arrivals, turns = sorted(calls), sorted(changes, key=itemgetter(0))
    while now <= until:
        while turns and turns[0][0] <= now:
            budget.change(turns.pop(0)[1], now)
        while arrivals and arrivals[0] <= now:
            waiting += 1
            arrivals.pop(0)
        missing = math.inf
        while waiting and (missing := budget.take(now)) == 0.0:
            waiting -= 1
            went.append(now)
        # A later float than now: else a missing trillionth would stand still.
        again = math.nextafter(now + missing, math.inf) if waiting else math.inf
        now = min([again, *(at for at, _ in turns[:1]), *arrivals[:1]])
    return went


def most_in_a_second(went: list[float]) -> int:
    """Windows are half open, and rounding may put the second's end a hair late."""
    return max((sum(start <= moment < start + 1.0 - 1e-6 for moment in went) for start in went), default=0)


@given(rate=RATES, calls=st.lists(st.floats(0, 5), max_size=80))
@UNHURRIED
def test_every_second_holds_at_most_the_rate_and_one_call(rate: float, calls: list[float]) -> None:
    went = sent(calls, [(0.0, rate)], 1e6, Budget(0.0))
    assert len(went) == len(calls)
    assert most_in_a_second(went) <= 1 + (1 + BURST_SECONDS) * rate


@given(
    rate=RATES,
    calls=st.lists(st.floats(0, 5), max_size=80),
    shares=st.lists(st.tuples(st.floats(0, 6), st.floats(0, 1)), max_size=12),
)
@UNHURRIED
def test_in_any_time_no_more_than_the_shares_grant(
    rate: float, calls: list[float], shares: list[tuple[float, float]]
) -> None:
    speeds = sorted(((at, share * rate) for at, share in shares), key=itemgetter(0))
    went = sent(calls, speeds, 20.0, Budget(0.0))

    def granted(start: float, end: float) -> float:
        edges = [*speeds, (math.inf, 0.0)]
        return sum(speed * max(0.0, min(end, after) - max(start, at)) for (at, speed), (after, _) in pairwise(edges))

    for index, first in enumerate(went):
        for count, last in enumerate(went[index:], start=1):
            assert count <= 1 + BURST_SECONDS * rate + granted(first, last) + 1e-6


@given(
    rate=RATES,
    partitions=st.integers(1, 12),
    owners=st.lists(st.tuples(st.floats(0.1, 4), st.lists(st.integers(0, 3), min_size=12, max_size=12)), max_size=5),
)
@UNHURRIED
def test_all_workers_together_keep_within_the_contract(
    rate: float, partitions: int, owners: list[tuple[float, list[int]]]
) -> None:
    """Four workers with more calls than may go; partitions move between them. At most 1.1 times the rate, and one per
    worker (contract §8)."""
    moves = sorted([(0.0, [0] * 12), *owners], key=itemgetter(0))
    went: list[float] = []
    for worker in range(4):
        speeds = [(at, rate * owner[:partitions].count(worker) / partitions) for at, owner in moves]
        went += sent([0.0] * 100, speeds, 5.0, Budget(0.0))
    assert most_in_a_second(went) <= 1.1 * rate + 4


@given(rate=st.floats(0.5, 200), pause=st.floats(0, 60))
@UNHURRIED
def test_the_rate_is_used(rate: float, pause: float) -> None:
    went = sent([pause] * 50, [(0.0, rate)], 1e6, Budget(0.0))
    assert went[-1] - pause <= 50 / rate + 1e-6


def test_a_new_worker_begins_with_nothing_saved_up() -> None:
    budget = Budget(100.0)
    budget.change(10.0, 100.0)
    assert budget.take(100.0) == pytest.approx(0.1)
    assert budget.take(100.1) == 0.0


def test_without_a_share_nothing_goes_and_nothing_is_saved_up() -> None:
    budget = Budget(0.0)
    assert budget.take(1000.0) == math.inf
    budget.change(10.0, 1000.0)
    assert budget.take(1000.0) > 0.0


def test_a_clock_that_jumps_back_grants_nothing_twice() -> None:
    budget = Budget(0.0)
    budget.change(1.0, 0.0)
    assert budget.take(1.0) == 0.0
    assert budget.take(0.5) > 0.0
    assert budget.take(1.0) > 0.0


class Time:
    """Sleepers wake in order of their time, one at a time, when ``pass_until`` says."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    async def pass_until(self, end: float) -> None:
        await turn()
        while due := sorted((at, number) for number, (at, _) in enumerate(self._sleepers) if at <= end):
            at, number = due[0]
            future = self._sleepers.pop(number)[1]
            if not future.done():
                self.now = max(self.now, at)
                future.set_result(None)
            await turn()
        self.now = end


async def turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Callers:
    """So many wait for ``take``; ``went`` says who went when."""

    def __init__(self, time: Time, take: Callable[[], Awaitable[None]], count: int) -> None:
        self.went: list[tuple[float, int]] = []

        async def call(number: int) -> None:
            await take()
            self.went.append((time.now, number))

        self.tasks = [asyncio.create_task(call(number)) for number in range(count)]

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


async def test_first_come_first_served_and_a_new_share_counts_at_once() -> None:
    time = Time()
    rate = SharedRate(1.0, clock=time.clock, sleep=time.sleep)
    callers = Callers(time, rate.take, 6)
    await time.pass_until(5.0)
    assert callers.went == []
    rate.share(1, 4)
    await time.pass_until(9.0)
    assert callers.went == [(9.0, 0)]
    # It waited four seconds for the next; with all partitions it is one.
    rate.share(4, 4)
    await time.pass_until(11.0)
    assert callers.went == [(9.0, 0), (10.0, 1), (11.0, 2)]
    rate.share(0, 4)
    await time.pass_until(100.0)
    assert len(callers.went) == 3
    rate.share(4, 4)
    await time.pass_until(103.0)
    assert callers.went[3:] == [(101.0, 3), (102.0, 4), (103.0, 5)]
    await callers.end()


async def test_who_gives_up_waiting_costs_the_others_nothing() -> None:
    time = Time()
    rate = SharedRate(1.0, clock=time.clock, sleep=time.sleep)
    rate.share(1, 1)
    callers = Callers(time, rate.take, 3)
    await turn()
    for number in (0, 1):
        callers.tasks[number].cancel()
    await time.pass_until(1.0)
    assert callers.went == [(1.0, 2)]
    await callers.end()


async def test_those_who_line_up_come_at_the_rate_too() -> None:
    time = Time()
    rate = SharedRate(2.0, clock=time.clock, sleep=time.sleep)
    rate.share(1, 1)

    async def prepared() -> None:
        await rate.line_up()
        await rate.take()

    callers = Callers(time, prepared, 4)
    await time.pass_until(2.0)
    assert [number for _, number in callers.went] == [0, 1, 2, 3]
    assert callers.went[-1][0] == pytest.approx(2.0)
    await callers.end()


async def test_without_a_limit_nobody_waits() -> None:
    rate = SharedRate(None, clock=Time().clock)
    assert not rate.limited
    rate.share(0, 8)
    async with asyncio.timeout(1.0):
        for _ in range(1000):
            await rate.line_up()
            await rate.take()
