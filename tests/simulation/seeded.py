"""Deliberate faults, each switched on by a patch: what the simulation is worth is which of them it catches."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from streams.agents import calls, creates, doubts, sink, tickets, waiting
from streams.agents.order import Order
from streams.agents.planner import Planner
from streams.agents.writer import Writer
from streams.delivery import answers, create, offsets, reconcile
from streams.delivery.answers import Fault, Operation
from streams.delivery.create import MayClaim, MayPut, Seen, Ticketed
from streams.delivery.lanes import Lanes
from streams.delivery.reconcile import Verdict
from streams.delivery.state import OrderState
from streams.kafka.producer import Ack
from tests.simulation import small
from tests.simulation.chances import random_scenario
from tests.simulation.records import Orders
from tests.simulation.run import Result, simulate
from tests.simulation.scenario import Scenario
from tests.simulation.willow import Fate, Way

Patch = Callable[[pytest.MonkeyPatch], None]
Runs = Callable[[], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class Seeded:
    """A fault, the runs that must show it, and the guarantee that they must find broken."""

    name: str
    patch: Patch
    runs: Runs
    breaks: str


def _acked() -> "asyncio.Future[Ack]":
    done: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
    done.set_result(Ack(0, 0))
    return done


# -- runs --------------------------------------------------------------------------------------------------------------


def _once(make: Callable[[], Scenario]) -> Runs:
    return lambda: [simulate(make())]


def _killed(make: Callable[[], Scenario]) -> Runs:
    return lambda: (result for _, result in small.killed_at_each(make()))


def _frozen(make: Callable[[], Scenario]) -> Runs:
    return lambda: (result for *_, result in small.frozen_at_each(make()))


def _seeds(count: int) -> Runs:
    return lambda: (simulate(random_scenario(seed)) for seed in range(count))


def _two_groups() -> Scenario:
    orders = Orders()
    starts = [(0.0, "start", (name,)) for name in ("a", "x")]
    return Scenario(1, [*starts, (1.0, "produce", (orders.change("A"),))], {"one": ("a",), "two": ("x",)})


def _committed_late() -> Scenario:
    orders = Orders()
    late = Fate(Way.LATE, later=15.0)
    happenings = [(0.0, "start", ("a",)), (1.0, "produce", (orders.change("A"),))]
    return Scenario(1, happenings, fates=lambda _, r: late if _is_put(r) else Fate(), faults_end=3.0)


def _refused_for_a_while(status: int) -> Callable[[], Scenario]:
    def make() -> Scenario:
        orders = Orders()
        happenings = [(0.0, "start", ("a",)), (1.0, "produce", (orders.change("A"),))]
        said = Fate(Way.STATUS, status=status)
        return Scenario(1, happenings, fates=lambda _, r: said if _is_put(r) else Fate(), faults_end=3.0)

    return make


def _is_put(request: Any) -> bool:
    return bool(request.operation is not None and request.operation.name == "put_ticket")


# -- patches -----------------------------------------------------------------------------------------------------------


def _open_claims_ignored(patch: pytest.MonkeyPatch) -> None:
    """Before a claim and after it."""

    def ticketed(seen: Seen) -> Ticketed | None:
        return None if seen.ticket is None else Ticketed(seen.ticket)

    patch.setattr(tickets, "before_claim", lambda seen: ticketed(seen) or MayClaim())
    patch.setattr(creates, "after_claim", lambda *_, **__: MayPut())


def _each_record_a_lane_of_its_own(patch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count()
    real_put, real_init = Lanes.put, Lanes.__init__

    def init(self: Any, handle: Any, **options: Any) -> None:
        real_init(self, lambda key, batch: handle(key.rpartition("#")[0], batch), **options)

    patch.setattr(Lanes, "__init__", init)
    patch.setattr(Lanes, "put", lambda self, key, item: real_put(self, f"{key}#{next(numbers)}", item))


def _the_record_s_fault(status: int, operation: Operation = Operation.PUT) -> Patch:
    return lambda patch: patch.setitem(answers._BY_STATUS, (status, operation), Fault.RECORD)


def _outcome_dropped(patch: pytest.MonkeyPatch) -> None:
    real = Writer.outcome
    count = itertools.count()

    def outcome(self: Any, said: Any, **options: Any) -> Any:
        return real(self, said, **options) if next(count) % 3 else _acked()

    patch.setattr(Writer, "outcome", outcome)


def _state_not_written(patch: pytest.MonkeyPatch) -> None:
    async def save(self: Order) -> None:
        return None

    patch.setattr(Order, "save", save)


def _work_off_forgets(patch: pytest.MonkeyPatch) -> None:
    async def work_off(self: Any, order: Order) -> None:
        order.state.queue.clear()

    patch.setattr(doubts.Doubts, "work_off", work_off)


def _redelivered_is_new(patch: pytest.MonkeyPatch) -> None:
    real = reconcile.judge

    def judge(*arguments: Any) -> Verdict:
        verdict = real(*arguments)
        return Verdict.ACCEPT if verdict in (Verdict.REPEAT, Verdict.SUPERSEDED) else verdict

    patch.setattr(reconcile, "judge", judge)


def _commits_past_pending(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(offsets._Partition, "committable", property(lambda self: self.next))


def _no_lease(patch: pytest.MonkeyPatch) -> None:
    async def wait(self: Any, lanes: Any) -> None:
        return None

    patch.setattr(calls.Lease, "fresh", property(lambda self: True))
    patch.setattr(calls.Lease, "wait", wait)


def _poison_in_silence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Planner, "_dead_letter", lambda *_: [_acked()])


def _nothing_wakes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(waiting.WaitingIndex, "_wake", lambda *_: None)


def _set(target: Any, name: str, value: Any) -> Patch:
    return lambda patch: patch.setattr(target, name, value)


def _faults() -> Iterator[Seeded]:
    lost_answer, many = small.created_without_an_answer, small.two_orders
    yield Seeded(
        "a claim is not looked at before the PUT", _set(creates, "after_claim", _may_put), _once(_two_groups), "I1"
    )
    yield Seeded("open claims of others are ignored", _open_claims_ignored, _killed(many), "I1")
    yield Seeded("an ambiguous create is repeated", _set(create, "proves_not_executed", _yes), _once(lost_answer), "I1")
    yield Seeded("a zero counts before settle", _set(doubts, "settled_at", _at_once), _once(_committed_late), "I1")
    yield Seeded("no lease", _no_lease, _frozen(small.changed_late), "I3")
    yield Seeded("commits past records in work", _commits_past_pending, _seeds(60), "I7")
    yield Seeded("an outcome is dropped", _outcome_dropped, _once(many), "I7")
    yield Seeded("no state is written", _state_not_written, _once(many), "I7")
    yield Seeded("a redelivered record is a new one", _redelivered_is_new, _killed(many), "I")
    yield Seeded("nothing is stale", _set(reconcile, "is_older", _no), _once(many), "I4")
    yield Seeded("no order within an order", _each_record_a_lane_of_its_own, _seeds(60), "I")
    yield Seeded("an identity is not published", _set(Writer, "identity", _unwritten), _once(many), "I7")
    yield Seeded("401 is the record's fault", _the_record_s_fault(401), _once(_refused_for_a_while(401)), "I4")
    yield Seeded("429 is the record's fault", _the_record_s_fault(429), _once(_refused_for_a_while(429)), "I4")
    yield Seeded("503 is the record's fault", _the_record_s_fault(503, Operation.PATCH), _seeds(60), "I4")
    yield Seeded("404 on PUT is the record's fault", _the_record_s_fault(404), _once(_refused_for_a_while(404)), "I4")
    yield Seeded("poison is passed over in silence", _poison_in_silence, _once(small.skipped_refused_and_poison), "I7")
    yield Seeded("what stood behind a doubt is forgotten", _work_off_forgets, _seeds(100), "I")
    yield Seeded(
        "what another group sent round counts",
        _set(sink, "new_id", _one_id),
        _killed(small.filled_for_another_group),
        "I3",
    )
    yield Seeded("nothing wakes a parked order", _nothing_wakes, _once(small.parked_and_woken), "I8")
    yield Seeded(
        "what was replaced is thought never sent",
        _set(reconcile, "_replaces", _always_replaces),
        _seeds(100),
        "I4",
    )
    yield Seeded("no read-back", _set(OrderState, "read_back_at", _nothing), _once(small.changed_late), "I2")


def _may_put(*_: Any, **__: Any) -> MayPut:
    return MayPut()


def _yes(*_: Any) -> bool:
    return True


def _no(*_: Any) -> bool:
    return False


def _one_id() -> str:
    return "one"


def _always_replaces(*_: Any) -> bool:
    return True


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _at_once(*_: Any, **__: Any) -> float:
    return 0.0


def _unwritten(*_: Any) -> "asyncio.Future[Ack]":
    return _acked()


FAULTS = list(_faults())
