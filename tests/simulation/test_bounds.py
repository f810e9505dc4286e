"""However large an order's records and however many come during a doubt: its state fits, and each has its outcome."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.replan import Cause
from streams.agents import planner
from streams.delivery.bounds import MAX_PLAN_BYTES
from streams.planning.plan import plan
from tests.acceptance.records import entity
from tests.simulation.evidence import in_a_word
from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import Happening, Record, Scenario
from tests.simulation.willow import Fate, Request, Way
from tests.simulation.world import World


def _run(*happenings: Happening, plans: int = 3, **options: Any) -> Run:
    """``plans``: no state of a run is larger than so many of the largest size, and a little."""
    run = Run(Scenario(1, [(0.0, "start", ("a",)), *happenings], **{"faults_end": 20.0, **options}))
    problems = run.go().problems
    assert not problems, "\n".join(problem[:500] for problem in problems)
    states = [len(entry.value or b"") for entry in run.world.log.read("one-orders-changelog")]
    assert max(states) < plans * MAX_PLAN_BYTES + 50_000
    return run


def _said(run: Run, record: Record) -> str:
    return in_a_word(run.checker.finals(record)[0])


def _doubt(world: World, request: Request) -> Fate:
    """The create's answer is lost, and no look-up is answered while faults last."""
    if request.operation.name == "list_tickets" and world.loop.time() > 1.5:
        return Fate(Way.STATUS, status=503)
    return Fate(Way.RESET_AFTER) if request.operation.name == "put_ticket" else Fate()


def _with(record: Record, **fields: Any) -> Record:
    value = orjson.dumps({**orjson.loads(record.value or b""), **fields})
    return replace(record, value=value, fields=None if record.fields is None else {**record.fields, **fields})


def _without(record: Record, name: str) -> Record:
    document = orjson.loads(record.value or b"")
    del document[name]
    return replace(record, value=orjson.dumps(document))


def _after(seconds: float, records: list[Record]) -> Iterator[Happening]:
    for number, record in enumerate(records):
        yield (seconds + number * 0.4, "produce", (record,))


@pytest.mark.parametrize("size", [600_000, 900_000], ids=["for its plan", "to be sent round"])
@pytest.mark.parametrize("parked", [False, True], ids=["a change", "a parked record"])
def test_what_is_too_large_together_with_what_waits_ends_the_wait(size: int, *, parked: bool) -> None:
    """The planner told a dead letter, and the order waited on for ever: the older record had no outcome at all."""
    orders = Orders()
    created, older = orders.change("A"), _with(orders.waiting("A", "NEVER", for_ever=True), description="d" * size)
    newer = orders.waiting("A", "NEVER", for_ever=True) if parked else orders.change("A")
    newer = replace(_with(_without(newer, "description"), summary="s" * size), fields=None, buried=False)
    newer = replace(newer, expected=frozenset({"undecodable", "superseded"}))
    last = orders.change("A")
    run = _run(*_after(1.0, [created, older, newer]), (10.0, "produce", (last,)), plans=1)
    assert _said(run, older) == "superseded"
    assert _said(run, newer) in (("undecodable", "superseded") if parked else ("undecodable",))
    assert _said(run, last) == "updated"


@pytest.mark.parametrize("tracked", [False, True], ids=["no ticket", "a ticket"])
def test_a_fault_of_ours_as_an_order_is_woken_ends_the_wait(monkeypatch: pytest.MonkeyPatch, *, tracked: bool) -> None:
    """It was told as a dead letter while the state waited on, and an order with a ticket has not left by it."""

    def broken(*args: Any, cause: Cause | None = None, **more: Any) -> Any:
        if cause is Cause.WAKE:
            raise ZeroDivisionError("a fault of ours")
        return plan(*args, cause=cause, **more)

    monkeypatch.setattr(planner, "plan", broken)
    orders = Orders()
    before = [orders.change("A")] if tracked else []
    woken = replace(orders.waiting("A", "AHU-LATE"), expected=frozenset({"internal_error"}), fields=None)
    last = orders.change("A")
    run = _run(
        *_after(1.0, before),
        (2.0, "produce", (woken,)),
        (3.0, "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),)),
        (10.0, "produce", (last,)),
    )
    assert (_said(run, woken), _said(run, last)) == ("internal_error", "updated" if tracked else "created")


def test_a_record_of_which_no_state_could_hold_two_is_dead_lettered() -> None:
    """With its order in doubt the second one ended the worker, at every start."""
    orders = Orders()
    huge = [orders.change("A", description=letter * 2_300_000) for letter in "de"]
    huge = [replace(record, expected=frozenset({"undecodable"}), fields=None) for record in huge]
    last = orders.change("A")
    run = _run(*_after(1.0, [*huge, last]), fates=_doubt)
    assert [_said(run, record) for record in (*huge, last)] == ["undecodable", "undecodable", "adopted"]


def test_with_conflation_off_what_stands_behind_a_doubt_is_folded_before_it_is_too_large() -> None:
    """The worker ended at the record that was one too many, at every start."""
    orders = Orders()
    first = orders.change("A")
    behind = [orders.change("A", description=f"{number:0>300000}") for number in range(15)]
    told = orders.control("A")
    records = [first, *behind[:12], told, *behind[12:]]
    run = _run(*_after(1.0, records), fates=_doubt, changes={"conflate": "off"})
    said = [_said(run, record) for record in behind]
    replaced = said.count("superseded")
    assert said == ["superseded"] * replaced + ["updated"] * (len(behind) - replaced)
    assert 0 < replaced < len(behind)
    assert (_said(run, first), _said(run, told)) == ("adopted", "not_a_change")


@pytest.mark.parametrize("ends", ["parked", "left"])
def test_of_skipped_and_parked_records_behind_a_doubt_the_newest_counts_once_they_are_large(ends: str) -> None:
    """Each was kept whole, in every mode, until the state was too large for the worker to go on."""
    orders = Orders()
    first = orders.change("A")
    large: list[Record] = []
    for number in range(24):
        made = orders.outside("A") if number % 2 else orders.waiting("A", "NEVER", for_ever=True)
        large.append(_with(made, description=f"{number:0>300000}"))
    if ends == "parked":
        # The last change leaves out what this one has said.
        large.append(_with(orders.waiting("A", "NEVER"), description="kept"))
    last = orders.change("A", without=("description",)) if ends == "parked" else orders.outside("A")
    run = _run(*_after(1.0, [first, *large]), (15.0, "produce", (last,)), fates=_doubt)
    assert _said(run, large[0]) == "superseded"
    assert _said(run, last) == ("updated" if ends == "parked" else "left_outside_selected_sites")
    if ends == "parked":
        assert run.willow.tickets["T1"].fields["description"] == "kept"
