"""The ledger: nothing is committed past a record that was read and is not done, whatever became of it (I7)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.offsets import Ledger

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def opened(start: int, *offsets: int) -> Ledger[str]:
    ledger = Ledger[str]()
    ledger.open("p", start)
    for offset in offsets:
        assert ledger.take("p", offset)
    return ledger


def committed(ledger: Ledger[str]) -> int | None:
    return dict(ledger.committable()).get("p")


def test_what_ends_out_of_order_waits_for_those_before_it() -> None:
    ledger = opened(5, 5, 6, 9)
    assert ledger.finish("p", 9) == []
    assert committed(ledger) is None
    assert ledger.finish("p", 5) == [5]
    assert committed(ledger) == 6
    assert ledger.finish("p", 6) == [6, 9]
    assert committed(ledger) == 10


def test_the_first_one_read_holds_the_commit() -> None:
    """Stock Faust allows a gap of one before the first that was acknowledged (faust-streaming/faust#606)."""
    ledger = opened(10, 10, 11)
    ledger.finish("p", 11)
    assert committed(ledger) is None


def test_a_gap_in_the_log_holds_nothing() -> None:
    ledger = opened(10, 14, 15)
    assert ledger.finish("p", 14) == [14]
    assert committed(ledger) == 15, "10 to 13 were compacted away"


def test_a_record_that_is_not_expected_is_not_taken() -> None:
    ledger = opened(5, 5, 6)
    assert not ledger.take("p", 6), "read twice"
    assert not ledger.take("p", 4), "before the position that was sought"
    assert not ledger.take("another", 7), "its partition is not open"


def test_what_was_reported_is_not_committed_again() -> None:
    ledger = opened(5, 5, 6)
    ledger.finish("p", 5)
    ledger.reported("p", 6)
    assert committed(ledger) is None
    ledger.finish("p", 6)
    assert committed(ledger) == 7


def test_nothing_is_committed_once_the_partitions_left() -> None:
    ledger = opened(5, 5)
    ledger.close()
    assert ledger.finish("p", 5) == []
    assert committed(ledger) is None
    ledger.open("p", 5)
    assert ledger.take("p", 5), "it comes again"
    assert committed(ledger) is None


def test_opening_what_is_open_changes_nothing() -> None:
    ledger = opened(5, 5, 6)
    ledger.open("p", 5)
    assert ledger.position("p") == 7
    ledger.finish("p", 5)
    assert committed(ledger) == 6


def test_a_record_that_did_not_arrive_is_missed_with_the_next_that_does() -> None:
    ledger = opened(5, 5, 6, 7)
    assert ledger.reach("p", 5) is None
    assert ledger.reach("p", 7) == 6
    assert opened(5, 5).reach("another", 5) is None


@given(st.data())
@UNHURRIED
def test_in_any_order_of_ends_no_unfinished_one_is_passed_and_all_is_committed_at_last(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, 5))
    ledger = opened(start)
    unfinished: list[int] = []
    passed: list[int] = []
    taken, offset = [], start
    for _ in range(data.draw(st.integers(1, 60))):
        ends: bool = data.draw(st.booleans())
        if unfinished and ends:
            ended: int = data.draw(st.sampled_from(unfinished))
            unfinished.remove(ended)
            passed += ledger.finish("p", ended)
        else:
            offset += data.draw(st.integers(0, 3))
            assert ledger.take("p", offset)
            taken.append(offset)
            unfinished.append(offset)
            offset += 1
        commit = committed(ledger) or start
        assert passed == taken[: len(passed)]
        assert commit <= min(unfinished, default=commit)
        assert all(done >= commit for done in taken[len(passed) :])
    for ended in unfinished:
        passed += ledger.finish("p", ended)
    assert passed == taken
    assert (committed(ledger) or start) == (taken[-1] + 1 if taken else start)
