"""Lanes: one order at a time, many at once, nothing lost or doubled, and an end that has a bound."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.lanes import Draining, Lanes

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Handle = Callable[[str, list[int]], Awaitable[None]]
SOON = 5.0
"""Seconds after which a test that waits has failed."""


class Errors(list[BaseException]):
    """What the worker would stop for."""


def lanes_of(handle: Handle, *, workers: int = 8, errors: Errors | None = None) -> Lanes[int]:
    seen = Errors() if errors is None else errors
    return Lanes(handle, workers=workers, on_error=seen.append)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0)


class Gate:
    """A handler whose keys wait until they are let go."""

    def __init__(self) -> None:
        self.began: list[tuple[str, list[int]]] = []
        self.ended: list[tuple[str, list[int]]] = []
        self.open: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def handle(self, key: str, batch: list[int]) -> None:
        self.began.append((key, batch))
        await self.open[key].wait()
        self.ended.append((key, batch))


async def test_what_waits_in_a_lane_is_one_batch_in_order() -> None:
    gate = Gate()
    lanes = lanes_of(gate.handle)
    lanes.put("a", 1)
    await until(lambda: bool(gate.began))
    for item in (2, 3, 4):
        lanes.put("a", item)
    gate.open["a"].set()
    await until(lambda: len(gate.ended) == 2)
    assert gate.ended == [("a", [1]), ("a", [2, 3, 4])]


async def test_many_orders_at_once_and_no_more_than_the_workers() -> None:
    gate = Gate()
    lanes = lanes_of(gate.handle, workers=3)
    for key in "abcde":
        lanes.put(key, 1)
    await until(lambda: len(gate.began) == 3)
    for _ in range(20):
        await asyncio.sleep(0)
    assert [key for key, _ in gate.began] == ["a", "b", "c"]
    for key in "abcde":
        gate.open[key].set()
    await until(lambda: len(gate.ended) == 5)


async def test_a_slow_order_does_not_hold_the_others() -> None:
    gate = Gate()
    lanes = lanes_of(gate.handle, workers=2)
    lanes.put("slow", 0)
    await until(lambda: bool(gate.began))
    for number in range(50):
        gate.open[f"k{number}"].set()
        lanes.put(f"k{number}", number)
        lanes.put("slow", number)
    await until(lambda: len(gate.ended) == 50)
    assert gate.began[0] == ("slow", [0])
    gate.open["slow"].set()
    await until(lambda: len(gate.ended) == 52)
    assert gate.ended[-1] == ("slow", list(range(50)))


async def test_a_busy_order_goes_to_the_back_of_the_queue() -> None:
    began: list[str] = []

    async def handle(key: str, batch: list[int]) -> None:
        began.append(key)
        if key == "busy" and len(began) < 10:
            lanes.put("busy", 0)

    lanes = lanes_of(handle, workers=1)
    for key in ("busy", "a", "b"):
        lanes.put(key, 0)
    await until(lambda: len(began) >= 10)
    assert began[:4] == ["busy", "a", "b", "busy"]


async def test_a_record_that_comes_as_the_last_worker_ends_is_carried_out() -> None:
    """Between a worker's last look and its end the records of a new order counted on it, and lay for ever."""
    handled: list[str] = []

    async def handle(key: str, batch: list[int]) -> None:
        handled.append(key)
        if key == "a":
            # Runs after this worker's coroutine has returned, before its task's callbacks.
            asyncio.get_running_loop().call_soon(lanes.put, "b", 2)

    lanes = lanes_of(handle, workers=1)
    lanes.put("a", 1)
    await until(lambda: handled == ["a", "b"])


# -- errors ----------------------------------------------------------------------------------------------------------


async def test_an_exception_goes_to_on_error_and_the_others_go_on() -> None:
    errors, done = Errors(), list[str]()

    async def handle(key: str, batch: list[int]) -> None:
        if key == "bad":
            raise ValueError("broken")
        done.append(key)

    lanes = lanes_of(handle, workers=1, errors=errors)
    for key in ("bad", "good"):
        lanes.put(key, 1)
    await until(lambda: done == ["good"])
    assert [repr(error) for error in errors] == ["ValueError('broken')"]


async def test_a_cancellation_from_within_is_not_silent() -> None:
    """A future that someone else cancelled ends the task as if it had been cancelled itself."""
    errors = Errors()

    async def handle(key: str, batch: list[int]) -> None:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    lanes_of(handle, errors=errors).put("a", 1)
    await until(lambda: len(errors) == 1)
    assert "cancelled" in str(errors[0])


async def test_draining_gives_the_records_up_without_an_error() -> None:
    errors, handled = Errors(), list[list[int]]()

    async def handle(key: str, batch: list[int]) -> None:
        handled.append(batch)
        if len(handled) == 1:
            raise Draining

    lanes = lanes_of(handle, errors=errors)
    lanes.put("a", 1)
    await until(lambda: handled == [[1]])
    lanes.put("a", 2)
    await until(lambda: handled == [[1], [2]])
    assert errors == []


# -- draining --------------------------------------------------------------------------------------------------------


async def test_a_drain_lets_end_what_can_and_takes_nothing_new() -> None:
    gate = Gate()
    lanes = lanes_of(gate.handle, workers=1)
    for key in ("a", "b"):
        lanes.put(key, 1)
    await until(lambda: len(gate.began) == 1)
    drain = asyncio.create_task(lanes.drain(SOON, SOON))
    await until(lanes.draining.is_set)
    gate.open["a"].set()
    await drain
    assert gate.ended == [("a", [1])]
    lanes.resume()
    gate.open["c"].set()
    lanes.put("c", 1)
    await until(lambda: len(gate.ended) == 2)
    assert gate.began[1:] == [("c", [1])], "what waited is not carried out after the drain"


async def test_what_is_put_while_partitions_leave_is_not_carried_out_later() -> None:
    """It is another owner's by then: carried out here, it would write what the other one has written over."""
    gate = Gate()
    lanes = lanes_of(gate.handle)
    await lanes.drain(0.0, 0.0)
    lanes.put("a", 1)
    lanes.resume()
    gate.open["a"].set()
    lanes.put("a", 2)
    await until(lambda: bool(gate.ended))
    assert gate.ended == [("a", [2])]


async def test_a_drain_cancels_what_does_not_end_but_no_create() -> None:
    cancelled: list[str] = []
    release = asyncio.Event()
    created: list[str] = []

    async def handle(key: str, batch: list[int]) -> None:
        try:
            if key == "create":
                with lanes.protected():
                    await release.wait()
                    created.append(key)
            else:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(key)
            raise

    errors = Errors()
    lanes = lanes_of(handle, errors=errors)
    for key in ("patch", "create"):
        lanes.put(key, 1)
    await asyncio.sleep(0)
    drain = asyncio.create_task(lanes.drain(0.0, SOON))
    await until(lambda: cancelled == ["patch"])
    assert not drain.done()
    release.set()
    await drain
    assert (created, cancelled, errors) == (["create"], ["patch"], [])


async def test_a_create_that_outlasts_its_grace_does_not_hold_the_drain() -> None:
    async def handle(key: str, batch: list[int]) -> None:
        with lanes.protected():
            await asyncio.Event().wait()

    lanes = lanes_of(handle)
    lanes.put("create", 1)
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON):
        await lanes.drain(0.0, 0.05)


async def test_a_wait_in_a_handler_ends_as_soon_as_partitions_leave() -> None:
    ended: list[str] = []

    async def handle(key: str, batch: list[int]) -> None:
        try:
            await (lanes.pause(3600.0) if key == "pause" else lanes.until(asyncio.Event().wait()))
        except Draining:
            ended.append(key)
            raise

    lanes = lanes_of(handle)
    for key in ("pause", "until"):
        lanes.put(key, 1)
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON):
        await lanes.drain(SOON, SOON)
    assert sorted(ended) == ["pause", "until"]


async def test_no_wait_begins_while_partitions_leave() -> None:
    lanes = lanes_of(Gate().handle)
    lanes.draining.set()
    with pytest.raises(Draining):
        await lanes.pause(3600.0)
    with pytest.raises(Draining):
        await lanes.until(asyncio.Event().wait())


async def test_until_gives_what_it_waited_for_and_its_exception() -> None:
    lanes = lanes_of(Gate().handle)
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    ready.set_result(1)
    await lanes.until(ready)
    await lanes.until(asyncio.Event().wait(), seconds=0.0)
    broken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    broken.set_exception(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await lanes.until(broken)


# -- random schedules ------------------------------------------------------------------------------------------------


class Checked:
    """Handles after a random number of turns; notices two at once for one key."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.now: Counter[str] = Counter()
        self.most = 0
        self.done: defaultdict[str, list[int]] = defaultdict(list)

    async def handle(self, key: str, batch: list[int]) -> None:
        self.now[key] += 1
        assert self.now[key] == 1, "two at once for one order"
        self.most = max(self.most, self.now.total())
        try:
            for _ in range(self._random.randrange(4)):
                await asyncio.sleep(0)
            self.done[key] += batch
        finally:
            self.now[key] -= 1


Moves = list[tuple[str, int]]
moves = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=60)


@given(moves=moves, workers=st.integers(1, 4), seed=st.integers(0, 1000))
@settings(UNHURRIED, max_examples=150)
async def test_nothing_is_lost_doubled_or_out_of_order(moves: Moves, workers: int, seed: int) -> None:
    checked, errors = Checked(seed), Errors()
    lanes = lanes_of(checked.handle, workers=workers, errors=errors)
    put: defaultdict[str, list[int]] = defaultdict(list)
    for number, (key, turns) in enumerate(moves):
        lanes.put(key, number)
        put[key].append(number)
        for _ in range(turns):
            await asyncio.sleep(0)
    await until(lambda: checked.done == put)
    assert errors == []
    assert checked.most <= workers


@given(before=moves, after=moves, workers=st.integers(1, 4), seed=st.integers(0, 1000))
@settings(UNHURRIED, max_examples=100)
async def test_a_drain_at_any_moment_keeps_the_order_and_leaves_nothing_behind(
    before: Moves, after: Moves, workers: int, seed: int
) -> None:
    checked, errors = Checked(seed), Errors()
    lanes = lanes_of(checked.handle, workers=workers, errors=errors)
    put: defaultdict[str, list[int]] = defaultdict(list)
    for number, (key, turns) in enumerate(before):
        lanes.put(key, number)
        put[key].append(number)
        for _ in range(turns):
            await asyncio.sleep(0)
    await lanes.drain(SOON, SOON)
    for key, done in checked.done.items():
        assert done == put[key][: len(done)]
    told = {key: list(done) for key, done in checked.done.items()}
    lanes.resume()
    for number, (key, _) in enumerate(after):
        lanes.put(key, -number)
        told.setdefault(key, []).append(-number)
    await until(lambda: checked.done == told)
    assert errors == []
