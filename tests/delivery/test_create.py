"""The create protocol (delivery.md §2), branch by branch, and two owners that race for one order."""

import itertools
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.answers import Answer, Failure, Operation
from streams.delivery.create import (
    LOOK_UPS,
    CreateAgain,
    Found,
    Freed,
    InDoubt,
    LookUp,
    MayClaim,
    MayPut,
    OpenClaim,
    Seen,
    Ticketed,
    Wait,
    Withdraw,
    after_claim,
    after_failure,
    after_look_up,
    after_signal,
    before_claim,
    binding,
    claim_deadline,
    claim_for,
    counts,
    made_for,
    may_send,
    next_look_up,
    settled_at,
)

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

FIRST = OpenClaim("c1", 10, 1_000_000, 30.0, {})
SECOND = OpenClaim("c2", 11, 1_000_500, 30.0, {})
DAY = LOOK_UPS[-1]


def seen(*open_claims: OpenClaim, identity: str | None = None, done: str | None = None) -> Seen:
    return Seen(identity, done, open_claims)


@dataclass(frozen=True)
class Before:
    name: str
    seen: Seen
    move: Ticketed | InDoubt | MayClaim


BEFORE = (
    Before("nothing is known", seen(), MayClaim()),
    Before("an identity", seen(identity="T1"), Ticketed("T1")),
    Before("done, while the view of the identities lags", seen(done="T1"), Ticketed("T1")),
    Before("the identity ranks above done", seen(identity="T1", done="T2"), Ticketed("T1")),
    Before("an open claim, whoever's", seen(FIRST), InDoubt(FIRST)),
    Before("the first of several open claims", seen(FIRST, SECOND), InDoubt(FIRST)),
    Before("a ticket ends the doubt about a claim that is still open", seen(FIRST, done="T1"), Ticketed("T1")),
)


@pytest.mark.parametrize("case", BEFORE, ids=lambda case: case.name)
def test_before_a_claim(case: Before) -> None:
    assert before_claim(case.seen) == case.move


@dataclass(frozen=True)
class After:
    name: str
    seen: Seen
    own: str
    lease_fresh: bool
    move: MayPut | Withdraw
    read_back: bool = True


AFTER = (
    After("first and fresh", seen(FIRST), "c1", True, MayPut()),
    After("first, and others behind it", seen(FIRST, SECOND), "c1", True, MayPut()),
    After("first, but frozen meanwhile", seen(FIRST), "c1", False, Withdraw("not_sent", None)),
    After("second", seen(FIRST, SECOND), "c2", True, Withdraw("lost", InDoubt(FIRST))),
    After("second and frozen", seen(FIRST, SECOND), "c2", False, Withdraw("lost", InDoubt(FIRST))),
    After("someone bound the order", seen(FIRST, identity="T1"), "c1", True, Withdraw("not_sent", Ticketed("T1"))),
    After("the former owner is done", seen(SECOND, done="T1"), "c2", True, Withdraw("not_sent", Ticketed("T1"))),
    After("the own claim is not seen", seen(), "c1", True, Withdraw("not_sent", None)),
    After("not read back in time, or with a gap", seen(FIRST), "c1", True, Withdraw("not_sent", None), read_back=False),
    After("only another's claim is seen", seen(FIRST), "c2", True, Withdraw("not_sent", None)),
)


@pytest.mark.parametrize("case", AFTER, ids=lambda case: case.name)
def test_after_the_claim_was_read_back(case: After) -> None:
    move = after_claim(case.seen, case.own, read_back=case.read_back, lease_fresh=case.lease_fresh)
    assert move == case.move


@pytest.mark.parametrize("order", set(itertools.permutations("aabb")))
def test_of_two_owners_at_most_one_sends(order: tuple[str, ...]) -> None:
    """Each owner claims and then looks; whatever the interleaving, one at most may PUT."""
    log: list[OpenClaim] = []
    sent = []
    for owner in order:
        if all(claim.claim_id != owner for claim in log):
            # Both saw nothing before they claimed: the worst case, a paused owner and its successor.
            log.append(OpenClaim(owner, len(log), 0, 30.0, {}))
        elif isinstance(after_claim(seen(*log), owner, read_back=True, lease_fresh=True), MayPut):
            sent.append(owner)
    assert sent == [log[0].claim_id]


@dataclass(frozen=True)
class Last:
    name: str
    lease_fresh: bool
    claimed_for: float
    may: bool


LAST = (
    Last("at once", True, 0.0, True),
    Last("in the last moment", True, 30.0, True),
    Last("the slot came too late", True, 30.1, False),
    Last("frozen meanwhile", False, 0.1, False),
)


@pytest.mark.parametrize("case", LAST, ids=lambda case: case.name)
def test_the_last_look_before_the_put(case: Last) -> None:
    assert may_send(lease_fresh=case.lease_fresh, claimed_for=case.claimed_for, send_within=30.0) is case.may


def test_a_call_that_may_be_sent_ends_by_the_claims_deadline() -> None:
    latest_start, longest = 30.0, 30.0
    assert may_send(lease_fresh=True, claimed_for=latest_start, send_within=30.0)
    assert latest_start + longest <= claim_deadline(30.0, longest)


@pytest.mark.parametrize(
    ("answer", "move"),
    [
        (Answer(Operation.PUT, 429), Withdraw("429", None)),
        (Answer(Operation.PUT, failure=Failure.NOT_CONNECTED), Withdraw("not_connected", None)),
        (Answer(Operation.PUT, 504), InDoubt(FIRST)),
        (Answer(Operation.PUT, failure=Failure.NO_ANSWER), InDoubt(FIRST)),
    ],
)
def test_after_a_put_that_gave_no_ticket(answer: Answer, move: Withdraw | InDoubt) -> None:
    assert after_failure(FIRST, answer) == move


def test_what_is_written_once_the_ticket_is_known() -> None:
    assert binding(None, FIRST) == ("identity", "done")
    assert binding("T1", FIRST) == ("done",)
    assert binding(None, None) == ("identity",)
    assert binding("T1", None) == ()


def test_the_own_claim_is_known_by_its_source() -> None:
    source = {"topic": "t", "partition": 3, "offset": 7}
    own = OpenClaim("c3", 12, 0, 30.0, source)
    assert claim_for(seen(FIRST, own), {**source, "topicId": "x"}) == own
    assert claim_for(seen(FIRST, own), {**source, "offset": 8}) is None


# -- in doubt --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "created_for", "made"),
    [
        (None, ("orders", 3, 7), True),
        (FIRST, None, True),
        (FIRST, ("orders", 3, 6), False),  # another group's create was under way, and a kill left the own claim open
        (None, ("orders", 3, 6), False),
        (None, None, False),
    ],
)
def test_which_record_made_the_ticket(
    own: OpenClaim | None, created_for: tuple[str, int, int] | None, made: bool
) -> None:
    assert made_for({"topic": "orders", "partition": 3, "offset": 7}, own, created_for) is made


def test_the_owner_that_sent_counts_settle_from_the_end_of_its_call() -> None:
    assert settled_at(FIRST, 300.0, call_ended=2000.0) == 2300.0


def test_a_successor_counts_from_the_claims_timestamp_and_its_claimers_deadline() -> None:
    assert FIRST.call_ended_by == 1030.0
    assert settled_at(FIRST, 300.0, call_ended=None) == 1330.0


@dataclass(frozen=True)
class Looked:
    name: str
    look_up: LookUp
    then: Literal["create", "hold"]
    move: Found | CreateAgain | Wait


AGAIN, WAIT = CreateAgain("c1"), Wait()
LOOKED = (
    Looked("a counted zero after settle", LookUp((), True, 100.0), "create", AGAIN),
    Looked("a counted zero before settle", LookUp((), True, 99.9), "create", WAIT),
    Looked("a zero that does not count", LookUp((), False, 500.0), "create", WAIT),
    Looked("hold waits for resolve", LookUp((), True, 500.0), "hold", WAIT),
    Looked("one ticket", LookUp(("T1",), False, 5.0), "create", Found("T1", ())),
    Looked("one ticket, on hold", LookUp(("T1",), False, 5.0), "hold", Found("T1", ())),
    Looked("several: the oldest", LookUp(("T1", "T2", "T3"), True, 500.0), "create", Found("T1", ("T2", "T3"))),
)


@pytest.mark.parametrize("case", LOOKED, ids=lambda case: case.name)
def test_what_a_look_up_means(case: Looked) -> None:
    assert after_look_up(case.look_up, FIRST, settled=100.0, then=case.then) == case.move


@dataclass(frozen=True)
class Signalled:
    name: str
    seen: Seen
    look_up: LookUp | None
    move: object


ZERO = LookUp((), True, 100.0)
SIGNALLED = (
    Signalled("someone bound the order", seen(FIRST, identity="T1"), ZERO, Ticketed("T1")),
    Signalled("the claim is released", seen(SECOND), ZERO, Freed()),
    Signalled("a look-up that was about another claim", seen(FIRST), None, WAIT),
    Signalled("a look-up about this one", seen(FIRST, SECOND), ZERO, AGAIN),
)


@pytest.mark.parametrize("case", SIGNALLED, ids=lambda case: case.name)
def test_what_a_signal_means(case: Signalled) -> None:
    assert after_signal(case.seen, FIRST, case.look_up, settled=100.0, then="create") == case.move


@pytest.mark.parametrize(
    ("control", "shown", "honoured", "counted"),
    [("C", {"C"}, True, True), ("C", {"C"}, False, False), ("C", set(), True, False), (None, {None}, True, False)],
)
def test_a_zero_counts_beside_a_known_ticket(
    control: str | None, shown: set[str | None], honoured: bool, counted: bool
) -> None:
    assert counts(control, shown, honoured=honoured) is counted


@pytest.mark.parametrize(
    ("now", "due"),
    [(0.0, 5.0), (5.0, 30.0), (29.9, 30.0), (30.0, 120.0), (600.0, 3600.0), (3600.0, DAY), (DAY, 2 * DAY)],
)
def test_look_ups_follow_the_schedule(now: float, due: float) -> None:
    assert next_look_up(1000.0, 1000.0 + now, settled=0.0) == 1000.0 + due


@pytest.mark.parametrize("days", [1, 2, 3, 400])
def test_after_the_schedule_once_a_day(days: int) -> None:
    assert next_look_up(0.0, days * DAY + 1.0, settled=0.0) == (days + 1) * DAY


def test_one_more_look_up_when_settle_ends() -> None:
    assert next_look_up(0.0, 130.0, settled=300.0) == 300.0
    assert next_look_up(0.0, 300.0, settled=300.0) == 600.0


@given(
    since=st.floats(0, 2e9),
    waited=st.floats(0, 100 * DAY),
    settled_after=st.floats(0, 2 * DAY),
)
@UNHURRIED
def test_the_next_look_up_lies_ahead_and_within_a_day(since: float, waited: float, settled_after: float) -> None:
    now, settled = since + waited, since + settled_after
    due = next_look_up(since, now, settled)
    assert now < due <= now + DAY + 1e-3
    assert due <= settled or settled <= now, "a look-up is due when settle ends"


# -- the claim's record ----------------------------------------------------------------------------------------------


def test_a_claim_as_its_record_says() -> None:
    record = {"deadlineSeconds": 30, "source": {"offset": 7}}
    assert OpenClaim.from_record("c1", 10, 1_000_000, record) == OpenClaim("c1", 10, 1_000_000, 30.0, {"offset": 7})


@pytest.mark.parametrize("record", [{}, {"deadlineSeconds": "soon", "source": "here"}, {"deadlineSeconds": None}])
def test_a_claim_that_says_less_still_stands(record: dict[str, object]) -> None:
    assert OpenClaim.from_record("c1", 10, 1_000_000, record) == OpenClaim("c1", 10, 1_000_000, 0.0, {})
