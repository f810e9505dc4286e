"""An operator's word on whose a ticket is comes again: after a crash, said twice, to two groups, to a new one."""

import pytest

from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import Happening, Scenario
from tests.simulation.willow import Fate, Request, Way
from tests.simulation.world import World

HOLD = {"in_doubt": {"then": "hold"}}
TWO: dict[str, tuple[str, ...]] = {"one": ("a",), "two": ("b",)}


def _first_put_lost(_: World, request: Request) -> Fate:
    return Fate(Way.RESET_BEFORE) if request.operation.name == "put_ticket" and request.sent < 5.0 else Fate()


def _one_ticket(*happenings: Happening, in_doubt: bool, groups: dict[str, tuple[str, ...]] | None = None) -> None:
    """Of order A; ``in_doubt``: its first create was lost."""
    run = Run(
        Scenario(
            1,
            sorted([(0.0, "start", ("a",)), *happenings], key=lambda happening: happening[0]),
            groups or {"one": ("a",)},
            changes=HOLD,
            fates=_first_put_lost if in_doubt else None,
            faults_end=90.0,
        )
    )
    found = run.go().problems
    # The judge knows of no ticket that was there and was deleted.
    problems = [problem for problem in found if in_doubt or not problem.startswith("I4")]
    assert not problems, "\n".join(problems)
    assert [ticket.fields.get("externalId") for ticket in run.willow.tickets.values()].count("A") == 1


@pytest.mark.parametrize("again", [(10.15, "kill", ("a",)), (10.005, "resolve", ("A",)), (10.1, "plan_again", ())])
def test_a_doubt_is_ended_once(again: Happening) -> None:
    """The second time, the word took away the ticket that had been made since."""
    orders = Orders()
    _one_ticket(
        (1.0, "produce", (orders.change("A"),)),
        (10.0, "resolve", ("A",)),
        again,
        (40.0, "produce", (orders.change("A"),)),
        in_doubt=True,
    )


def test_two_groups_that_are_told_at_once_make_one_ticket() -> None:
    orders = Orders()
    _one_ticket(
        (0.0, "start", ("b",)),
        (1.0, "produce", (orders.change("A"),)),
        (10.0, "resolve", ("A",)),
        (40.0, "produce", (orders.change("A"),)),
        in_doubt=True,
        groups=TWO,
    )


def test_a_ticket_that_is_gone_is_taken_back_once() -> None:
    orders = Orders()
    _one_ticket(
        (1.0, "produce", (orders.change("A"),)),
        (3.0, "remove", ("T1",)),
        (3.0, "resolve", ("A",)),
        (3.02, "produce", (orders.change("A"),)),
        (3.15, "kill", ("a",)),
        (25.0, "produce", (orders.change("A"),)),
        in_doubt=False,
    )


def test_a_new_group_reads_an_old_word() -> None:
    orders = Orders()
    _one_ticket(
        (1.0, "produce", (orders.change("A"),)),
        (3.0, "remove", ("T1",)),
        (3.0, "resolve", ("A",)),
        (5.0, "produce", (orders.change("A"),)),
        (30.0, "stop", ("a",)),
        (40.0, "start", ("b",)),
        (80.0, "produce", (orders.change("A"),)),
        (82.0, "start", ("a",)),
        in_doubt=False,
        groups=TWO,
    )
