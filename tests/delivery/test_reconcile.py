"""Where an intent stands in its order's log, and what is then sent (contract §2, §3, §4)."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.outcome import OutcomeKind
from streams.delivery.outcomes import outcome
from streams.delivery.reconcile import (
    Verdict,
    changes,
    desired,
    fill,
    fold,
    is_older,
    judge,
    moves_watermark,
    replaced_by,
    same_record,
    to_create,
)
from streams.delivery.state import OrderState, Owed, Waiting, hashes_of

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LOG = "id-1/3"


def source(offset: int, *, topic_id: str = "id-1") -> dict[str, Any]:
    return {"topic": "work-orders", "partition": 3, "offset": offset, "changedAt": None, "topicId": topic_id}


def intent(offset: int, kind: str = "upsert", **more: Any) -> dict[str, Any]:
    given_source = more.pop("source", source(offset))
    return {"kind": kind, "workOrderId": "WO1", "entityType": "WORK_ORDER", "source": given_source, **more}


def said(of: dict[str, Any], kind: OutcomeKind = OutcomeKind.UPDATED) -> dict[str, Any]:
    return outcome(of, kind, 1000.0)


def wake(offset: int, waiting_id: str | None, cause: str = "wake", **more: Any) -> dict[str, Any]:
    return intent(offset, cause=cause, waitingId=waiting_id, **more)


def parked(of: dict[str, Any], kind: str = "parked", *owed: Owed) -> Waiting:
    own, its_id = Owed(of["source"], of.get("replayId")), "" if kind == "in_doubt" else "w1"
    return Waiting(kind, "unknown_entity", 1.0, of, [*owed, own], its_id, outcome=said(of))


DECIDED = OrderState(decided={LOG: 7}, watermark="2026-11-02T09:00:00Z", last=said(intent(7)))
PARKED = OrderState(decided={LOG: 7}, last=said(intent(5)), waiting=parked(intent(7), "parked", Owed(source(6))))
IN_DOUBT = OrderState(
    decided={LOG: 9}, last=said(intent(5)), waiting=parked(intent(7), "in_doubt", Owed(source(8)), Owed(source(9)))
)
REPLAY_PARKED = OrderState(decided={LOG: 7}, waiting=parked(intent(7, replayId="r1")))
OTHER = {**source(2), "partition": 4}
GROWN = OrderState(decided={LOG: 7, "id-1/4": 2}, last=said(intent(2, source=OTHER)))
GROWN_IN_DOUBT = OrderState(
    decided=GROWN.decided,
    waiting=replace(parked(intent(7), "in_doubt"), behind=[intent(2, source=OTHER)]),
)
DOUBT_OVER = OrderState(decided={LOG: 9}, last=said(intent(7)), queue=[intent(8), intent(9, replayId="r1")])


@dataclass(frozen=True)
class Case:
    name: str
    intent: dict[str, Any]
    state: OrderState
    verdict: Verdict


OLD, NEW = "2026-11-02T08:59:59.999Z", "2026-11-02T09:00:00.001Z"
ACCEPT, REPEAT, SUPERSEDED, STALE, DROP = Verdict
CASES = (
    Case("the first record of an order", intent(0), OrderState(), ACCEPT),
    Case("the next record", intent(8), DECIDED, ACCEPT),
    Case("the last applied one, redelivered", intent(7), DECIDED, REPEAT),
    Case("an older one, redelivered", intent(6), DECIDED, SUPERSEDED),
    Case("an older one, replayed", intent(6, cause="replay", replayId="r1"), DECIDED, SUPERSEDED),
    Case("the last one, replayed", intent(7, cause="replay", replayId="r1"), DECIDED, ACCEPT),
    Case("a replay of one that was never decided", intent(8, cause="replay", replayId="r1"), DECIDED, ACCEPT),
    Case(
        "the last replay, redelivered",
        intent(7, cause="replay", replayId="r1"),
        OrderState(decided={LOG: 7}, last=said(intent(7, replayId="r1"))),
        REPEAT,
    ),
    Case(
        "the same replay of an older record, told already",
        intent(7, replayId="r2"),
        OrderState(decided={LOG: 7}, last=said(intent(7, replayId="r1"))),
        ACCEPT,
    ),
    # -- the input has grown: the newest record of the order is in another partition
    Case("one replayed that a record of another partition replaced", intent(7, replayId="r1"), GROWN, SUPERSEDED),
    Case("one replayed that another partition's stands behind", intent(7, replayId="r1"), GROWN_IN_DOUBT, SUPERSEDED),
    Case("the newest one, replayed", intent(2, source=OTHER, replayId="r1"), GROWN, ACCEPT),
    Case("the next record of the older partition", intent(8), GROWN, ACCEPT),
    Case("a topic that was made again starts a new log", intent(2, source=source(2, topic_id="id-2")), DECIDED, ACCEPT),
    # -- stale
    Case("strictly older by the clock", intent(8, dateUpdated=OLD), DECIDED, STALE),
    Case("as old", intent(8, dateUpdated=DECIDED.watermark), DECIDED, ACCEPT),
    Case("newer", intent(8, dateUpdated=NEW), DECIDED, ACCEPT),
    Case("without an instant that counts", intent(8, dateUpdated=None), DECIDED, ACCEPT),
    Case("a replay is never stale", intent(8, cause="replay", replayId="r", dateUpdated=OLD), DECIDED, ACCEPT),
    Case("nothing to be older than", intent(8, dateUpdated=OLD), OrderState(decided={LOG: 7}), ACCEPT),
    # -- waiting
    Case("the parked one, redelivered", intent(7), PARKED, REPEAT),
    Case("one under the parked one, redelivered: its final outcome is due", intent(6), PARKED, DROP),
    Case("one whose outcome was told, redelivered", intent(4), PARKED, SUPERSEDED),
    Case("the parked one, replayed", intent(7, cause="replay", replayId="r1"), PARKED, ACCEPT),
    Case("the parked replay, redelivered", intent(7, cause="replay", replayId="r1"), REPLAY_PARKED, REPEAT),
    Case("what stands behind a doubt, redelivered", intent(9), IN_DOUBT, DROP),
    Case("the one in doubt, redelivered", intent(7), IN_DOUBT, REPEAT),
    Case("what stood behind a doubt that is over", intent(8), DOUBT_OVER, DROP),
    Case("a replay that stood behind it", intent(9, replayId="r1"), DOUBT_OVER, DROP),
    # -- wake-ups
    Case("the wake-up of the parked one", wake(7, "w1"), PARKED, ACCEPT),
    Case("the fold of the one that was sent round", wake(7, "w1", cause="fill"), PARKED, ACCEPT),
    Case("what another group, or an earlier attempt, sent round for it", wake(7, "w2"), PARKED, DROP),
    Case("what was sent round before waits had ids", wake(7, None), PARKED, DROP),
    Case("a wake-up of one that no longer waits", wake(7, "w1"), DECIDED, DROP),
    Case("nothing wakes an order in doubt", wake(7, None), IN_DOUBT, DROP),
    Case("a wake-up is never stale", wake(7, "w1", dateUpdated=OLD), PARKED, ACCEPT),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_where_an_intent_stands(case: Case) -> None:
    assert judge(case.intent, case.state, case.state.watermark) is case.verdict


def test_a_record_is_superseded_by_the_newest_of_its_log_else_of_its_order() -> None:
    assert replaced_by(intent(6), DECIDED) == said(intent(7))["source"]
    assert replaced_by(intent(7, replayId="r1"), GROWN) == said(intent(2, source=OTHER))["source"]
    assert replaced_by(intent(7, replayId="r1"), GROWN_IN_DOUBT) == OTHER


def test_a_record_is_the_same_only_with_its_replay() -> None:
    assert same_record(intent(1), said(intent(1)))
    assert not same_record(intent(1), None)
    assert not same_record(intent(1, replayId="r"), said(intent(1)))
    assert not same_record(intent(1), said(intent(2)))


@pytest.mark.parametrize(
    ("mine", "newest", "older"),
    [
        ("2026-11-02T09:14:11Z", "2026-11-02T09:14:11.402Z", True),
        ("2026-11-02T09:14:11.402Z", "2026-11-02T09:14:11Z", False),
        ("2026-11-02T09:14:11.4Z", "2026-11-02T09:14:11.400Z", False),
        ("2026-11-02T09:14:11Z", "2026-11-02T09:14:11.000000Z", False),
        ("2026-11-02T09:14:11.399999Z", "2026-11-02T09:14:11.4Z", True),
        ("2026-11-02T09:14:11Z", "2026-11-02T09:14:12Z", True),
        (None, "2026-11-02T09:14:12Z", False),
        ("2026-11-02T09:14:11Z", None, False),
    ],
)
def test_instants_are_compared_whatever_their_fraction(mine: str | None, newest: str | None, older: bool) -> None:
    assert is_older(mine, newest) is older


def test_what_leaves_the_watermark_where_it_is() -> None:
    control = intent(1, "skip", reason={"code": "not_a_change"})
    assert not moves_watermark(control)
    assert not moves_watermark(intent(1, "delete"))
    assert moves_watermark(intent(1, "skip", reason={"code": "willow_born"}))
    assert all(moves_watermark(intent(1, kind)) for kind in ("upsert", "park"))


# -- the fold --------------------------------------------------------------------------------------------------------


def test_what_a_record_left_out_has_the_older_ones_value() -> None:
    older = intent(1, record={"summary": "a", "sector": "HVAC"}, fields={"summary": "a", "cause": "x"})
    newer = intent(2, record={"summary": None}, fields={"summary": None}, warnings=["w"])
    folded = fold(older, newer)
    assert folded["source"] == newer["source"]
    assert folded["record"] == {"summary": None, "sector": "HVAC"}
    assert folded["fields"] == {"summary": None, "cause": "x"}
    assert folded["warnings"] == ["w"]


def test_the_fold_keeps_the_ticket_that_the_older_record_named() -> None:
    """Else a ticket that is there already is not adopted, and a second one is made."""
    older = intent(1, record={"identities": [{"value": "…"}]}, ticketIds=["T1"])
    assert fold(older, intent(2, record={}, ticketIds=[]))["ticketIds"] == ["T1"]
    assert fold(older, intent(2, record={"identities": []}, ticketIds=[]))["ticketIds"] == []


def test_the_fold_keeps_place_bound_fields_that_the_newer_record_left_out() -> None:
    older = intent(1, record={"sector": "HVAC"}, twins=[twin("A", categoryId="c-a"), twin("B", categoryId="c-b")])
    newer = intent(2, record={}, twins=[twin("B"), twin("C")])
    assert [choice["fields"] for choice in fold(older, newer)["twins"]] == [
        {"categoryId": "c-b"},
        {"categoryId": "c-a"},
    ]
    cleared = intent(2, record={"sector": None}, twins=[twin("B", categoryId=None)])
    assert fold(older, cleared)["twins"][0]["fields"] == {"categoryId": None}


# -- what is wanted and what changed ---------------------------------------------------------------------------------


def twin(twin_id: str, *warnings: str, **fields: Any) -> dict[str, Any]:
    return {"entityId": f"E-{twin_id}", "twinId": twin_id, "fields": fields, "warnings": list(warnings)}


TWINS = [twin("A", categoryId="c-a"), twin("B", "no service", categoryId="c-b")]


def test_among_equal_twins_the_tickets_present_one_stays() -> None:
    wanted = desired(intent(1, fields={"summary": "s"}, twins=TWINS), "B")
    assert wanted.twin_id == "B"
    assert wanted.fields == {"summary": "s", "categoryId": "c-b", "twinId": "B"}
    assert wanted.warnings == ("no service",)


@pytest.mark.parametrize("present", [None, "elsewhere"])
def test_else_the_lowest_entity_is_taken(present: str | None) -> None:
    assert desired(intent(1, fields={}, twins=TWINS), present).twin_id == "A"


def test_without_a_choice_the_ticket_keeps_its_twin() -> None:
    wanted = desired(intent(1, fields={"summary": "s"}), "B")
    assert (wanted.twin_id, wanted.fields) == ("B", {"summary": "s"})


def test_changes_are_the_fields_with_another_value() -> None:
    sent = {"summary": "a", "cause": None, "reporter": {"name": "Ann", "email": "a@b"}, "dueDate": "2026-01-01"}
    wanted = {
        "summary": "b",
        "cause": "",
        "reporter": {"email": "a@b", "name": "Ann"},
        "dueDate": None,
        "solution": "x",
    }
    assert changes(wanted, OrderState(hashes=hashes_of(sent), whole=True)) == {
        "summary": "b",
        "dueDate": None,
        "solution": "x",
    }


def test_the_source_instant_goes_only_with_another_change() -> None:
    state = OrderState(hashes=hashes_of({"summary": "a", "externalUpdatedDate": "1"}))
    assert changes({"summary": "a", "externalUpdatedDate": "2"}, state) == {}
    both = {"summary": "b", "externalUpdatedDate": "2"}
    assert changes(both, state) == both


def test_a_field_that_a_compared_ticket_was_never_sent_is_cleared_too() -> None:
    state = OrderState(hashes=hashes_of({"summary": "a"}))
    assert changes({"summary": "a", "description": None}, state) == {"description": None}


def test_a_create_has_no_nulls_and_its_fallbacks() -> None:
    body = to_create(intent(1, fallbacks={"summary": "PM WO1", "assigneeType": None}), {"summary": None, "cause": "x"})
    assert body == {"summary": "PM WO1", "cause": "x"}
    assert to_create(intent(1, fallbacks={"summary": "PM WO1"}), {"summary": "s"}) == {"summary": "s"}


values = (
    st.none() | st.text(max_size=3) | st.integers(0, 3) | st.dictionaries(st.sampled_from("ab"), st.text(max_size=2))
)
field_maps = st.dictionaries(st.sampled_from(["summary", "cause", "dueDate", "externalUpdatedDate"]), values)


@given(sent=field_maps, wanted=field_maps)
@UNHURRIED
def test_after_a_change_is_sent_nothing_is_left_to_change(sent: dict[str, Any], wanted: dict[str, Any]) -> None:
    state = OrderState()
    state.remember("T1", sent, whole=True)
    state.remember("T1", changes(wanted, state), whole=False)
    assert changes(wanted, state) == {}


# -- filling ---------------------------------------------------------------------------------------------------------


def test_nothing_to_fill() -> None:
    assert fill(intent(1, record={"id": "WO1"}), OrderState()) is None
    whole = {"id": "WO1", "summary": "s"}
    assert fill(intent(8, record=whole), OrderState(waiting=parked(intent(7, record={"id": "WO1"})))) is None


def test_needed_fields_come_from_the_last_decision() -> None:
    state = OrderState(scope={"jobStatus": "WIP", "relatesTo": [{"id": "A"}]})
    assert fill(intent(1, record={"id": "WO1", "summary": "s"}, missing=["jobStatus"]), state) == {
        "id": "WO1",
        "summary": "s",
        "jobStatus": "WIP",
    }


def test_a_needed_field_that_is_known_nowhere_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill(intent(1, record={"id": "WO1"}, missing=["relatesTo"]), OrderState(scope={"jobStatus": "WIP"}))


def test_a_record_over_a_parked_one_is_their_fold() -> None:
    under = {"id": "WO1", "summary": "a", "jobStatus": "Open", "sector": "HVAC"}
    state = OrderState(scope={"jobStatus": "older"}, waiting=parked(intent(7, record=under)))
    newer = {"id": "WO1", "summary": "b"}
    assert fill(intent(8, record=newer), state) == {**under, "summary": "b"}
    assert fill(intent(8, record=newer, missing=["jobStatus"]), state) == {**under, "summary": "b"}


def test_what_is_in_doubt_is_no_parked_record_to_lie_over() -> None:
    doubt = OrderState(waiting=parked(intent(7, record={"summary": "a"}), "in_doubt"))
    assert fill(intent(8, record={}), doubt) is None
