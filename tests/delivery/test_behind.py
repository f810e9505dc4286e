"""What is kept of the records behind a doubt."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.behind import MAX_BEHIND_BYTES, bounded
from streams.delivery.bounds import MAX_PLAN_BYTES, size_of
from streams.kafka.producer import MAX_RECORD_BYTES

#: A sixteenth of what may be kept.
TEXT = "x" * (MAX_BEHIND_BYTES // 16)


def source(offset: int) -> dict[str, Any]:
    return {"topic": "work-orders", "partition": 0, "offset": offset, "topicId": "id-1"}


def intent(offset: int, kind: str = "upsert", texts: int = 0, **record: Any) -> dict[str, Any]:
    """With ``texts`` it has so many long ones, in fields of the record."""
    told = {**record, **{f"text{number}": TEXT for number in range(texts)}}
    made = {"kind": kind, "workOrderId": "WO1", "source": source(offset), "record": told}
    if kind == "skip":
        made["reason"] = {"code": "outside_selected_sites"}
    return {**made, "fields": dict(record)} if kind == "upsert" else made


def offsets(intents: list[dict[str, Any]]) -> list[int]:
    return [item["source"]["offset"] for item in intents]


def test_the_state_of_an_order_in_doubt_has_room_for_its_own_plan_and_for_more() -> None:
    assert MAX_PLAN_BYTES + MAX_BEHIND_BYTES <= MAX_RECORD_BYTES * 3 // 4


def test_while_there_is_room_all_are_kept() -> None:
    kept = [intent(1, "skip"), intent(2, a=1), intent(3, "park"), intent(4, a=2), intent(5, "delete")]
    assert bounded(kept) == kept


def test_changes_are_folded_into_the_newest_and_force_outlasts_it() -> None:
    found = bounded([{**intent(1, a=1, b=1), "force": True}, *(intent(n, texts=7, b=n) for n in (2, 3, 4))])
    assert offsets(found) == [4]
    assert (found[0]["fields"], found[0]["force"]) == ({"a": 1, "b": 4}, True)


def test_a_change_takes_the_place_of_what_was_skipped_and_a_skip_stands_behind_a_change() -> None:
    large = [intent(1, "skip", 7), intent(2, "skip", 7), intent(3, texts=3), intent(4, "delete")]
    assert offsets(bounded([*large, intent(5, "skip", 7)])) == [3, 5]
    assert offsets(bounded([*large, intent(5, texts=7)])) == [5]


def test_what_a_parked_record_said_is_planned_with_the_change_that_takes_its_place() -> None:
    parked = [intent(1, "park", 6, description="old"), intent(2, "park", 6, summary="s"), intent(3, "park", 6)]
    change = {**intent(4, jobStatus="Open", relatesTo=[]), "missing": []}
    found = bounded([*parked, change])
    assert offsets(found) == [4]
    said = found[0]["record"]
    assert (said["description"], said["summary"], said["jobStatus"]) == ("old", "s", "Open")
    assert found[0]["missing"] == ["jobStatus"]


def test_a_change_that_leaves_out_nothing_of_a_parked_record_is_taken_as_it_was_planned() -> None:
    parked = [intent(number, "park", 6) for number in (1, 2, 3)]
    assert bounded([*parked, {**intent(4, texts=6), "missing": []}])[0]["missing"] == []


def _apart(offset: int) -> dict[str, Any]:
    """A change whose texts are in fields that no other has."""
    own: dict[str, Any] = {f"own{offset}": TEXT * 3}
    return intent(offset, **own)


def test_what_can_neither_be_folded_nor_kept_says_so_in_its_turn() -> None:
    kept: list[dict[str, Any]] = []
    for offset in range(1, 9):
        kept = bounded([*kept, _apart(offset)])
    *before, refused = kept
    # Of the refused ones the newest; what comes behind them is not folded over what came before.
    assert (refused["source"], refused["kind"], refused["reason"]["code"]) == (source(8), "skip", "undecodable")
    assert refused["record"] == {}
    assert all(item["kind"] == "upsert" for item in before)
    assert offsets(bounded([*kept, intent(9, a=1)])) == [*offsets(kept), 9]


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(["upsert", "skip", "park", "delete"]), st.integers(0, 5)), max_size=16))
def test_it_is_bounded_whatever_comes_and_keeps_the_log_s_order(came: list[tuple[str, int]]) -> None:
    kept: list[dict[str, Any]] = []
    for offset, (kind, own) in enumerate(came):
        record: dict[str, Any] = {} if kind == "delete" else {f"own{own}": TEXT * 3}
        kept = bounded([*kept, intent(offset, kind, **record)])
        assert sum(map(size_of, kept)) <= MAX_BEHIND_BYTES + 1000
        assert offsets(kept) == sorted(set(offsets(kept)))
        assert offsets(kept)[-1] == offset
