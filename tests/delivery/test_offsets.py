"""The watermark: acknowledged in offset order, never past one that is in work (I7)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.offsets import Slot, Watermark

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def offsets(slots: list[Slot[int]]) -> list[int]:
    return [slot.record for slot in slots]


def test_what_ends_out_of_order_waits_for_those_before_it() -> None:
    mark = Watermark[int]()
    first, second, third = (mark.add(offset) for offset in (5, 6, 9))
    assert mark.finish(third) == []
    assert offsets(mark.finish(first)) == [5]
    assert offsets(mark.finish(second)) == [6, 9]
    assert len(mark) == 0


def test_what_was_given_up_comes_back_whole_and_is_forgotten() -> None:
    mark = Watermark[int]()
    first, second = mark.add(1, 10), mark.add(2, 20)
    mark.finish(second)
    assert [(slot.record, slot.size) for slot in mark.clear()] == [(1, 10), (2, 20)]
    assert mark.finish(first) == []


def test_an_older_slot_that_ends_late_moves_nothing() -> None:
    mark = Watermark[int]()
    old = mark.add(1)
    mark.clear()
    again = mark.add(1)
    assert mark.finish(old) == []
    assert offsets(mark.finish(again)) == [1]


@given(st.data())
@UNHURRIED
def test_never_past_an_unfinished_one(data: st.DataObject) -> None:
    mark = Watermark[int]()
    slots: list[Slot[int]] = []
    passed: list[int] = []
    for _ in range(data.draw(st.integers(1, 60))):
        open_ones = [slot for slot in slots if not slot.done]
        ends: bool = data.draw(st.booleans())
        if open_ones and ends:
            passed += offsets(mark.finish(data.draw(st.sampled_from(open_ones))))
        else:
            slots.append(mark.add(len(slots)))
        unfinished = [slot.record for slot in slots if not slot.done]
        assert passed == list(range(len(passed)))
        # Neither past one in work, nor held back by nothing.
        assert len(passed) == min(unfinished, default=len(slots))
