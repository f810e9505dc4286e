"""Traces worth keeping: what the explorer found in earlier rules, and what breaks ``settle``."""

from dataclasses import replace

import pytest

from tests.delivery.protocol.conftest import Patch
from tests.delivery.protocol.explorer import NotOffered, Trace, explore, follow
from tests.delivery.protocol.test_exactly_one import create, hold
from tests.delivery.protocol.test_mutations import gaps_read_over, sent_at_any_age

#: B's view stands before A's claim when compaction takes that away for its `done`; B reads its own claim, which comes
#: next, and nothing of A's.
COMPACTED_WHILE_CLAIMING = """
    worker A sees nothing and claims: c1
    worker A its c1 open is taken as claims@0
    worker A reads c1 back as the first open claim
    worker A may send, says the last look (c1 is 0 old)
    worker A PUTs under c1
    worker B sees nothing and claims: c2
    worker B its c2 open is taken as claims@1
    Willow commits the PUT of c1
    worker A gets its 201
    worker A sends the identity
    worker A its identity is taken
    worker A sends done for c1
    worker A its c1 done is taken as claims@2
    worker B reads c2 back as the first open claim
    worker B may send, says the last look (c2 is 0 old)
    worker B PUTs under c2
    Willow commits the PUT of c2
"""

#: A's PUT waits for its slot for longer than a call may last. B, of another group, counts from A's claim: for B the
#: call is over and settled, while Willow may still commit it, and has not listed it.
WAITED_FOR_A_SLOT = """
    worker A sees nothing and claims: c1
    worker A its c1 open is taken as claims@0
    worker A reads c1 back as the first open claim
    worker B sees c1 open
    worker B is in doubt about c1
    the clock goes on
    the clock goes on
    worker A may send, says the last look (c1 is 2 old)
    worker A PUTs under c1
    the clock goes on
    worker B a look-up finds nothing
    worker B releases c1: settled, and nothing found
    worker B its c1 released is taken as claims@1
    worker B sees nothing and claims: c2
    worker B its c2 open is taken as claims@2
    worker B reads c2 back as the first open claim
    worker B may send, says the last look (c2 is 0 old)
    worker B PUTs under c2
    Willow commits the PUT of c1
    Willow commits the PUT of c2
"""

#: A is frozen where nothing can be checked any more. It wakes when its call is settled in B's eyes.
FROZEN_BEFORE_ITS_PUT = """
    worker A sees nothing and claims: c1
    worker A its c1 open is taken as claims@0
    worker A reads c1 back as the first open claim
    worker A may send, says the last look (c1 is 0 old)
    worker B takes the partition over
    worker B sees c1 open
    worker B is in doubt about c1
    the clock goes on
    the clock goes on
    the clock goes on
    worker B a look-up finds nothing
    worker B releases c1: settled, and nothing found
    worker B its c1 released is taken as claims@1
    worker B sees nothing and claims: c2
    worker B its c2 open is taken as claims@2
    worker B reads c2 back as the first open claim
    worker B may send, says the last look (c2 is 0 old)
    worker B PUTs under c2
    Willow commits the PUT of c2
    worker A PUTs under c1
    Willow commits the PUT of c1
"""


def test_a_claim_compacted_away_while_another_is_read_back_stops_that_one(patched: Patch) -> None:
    with pytest.raises(NotOffered, match="'worker B withdraws c2: not_sent'"):
        follow(hold(1, 1), COMPACTED_WHILE_CLAIMING)
    patched({"after_claim": gaps_read_over})
    assert all(world.tickets == 2 for world in follow(hold(1, 1), COMPACTED_WHILE_CLAIMING))


def test_a_put_that_waited_longer_than_a_call_lasts_is_not_sent(patched: Patch) -> None:
    with pytest.raises(NotOffered, match="'worker A does not send after all \\(c1 is 2 old\\)'"):
        follow(create(1, 1), WAITED_FOR_A_SLOT)
    patched({"may_send": sent_at_any_age})
    assert all(world.tickets == 2 for world in follow(create(1, 1), WAITED_FOR_A_SLOT))


# -- what breaks `settle` --------------------------------------------------------------------------------------------


def order_of(trace: Trace, *steps: str) -> list[int]:
    """Which comes first, second, …"""
    whats = [what for _, what in trace.steps]
    return [sorted(map(whats.index, steps)).index(whats.index(step)) for step in steps]


def test_under_create_a_commit_after_settle_makes_two() -> None:
    found = explore(replace(create(1), late=True), at_most=10_000).duplicate
    assert found is not None
    print(found)
    assert order_of(found, "commits the PUT of c1", "releases c1: settled, and nothing found") == [1, 0]


def test_under_create_a_list_that_hides_a_ticket_makes_two() -> None:
    found = explore(replace(create(1), blind=True), at_most=10_000).duplicate
    assert found is not None
    print(found)
    assert order_of(found, "commits the PUT of c1", "a look-up finds nothing") == [0, 1]


def test_under_create_a_worker_frozen_for_longer_than_settle_before_its_put_makes_two() -> None:
    """No check closes this gap: between the last look and the PUT there is none. To Willow it is a late commit."""
    frozen = replace(create(2, takeovers=1), frozen=True)
    assert all(world.tickets == 2 for world in follow(frozen, FROZEN_BEFORE_ITS_PUT))


def test_under_hold_the_successor_of_the_frozen_worker_releases_nothing() -> None:
    # Its clock stands still there: nothing depends on it.
    story = FROZEN_BEFORE_ITS_PUT.replace("    the clock goes on\n", "")
    with pytest.raises(NotOffered, match="'worker B releases c1: settled, and nothing found' is not among"):
        follow(hold(2, takeovers=1), story)
