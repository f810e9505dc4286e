"""No interleaving makes two tickets for the order, and from each state a ticket or a rightful hold can be reached.

Under ``then: hold`` nothing is assumed: Willow may commit a request days after its call has ended and leave the ticket
out of its list, a worker may stand still between its last look and its PUT. Under ``create`` each of these is what
``settle`` says does not happen; the traces show what comes of it when it does."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.delivery.protocol.explorer import Explored, explore
from tests.delivery.protocol.world import Left, Setting


def left(**counts: int) -> Left:
    return Left(**{"claims": 2, "kills": 0, "takeovers": 0, "hiccups": 0, "tombstones": 0, **counts})


def hold(*workers: int, **counts: int) -> Setting:
    return Setting(workers, "hold", left(**counts), late=True, blind=True, unfiltered=True, frozen=True)


def create(*workers: int, **counts: int) -> Setting:
    return Setting(workers, "create", left(**counts), unfiltered=True)


@dataclass(frozen=True)
class Case:
    name: str
    setting: Setting
    at_least: int
    """States that it is known to come to: an explorer that misses half of them proves nothing."""


QUICK = (
    Case("two groups, hold", hold(1, 1), 60_000),
    Case("a worker that is killed or frozen, and its successor, hold", hold(2, kills=1, takeovers=1), 10_000),
    Case("one worker that goes on after settle, create", create(1, claims=3, hiccups=1), 5_000),
    Case("a worker that is killed, and its successor, create", create(2, kills=1), 10_000),
)

#: Minutes, all together.
WHOLE = (
    Case("two groups and a broker that hiccups, hold", hold(1, 1, hiccups=1), 200_000),
    Case("all faults at once, hold", hold(2, kills=1, takeovers=1, hiccups=1, tombstones=1), 100_000),
    Case("a worker that is killed or frozen, and its successor, create", create(2, kills=1, takeovers=1), 150_000),
)


def named(case: Any) -> str:
    return str(case.name)


def holds(case: Case) -> Explored:
    found = explore(case.setting, at_most=2_000_000)
    assert found.duplicate is None, str(found.duplicate)
    assert found.stuck is None, str(found.stuck)
    assert found.states >= case.at_least
    assert found.ticketed > 0
    assert (found.held > 0) == (case.setting.then == "hold")
    return found


@pytest.mark.parametrize("case", QUICK, ids=named)
def test_one_ticket_at_most_and_always_a_way_on(case: Case) -> None:
    holds(case)


@pytest.mark.acceptance
@pytest.mark.parametrize("case", WHOLE, ids=named)
def test_one_ticket_at_most_and_always_a_way_on_with_more_faults(case: Case) -> None:
    holds(case)
