"""The parts of the benchmarks, small; no test asserts a time."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.benchmarks import __main__, creates, latency, reader, replay, sample, view
from ops.benchmarks.figures import Figure, percentile, steady_part
from ops.benchmarks.processor import ProcessorMeter, processor_seconds
from ops.benchmarks.sample import Form
from ops.demo.processes import DemoFailed
from ops.kafka import KafkaRuntime
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


def test_the_reader_runs_as_a_module_of_its_own() -> None:
    assert reader.command("localhost:9", "t")[-3:] == ["ops.benchmarks.reader", "localhost:9", "t"]
    assert reader.resident_mib() > 1
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
