"""The parts of the benchmarks, small; no test asserts a time."""

import json
import os
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops.benchmarks import (
    __main__,
    backlog,
    claims,
    creates,
    latency,
    reader,
    replay,
    sample,
    slow_order,
    storm,
    unclaimed,
    view,
)
from ops.benchmarks.figures import Figure, Steady, percentile, steady_part, together
from ops.benchmarks.landed import owed, require_final_state
from ops.benchmarks.memory import MemoryMeter, resident_mib
from ops.benchmarks.processor import ProcessorMeter, processor_seconds
from ops.benchmarks.sample import Form
from ops.demo.processes import DemoFailed
from ops.emulator.faults.kinds import Refuse, TooManyRequests
from ops.kafka import KafkaRuntime
from streams.delivery.create import MayPut
from streams.planning.decode import Change, decode_entity, decode_work_order
from streams.planning.places import EntityNode
from streams.settings import InputFormat


def said(_: str) -> None:
    pass


def test_a_ratio_of_one_is_the_goal_and_more_is_better() -> None:
    assert Figure("a", "rate", 950.0, "/s", 1000.0).ratio == pytest.approx(0.95)
    assert Figure("a", "wait", 20.0, "ms", 10.0, at_most=True).ratio == pytest.approx(0.5)
    assert Figure("a", "rate", 950.0, "/s", 1000.0).to_dict()["goalIs"] == "at least"


def test_the_steady_part_leaves_out_both_ends() -> None:
    slow_start = [0.0, 10.0]
    middle = [20.0 + number / 10 for number in range(6)]
    tail = [40.0, 50.0]
    steady = steady_part([*tail, *middle, *slow_start])
    assert (steady.start, steady.end, steady.count) == (20.0, 20.5, 5)
    assert steady.rate == pytest.approx(10.0)


@pytest.mark.parametrize("instants", [[], [1.0], [1.0] * 100])
def test_too_few_instants_give_no_rate(instants: list[float]) -> None:
    with pytest.raises(ValueError, match="too few"):
        steady_part(instants)


def test_runs_together_count_by_how_long_they_were() -> None:
    assert together([Steady(0.0, 1.0, 100), Steady(5.0, 8.0, 100)]) == pytest.approx(50.0)


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_processor_time_between_two_samples_is_shared_out_evenly() -> None:
    instants, used = iter([0.0, 10.0, 20.0]), iter([1.0, 2.0, 5.0])
    meter = ProcessorMeter(1, lambda: next(instants), lambda _: next(used))
    for _ in range(3):
        meter.sample()
    assert meter.used(5.0, 15.0) == pytest.approx(2.0)
    assert meter.used(5.0, 25.0) is None


def test_processor_time_of_a_process() -> None:
    mine = processor_seconds(os.getpid())
    assert mine is None or mine > 0
    assert processor_seconds(2**22 + 1) is None


def test_memory_is_compared_by_the_first_and_the_last_third() -> None:
    used = iter([100.0, 101.0, 500.0, None, 102.0, 120.0, 121.0, 122.0, 300.0, 123.0])
    meter = MemoryMeter(1, lambda _: next(used))
    for _ in range(2):
        meter.sample()
    with pytest.raises(ValueError, match="2 samples"):
        meter.thirds()
    for _ in range(8):
        meter.sample()
    assert (meter.thirds(), meter.peak) == ((101.0, 123.0), 500.0)


def test_memory_of_a_process() -> None:
    mine = resident_mib(os.getpid())
    assert mine is None or mine > 1
    assert resident_mib(2**22 + 1) is None


def test_a_change_is_the_same_order_with_newer_words() -> None:
    (first,), (later,) = sample.orders(1), sample.orders(1, change=3)
    assert (later.id, later.key) == (first.id, first.key)
    assert sample.summary_of(later) == sample.summary_of(first) + ", change 3"
    old, new = (decode_work_order(item.key, item.value, item.headers, InputFormat.AUTO) for item in (first, later))
    assert isinstance(old, Change)
    assert isinstance(new, Change)
    assert new.record["dateUpdated"] > old.record["dateUpdated"]


def write(order_id: str, ticket_id: str, revision: int, **fields: Any) -> dict[str, Any]:
    times = {"arrivedMonotonic": 1.0, "answeredMonotonic": 2.0}
    named = {"externalId": order_id, "ticketId": ticket_id, "revision": revision, "body": fields}
    return {"method": "PATCH" if revision else "PUT", "committed": True, "acknowledged": True, **times, **named}


def test_the_final_state_is_that_of_the_newest_record() -> None:
    newest = {item.id: item for item in sample.orders(1, change=2)}
    words = sample.summary_of(newest["WO-0"])
    made = write("WO-0", "T1", 0, summary="old")
    require_final_state([made, write("WO-0", "T1", 1, summary=words), write("WO-0", "T1", 2, cause="-")], newest)
    with pytest.raises(DemoFailed, match="not in their final state: WO-0 has 'old'"):
        require_final_state([made], newest)
    with pytest.raises(DemoFailed, match="WO-0 has 'no ticket'"):
        require_final_state([], newest)
    with pytest.raises(DemoFailed, match="more than one ticket, WO-0"):
        require_final_state([write("WO-0", ticket, 0, summary=words) for ticket in ("T1", "T2")], newest)


def outcome(offset: int, outcome_id: str, final: bool = True) -> dict[str, Any]:
    return {"source": {"partition": 0, "offset": offset}, "outcomeId": outcome_id, "final": final}


def test_each_record_is_owed_one_final_outcome() -> None:
    said = [outcome(0, "a"), outcome(0, "a"), outcome(1, "b", final=False)]
    assert owed(said, {0: 2, 1: 3}) == 4
    assert owed([*said, outcome(1, "c")], {0: 2}) == 0
    with pytest.raises(DemoFailed, match="two final outcomes, 0@0"):
        owed([*said, outcome(0, "d")], {0: 2})


def test_the_storm_is_followed_by_an_outage_of_the_same_length() -> None:
    *stormy, outage = storm.plan(90.0).rules
    assert {(rule.after, rule.until) for rule in stormy} == {(0.0, 90.0)}
    assert {rule.fault.form for rule in stormy if isinstance(rule.fault, TooManyRequests)} == {
        "seconds",
        "date",
        "plain",
    }
    assert isinstance(outage.fault, Refuse)
    assert (outage.after, outage.until) == (90.0, 180.0)


def test_the_storms_input_mixes_new_orders_into_changes() -> None:
    a_round = storm.KNOWN + storm.NEW
    items = list(islice(storm.records(), 2 * a_round))
    assert [item.id for item in items[:5]] == ["WO-0", "WO-1", "WO-2", "WO-3", "NEW1-0"]
    assert len({item.id for item in items}) == storm.KNOWN + 2 * storm.NEW
    assert sample.summary_of(items[a_round]).endswith("change 2")


async def test_what_is_patched_away_is_there_and_needs_no_broker() -> None:
    assert all(callable(getattr(owner, name)) for owner, name, _ in unclaimed.PATCHES)
    patches: dict[str, Callable[..., Any]] = {name: instead for _, name, instead in unclaimed.PATCHES}
    ack = await patches["claim"](None, 3, "WO1", "c1", "open", None)
    assert (ack.partition, ack.offset + 1) == (3, 0)
    assert patches["after_claim"](None, "c1", read_back=True, lease_fresh=True) == MayPut()
    assert unclaimed.command(Path("worker.yml"))[-3:] == ["-m", "ops.benchmarks.unclaimed", "worker.yml"]


@pytest.mark.parametrize(
    ("claimed", "written", "fine"), [(True, 20, True), (True, 19, False), (False, 0, True), (False, 20, False)]
)
def test_a_worker_is_what_it_is_taken_for(claimed: bool, written: int, fine: bool) -> None:
    if fine:
        claims.require_claims(written, claimed, 10)
        return
    with pytest.raises(DemoFailed, match=f"wrote {written} of them for 10 orders"):
        claims.require_claims(written, claimed, 10)


def test_orders_lie_on_things_that_the_estate_has() -> None:
    nodes = [decode_entity(item.key, item.value, (), InputFormat.AUTO) for item in sample.entities(sample.ESTATE)]
    known = {node.id: node for node in nodes if isinstance(node, EntityNode)}
    assert len(known) == sample.ESTATE
    for item in sample.orders(2 * sample.ESTATE):
        change = decode_work_order(item.key, item.value, item.headers, InputFormat.AUTO)
        assert isinstance(change, Change)
        assert change.order_id == item.id
        for related in change.record["relatesTo"]:
            node = known[related["id"]]
            assert node.twin_id
            assert related["exactType"] == ("VAV" if node.kind.value == "Thing" else "Building")


def test_both_forms_of_the_entities_say_the_same() -> None:
    flat, envelope = (
        [decode_entity(item.key, item.value, (), InputFormat.AUTO) for item in sample.entities(300, form)]
        for form in (Form.FLAT, Form.ENVELOPE)
    )
    assert flat == envelope
    parents = {node.parent for node in flat if isinstance(node, EntityNode)} - {None}
    assert parents <= {node.id for node in flat if isinstance(node, EntityNode)}


def test_the_command_says_what_was_found_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> list[Figure]:
        raise DemoFailed("the worker ended by itself", "read its log")

    monkeypatch.setitem(__main__.PARTS, "view", failing)
    monkeypatch.setattr(__main__, "prepare", lambda: None)
    result = CliRunner().invoke(__main__.main, ["--only", "view"])
    assert result.exit_code == 1
    assert "error: the worker ended by itself\nremedy: read its log" in result.stderr


def test_the_command_prints_figures_for_people_and_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure("view", "until ready", 12.5, "s", 10.0, at_most=True, note="700 MiB")
    monkeypatch.setitem(__main__.PARTS, "view", lambda *_: [figure])
    monkeypatch.setattr(__main__, "prepare", lambda: None)
    plain = CliRunner().invoke(__main__.main, ["--only", "view"])
    assert "view: until ready: 12.50 s, goal ≤ 10 s, ratio 0.80  (700 MiB)" in plain.stdout
    machine = CliRunner().invoke(__main__.main, ["--only", "view", "--json"])
    assert json.loads(machine.stdout)[0]["ratio"] == 0.8


def test_what_takes_long_is_measured_only_when_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def noted(part: str, *_: object) -> list[Figure]:
        ran.append(part)
        return []

    for part in __main__.PARTS:
        monkeypatch.setitem(__main__.PARTS, part, partial(noted, part))
    monkeypatch.setattr(__main__, "prepare", lambda: None)
    CliRunner().invoke(__main__.main, [])
    assert ran == [part for part in __main__.PARTS if part != "storm"]
    CliRunner().invoke(__main__.main, ["--only", "storm"])
    assert ran[-1] == "storm"


def test_the_reader_runs_as_a_module_of_its_own() -> None:
    assert reader.command("localhost:9", "t")[-3:] == ["ops.benchmarks.reader", "localhost:9", "t"]
    assert reader.own_mib() > 1
    assert Path(reader.__file__).exists()


@pytest.mark.acceptance
@pytest.mark.kafka
def test_each_part_measures(kafka_runtime: KafkaRuntime) -> None:
    figures = [
        creates.measure(kafka_runtime, said, 500),
        replay.measure(kafka_runtime, said, 500),
        view.measure(kafka_runtime, said, 3_000, Form.ENVELOPE),
        *latency.measure(kafka_runtime, said, 1.0),
    ]
    assert [figure.part for figure in figures] == ["creates", "replay", "view", "latency", "latency"]
    assert all(figure.value > 0 for figure in figures)


@pytest.mark.acceptance
@pytest.mark.kafka
def test_each_comparison_measures(kafka_runtime: KafkaRuntime) -> None:
    figures = [
        claims.measure(kafka_runtime, said, 500),
        slow_order.measure(kafka_runtime, said, 500, call_seconds=6.0),
    ]
    assert [figure.part for figure in figures] == ["claims", "slow-order"]
    assert all(figure.value > 0 for figure in figures)


@pytest.mark.acceptance
@pytest.mark.kafka
def test_what_waits_is_worked_off(kafka_runtime: KafkaRuntime) -> None:
    figures = backlog.measure(kafka_runtime, said, 500)
    assert all(figure.value > 0 for figure in figures)
    calls = [figure.value for figure in figures if figure.what.endswith("calls to Willow")]
    assert calls[0] < calls[-1] == 500


@pytest.mark.acceptance
@pytest.mark.kafka
def test_a_short_storm_lands(kafka_runtime: KafkaRuntime) -> None:
    memory, landed = storm.measure(kafka_runtime, said, 0.1)
    assert memory.value > 0
    assert landed.value > 0
