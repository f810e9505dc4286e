"""A worker killed, or frozen past its session, at every point at which something leaves it or comes to it."""

from collections.abc import Callable, Iterable

import pytest

from tests.simulation import small
from tests.simulation.run import Result
from tests.simulation.scenario import Scenario

QUICK = [small.two_orders, small.created_without_an_answer]
LONGER = [
    small.parked_and_woken,
    small.not_created_and_no_answer,
    small.skipped_refused_and_poison,
    small.filled_for_another_group,
    small.woken_for_another_group,
]
EACH = [*QUICK, *(pytest.param(make, marks=pytest.mark.acceptance) for make in LONGER)]

#: Points at which a state was decided, and is on its way to the changelog.
STATE_WRITE = ("state", "changelog")


def _check(runs: Iterable[tuple[str, Result]], *, at_least: int) -> None:
    problems, count = [], 0
    for what, result in runs:
        count += 1
        problems += [f"{what}: {problem}" for problem in result.problems]
    assert not problems, "\n".join(problems)
    assert count >= at_least, "the scenario has lost its points"


@pytest.mark.parametrize("make", EACH)
def test_a_worker_is_killed_at_every_point(make: Callable[[], Scenario]) -> None:
    _check(small.killed_at_each(make()), at_least=140)


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("make", "loses"), [(small.create_and_change, True), (small.create_change_and_delete_at_once, False)]
)
def test_a_worker_is_killed_at_every_pair_of_points(make: Callable[[], Scenario], loses: bool) -> None:
    _check(small.killed_at_each_pair(make(), loses=loses), at_least=1000)


@pytest.mark.parametrize("make", EACH)
def test_a_worker_is_frozen_past_its_session_at_every_point(make: Callable[[], Scenario]) -> None:
    _check(((what, result) for _, what, result in small.frozen_at_each(make())), at_least=50)


@pytest.mark.acceptance
def test_a_worker_is_frozen_while_a_state_waits_to_be_sent() -> None:
    runs = small.frozen_at_each(small.not_created_and_no_answer())
    _check(((what, result) for name, what, result in runs if name.endswith(STATE_WRITE)), at_least=1)


@pytest.mark.acceptance
def test_a_worker_is_killed_at_every_point_while_willow_takes_changes_late() -> None:
    _check(small.killed_at_each(small.changed_late()), at_least=60)
