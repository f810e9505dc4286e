"""Which waiting changes of one order are still sent (contract §2, §8 ``conflate``)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.bounds import MAX_PLAN_BYTES
from streams.delivery.reconcile import Step, Verdict, append, conflate, fill
from streams.delivery.state import OrderState, Owed, Waiting

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MODES = ("latest", "keep_status_changes", "off")


def source(offset: int) -> dict[str, Any]:
    return {"topic": "work-orders", "partition": 0, "offset": offset, "topicId": "id-1"}


def intent(offset: int, kind: str = "upsert", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "workOrderId": "WO1", "source": source(offset), "record": {}, "fields": {}, **more}


def control(offset: int) -> dict[str, Any]:
    return intent(offset, "skip", reason={"code": "not_a_change"})


def steps(*intents: dict[str, Any], state: OrderState | None = None, mode: str = "latest") -> list[Step[int]]:
    return conflate([(item, item["source"]["offset"]) for item in intents], state or OrderState(), mode)


def shape(found: list[Step[int]]) -> list[tuple[int, list[int], list[int]]]:
    """Offset that is carried out, offsets it replaces, queue items that are done with it."""
    return [
        (step.intent["source"]["offset"], [item["source"]["offset"] for item in step.superseded], step.items)
        for step in found
    ]


def waiting(offset: int, kind: str = "parked") -> Waiting:
    owed = [Owed(source(offset))]
    return Waiting(kind=kind, code="unknown_entity", since=1.0, intent=intent(offset), owed=owed, id="w1")


def wake(offset: int, kind: str = "upsert") -> dict[str, Any]:
    return intent(offset, kind, cause="wake", waitingId="w1")


def test_only_the_newest_is_sent_and_the_rest_are_its_superseded() -> None:
    found = steps(intent(1, fields={"a": 1}), intent(2, fields={"b": 2}), intent(3, fields={"a": 3}))
    assert shape(found) == [(3, [1, 2], [1, 2, 3])]
    assert found[0].intent["fields"] == {"a": 3, "b": 2}


def test_a_replay_does_not_replace_what_another_partition_brought_before_it_in_one_batch() -> None:
    """The newest of its own log only: the older record would be sent, and the newer one told superseded by it."""
    state = OrderState(decided={"id-1/0": 1}, last=intent(1))
    newer = intent(0)
    newer["source"]["partition"] = 4
    found = steps(newer, intent(1, cause="replay", replayId="r1"), state=state)
    assert [step.verdict for step in found] == [Verdict.ACCEPT, Verdict.SUPERSEDED]


def test_a_record_and_its_replay_in_one_batch_are_one_step() -> None:
    """The state does not know the record yet."""
    state = OrderState(decided={"id-1/4": 7}, last={**intent(7), "source": {**source(7), "partition": 4}})
    assert shape(steps(intent(1), intent(1, cause="replay", replayId="r1"), state=state)) == [(1, [1], [1, 1])]


def test_changes_whose_fold_is_too_large_are_sent_one_by_one() -> None:
    """The fold stood in the state while it was sent, and no topic took it."""
    large = {name: name * (MAX_PLAN_BYTES * 2 // 3) for name in "ab"}
    found = steps(*(intent(at, fields={name: text}) for at, (name, text) in enumerate(large.items(), 1)))
    assert shape(found) == [(1, [], [1]), (2, [], [2])]


def test_off_sends_all() -> None:
    assert shape(steps(intent(1), intent(2), mode="off")) == [(1, [], [1]), (2, [], [2])]


def test_keep_status_changes_sends_each_status() -> None:
    same, other = {"statusId": "open"}, {"statusId": "closed"}
    found = steps(
        intent(1, fields=same), intent(2, fields=same), intent(3), intent(4, fields=other), mode="keep_status_changes"
    )
    assert shape(found) == [(3, [1, 2], [1, 2, 3]), (4, [], [4])]
    assert found[0].intent["fields"] == same


@pytest.mark.parametrize("mode", ["latest", "keep_status_changes"])
def test_a_delete_replaces_what_waits_and_carries_nothing_of_it(mode: str) -> None:
    found = steps(intent(1, fields={"a": 1}), intent(2, "delete"), mode=mode)
    assert shape(found) == [(2, [1], [1, 2])]
    assert found[0].intent["fields"] == {}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (intent(1), intent(2, "skip", reason={"code": "outside_selected_sites"})),
        (intent(1, "skip", reason={"code": "missing_job_status"}), intent(2)),
        (intent(1), intent(2, "park")),
        (intent(1, "park"), intent(2)),
        (intent(1, "delete"), intent(2)),
        (intent(1, force=True), intent(2)),
        (intent(1, replayId="r1"), intent(2)),
        (intent(1), intent(2, missing=["relatesTo"])),
        (intent(1), control(2)),
    ],
)
def test_what_does_not_replace_and_is_not_replaced(older: dict[str, Any], newer: dict[str, Any]) -> None:
    assert shape(steps(older, newer)) == [(1, [], [1]), (2, [], [2])]


@pytest.mark.parametrize(
    ("mode", "older", "kept"),
    [
        ("latest", {"missing": ["relatesTo", "jobStatus"]}, 1),
        ("latest", {}, 1),
        ("latest", {"replayId": "r1"}, 2),
        ("keep_status_changes", {}, 2),
        ("off", {}, 2),
    ],
)
def test_behind_a_doubt_an_incomplete_record_is_folded_over_the_one_before(
    mode: str, older: dict[str, Any], kept: int
) -> None:
    first = intent(1, record={"summary": "a", "relatesTo": "AHU1"}, twins=[{"twinId": "TW1"}], **older)
    newer = intent(2, record={"cause": "b"}, missing=["relatesTo", "jobStatus"])
    found: list[Step[int]] = []
    for item in (first, newer):
        append(found, Step(Verdict.ACCEPT, item, [], []), mode, incomplete=True)
    assert len(found) == kept
    if kept == 1:
        assert found[0].intent["record"] == {"summary": "a", "relatesTo": "AHU1", "cause": "b"}
        assert found[0].superseded == [first]
        # Its record is sent round: without a plan of its own it has no twin.
        state = OrderState(scope={"relatesTo": "AHU1", "jobStatus": "Open"})
        assert fill(found[0].intent, state) == {**found[0].intent["record"], "jobStatus": "Open"}


def test_a_signal_stands_where_it_came() -> None:
    found = steps(intent(1), intent(0, "signal"), intent(2))
    assert [step.intent["kind"] for step in found] == ["upsert", "signal", "upsert"]
    assert all(step.verdict is Verdict.ACCEPT for step in found)


def test_stale_is_judged_in_log_order_before_conflation() -> None:
    found = steps(
        intent(1, dateUpdated="2026-01-02T00:00:00Z"),
        intent(2, dateUpdated="2026-01-01T00:00:00Z"),
        intent(3, dateUpdated="2026-01-01T12:00:00Z"),
        intent(4, dateUpdated=None),
        intent(5, dateUpdated="2025-01-01T00:00:00Z"),
    )
    verdicts = [(step.intent["source"]["offset"], step.verdict) for step in found]
    # The one without an instant cleared the watermark: nothing is older than it.
    assert verdicts == [(1, Verdict.ACCEPT), (2, Verdict.STALE), (3, Verdict.STALE), (5, Verdict.ACCEPT)]


def test_control_records_and_deletes_leave_the_watermark() -> None:
    newest = "2026-01-02T00:00:00Z"
    found = steps(
        intent(1, dateUpdated=newest), control(2), intent(3, "delete"), intent(4, dateUpdated="2026-01-01T00:00:00Z")
    )
    assert found[-1].verdict is Verdict.STALE


def test_a_stale_record_supersedes_nothing() -> None:
    newest = OrderState(decided={"id-1/0": 0}, watermark="2026-01-02T00:00:00Z")
    found = steps(intent(1, dateUpdated="2026-01-01T00:00:00Z"), intent(1), state=newest)
    assert [step.verdict for step in found] == [Verdict.STALE, Verdict.ACCEPT]


def test_a_wake_up_behind_a_newer_record_is_dropped() -> None:
    """Carried out, it would write the parked record's values over the newer one's (I3)."""
    state = OrderState(decided={"id-1/0": 5}, waiting=waiting(5))
    for kind in ("upsert", "delete", "park"):
        found = steps(intent(6, kind), wake(5), state=state)
        assert [step.verdict for step in found] == [Verdict.ACCEPT, Verdict.DROP], kind


def test_a_wake_up_behind_a_control_record_still_wakes() -> None:
    state = OrderState(decided={"id-1/0": 5}, waiting=waiting(5))
    found = steps(control(6), wake(5), state=state)
    assert [step.verdict for step in found] == [Verdict.ACCEPT, Verdict.ACCEPT]


@pytest.mark.parametrize("kind", ["upsert", "park"])
def test_of_two_wake_ups_only_the_first_counts(kind: str) -> None:
    """Parked again, the order waits for more than the second wake-up knows of."""
    state = OrderState(decided={"id-1/0": 5}, waiting=waiting(5))
    twice = steps(wake(5, kind), wake(5), state=state)
    assert [step.verdict for step in twice] == [Verdict.ACCEPT, Verdict.DROP]
    assert twice[0].superseded == []


def test_a_doubt_outlasts_what_comes_behind_it() -> None:
    state = OrderState(decided={"id-1/0": 5}, waiting=waiting(5, "in_doubt"))
    found = steps(intent(6), intent(5), state=state)
    assert [step.verdict for step in found] == [Verdict.ACCEPT, Verdict.REPEAT]


kinds = st.sampled_from(["upsert", "upsert", "upsert", "delete", "skip", "park", "control"])


@st.composite
def queues(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for offset in range(draw(st.integers(1, 12))):
        kind = draw(kinds)
        if kind == "control":
            found.append(control(offset))
            continue
        reason = {"code": "missing_job_status"} if kind == "skip" else None
        day = draw(st.none() | st.integers(1, 4))
        names = draw(st.sets(st.sampled_from(["summary", "cause", "statusId"])))
        found.append(
            intent(
                offset,
                kind,
                reason=reason,
                dateUpdated=None if day is None else f"2026-01-0{day}T00:00:00Z",
                fields={name: draw(st.integers(0, 2)) for name in sorted(names)} if kind == "upsert" else {},
            )
        )
    return found


def applied(found: list[Step[int]]) -> dict[str, Any]:
    ticket: dict[str, Any] = {}
    for step in found:
        if step.verdict is Verdict.ACCEPT and step.intent["kind"] == "upsert":
            ticket |= step.intent["fields"]
    return ticket


@given(queue=queues(), mode=st.sampled_from(MODES))
@UNHURRIED
def test_every_record_is_told_once_in_log_order(queue: list[dict[str, Any]], mode: str) -> None:
    found = steps(*queue, mode=mode)
    offsets = [item["source"]["offset"] for item in queue]
    assert [offset for step in found for offset in step.items] == offsets
    told = [item["source"]["offset"] for step in found for item in (*step.superseded, step.intent)]
    assert told == offsets


@given(queue=queues().filter(lambda queue: all(item["kind"] != "delete" for item in queue)))
@UNHURRIED
def test_the_ticket_ends_the_same_in_every_mode(queue: list[dict[str, Any]]) -> None:
    assert applied(steps(*queue, mode="latest")) == applied(steps(*queue, mode="off"))
    assert applied(steps(*queue, mode="keep_status_changes")) == applied(steps(*queue, mode="off"))


@given(queue=queues().filter(lambda queue: all(item["kind"] != "delete" for item in queue)))
@UNHURRIED
def test_keep_status_changes_sends_every_status_there_was(queue: list[dict[str, Any]]) -> None:
    def statuses(mode: str) -> list[int]:
        sent = [step.intent["fields"].get("statusId") for step in steps(*queue, mode=mode) if step.verdict == "accept"]
        present = [status for status in sent if status is not None]
        return [status for at, status in enumerate(present) if at == 0 or present[at - 1] != status]

    assert statuses("keep_status_changes") == statuses("off")
