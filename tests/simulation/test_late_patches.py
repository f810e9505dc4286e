"""Changes that Willow takes late, or of which nobody knows whether it took them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.evidence import in_a_word
from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import Happening, Record, Scenario
from tests.simulation.willow import Fate, Request, Way
from tests.simulation.world import World

FORBIDDEN = Fate(Way.STATUS, status=403)

Fates = Callable[[World, Request], Fate]


def _run(*happenings: Happening, fates: Callable[[Run], Fates], broken: str = "I", **options: Any) -> Run:
    """``broken``: how the problems begin that there must be none of."""
    run = Run(Scenario(1, [(0.0, "start", ("a",)), *happenings], **options, fates=lambda *call: made(*call)))
    made = fates(run)
    problems = [problem for problem in run.go().problems if problem.startswith(broken)]
    assert not problems, "\n".join(problems)
    return run


def _first_patches(*fates: Fate) -> Callable[[Run], Fates]:
    left = list(fates)
    return lambda _: lambda _, request: left.pop(0) if left and request.operation.name == "patch_ticket" else Fate()


def _outcome(run: Run, record: Record) -> str:
    return in_a_word(run.checker.finals(record)[0])


def _priorities(orders: Orders, *priorities: str) -> list[Record]:
    return [orders.change("A", jobPriority=priority) for priority in priorities]


def test_a_change_that_willow_took_and_then_refused_is_no_longer_known() -> None:
    """The next record asked for the value before it, and nothing was sent: Willow kept the refused one."""
    created, refused, newest = _priorities(Orders(), "High", "Low", "High")
    refused = replace(refused, expected=frozenset({"forbidden"}))
    run = _run(
        (1.0, "produce", (created,)),
        (2.0, "produce", (refused,)),
        (60.0, "produce", (newest,)),
        fates=_first_patches(Fate(Way.RESET_AFTER), FORBIDDEN),
        faults_end=50.0,
    )
    assert _outcome(run, refused) == "forbidden"
    assert run.willow.tickets["T1"].fields["priorityId"] == "pr-High"


def test_what_was_refused_is_not_sent_by_the_read_back() -> None:
    """It was told as rejected, and written to the ticket later."""
    created, refused = _priorities(Orders(), "High", "Low")
    refused = replace(refused, expected=frozenset({"forbidden"}))
    run = _run(
        (1.0, "produce", (created,)),
        (2.0, "produce", (refused,)),
        fates=_first_patches(Fate(Way.RESET_BEFORE), FORBIDDEN),
        faults_end=10.0,
    )
    assert [write.fields["cause"] for write in run.willow.writes] == ["v0001"]


def test_a_change_that_waited_long_is_read_back_after_it_could_commit() -> None:
    """What had been written down before an outage was due by the time the change was sent: its late commit, over a
    newer change, was never seen."""
    orders = Orders()
    created, late, newest = (orders.change("A") for _ in range(3))

    def fates(run: Run) -> Fates:
        first = iter([Fate(Way.GATEWAY_LATE, later=15.0)])

        def fate(world: World, request: Request) -> Fate:
            if 1.9 < world.loop.time() < 60.0:
                return Fate(Way.REFUSED)
            if request.operation.name != "patch_ticket" or not (fate := next(first, None)):
                return Fate()
            world.after(0.2, run.stop, "a")
            world.after(1.0, run.start, "a")
            world.after(8.0, run.produce, newest)
            return fate

        return fate

    run = _run((1.0, "produce", (created,)), (2.0, "produce", (late,)), fates=fates, faults_end=120.0)
    assert run.willow.tickets["T1"].fields["cause"] == "v0003"


@pytest.mark.parametrize("newer", [True, False])
def test_a_ticket_that_may_not_be_read_back_is_read_back_later(newer: bool) -> None:
    """One refusal, and what a late change had left stayed; the next record did not know of it either."""
    records = _priorities(Orders(), "High", "Low", "High", "High")

    def fates(run: Run) -> Fates:
        first = iter([Fate(Way.GATEWAY_LATE, later=10.0)])

        def fate(world: World, request: Request) -> Fate:
            if request.operation.name == "get_ticket" and world.loop.time() < 40.0:
                return FORBIDDEN
            return next(first, Fate()) if request.operation.name == "patch_ticket" else Fate()

        return fate

    moments = (1.0, 2.0, 6.0, 60.0) if newer else (1.0, 2.0, 6.0)
    produced: list[Happening] = [(at, "produce", (record,)) for at, record in zip(moments, records, strict=False)]
    run = _run(*produced, fates=fates, faults_end=50.0)
    assert run.willow.tickets["T1"].fields["priorityId"] == "pr-High"


def test_what_puts_a_ticket_right_may_itself_commit_late() -> None:
    """It had no answer and was refused when it was repeated: that it may commit over a newer change was forgotten."""
    orders = Orders()
    records = [orders.change("A") for _ in range(4)]

    def fates(run: Run) -> Fates:
        count = 0

        def fate(world: World, request: Request) -> Fate:
            nonlocal count
            if request.operation.name != "patch_ticket":
                return Fate()
            count += 1
            if count == 4:
                world.after(5.0, run.produce, records[3])
            late = {1: 10.0, 4: 12.0}
            return Fate(Way.GATEWAY_LATE, later=late[count]) if count in late else FORBIDDEN if count == 5 else Fate()

        return fate

    produced: list[Happening] = [(at, "produce", (records[n],)) for n, at in enumerate((1.0, 2.0, 6.0))]
    run = _run(*produced, fates=fates, faults_end=50.0)
    assert run.willow.tickets["T1"].fields["cause"] == "v0004"


def test_the_slower_of_two_groups_lets_no_ticket_go_that_the_faster_has_made_anew() -> None:
    """It took back what the other had bound meanwhile, and a second ticket was made."""
    orders = Orders()
    created, changed = orders.change("A"), orders.change("A")

    def fates(run: Run) -> Fates:
        def fate(world: World, request: Request) -> Fate:
            if request.operation.name != "patch_ticket" or request.ids[0] != "T1" or world.loop.time() < 4.9:
                return Fate()
            run.willow.tickets.pop("T1", None)
            return Fate(seconds=1.0 if request.by.startswith("b") else 0.02)

        return fate

    run = _run(
        (0.0, "start", ("b",)),
        (1.0, "produce", (created,)),
        (5.0, "produce", (changed,)),
        fates=fates,
        groups={"one": ("a",), "two": ("b",)},
        changes={"on_missing_ticket": "create"},
        broken="I1",  # the judge knows of no ticket that was there and is gone
        faults_end=20.0,
    )
    assert [ticket.fields.get("externalId") for ticket in run.willow.tickets.values()].count("A") == 1
