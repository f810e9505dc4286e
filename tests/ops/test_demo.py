"""The demo's parts that need no broker: child processes, shows, the workers' settings, the report."""

import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console

from ops.demo.evidence import Read, read_topic
from ops.demo.play import BURST, Played, _most_creates
from ops.demo.processes import Child, DemoFailed, ended_by_signals, run_to_end, uninterrupted, wait_until
from ops.demo.report import order_to_explain, print_report, to_dict, where_to_look
from ops.demo.show import Board, PlainShow, showing
from ops.demo.stage import TOPICS, Stage
from ops.demo.verdict import Kind, Problem, ReasonRow, Verdict
from ops.kafka import BrokerAddress, KafkaRuntime
from ops.portfolio import build_portfolio
from ops.portfolio.records import Phase
from streams.settings import Settings
from streams.settings_source import load_settings

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER[-1],
]


def started(command: list[str], folder: Path) -> Child:
    child = Child("the child", command, folder / "child.log")
    child.start()
    wait_until(lambda: child.last_words() == "up", "the child", 30, child.log)
    return child


def test_a_child_is_killed_and_started_again(tmp_path: Path) -> None:
    child = started(SLEEPER, tmp_path)
    child.kill()
    assert not child.running
    with pytest.raises(DemoFailed, match="ended by itself with exit code -9"):
        child.require_running()
    child.start()
    assert child.running
    child.stop()
    assert not child.running


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = started(STUBBORN, tmp_path)
    child.stop(timeout=0.2)
    assert not child.running


def test_a_command_that_fails_says_its_last_words_and_its_log(tmp_path: Path) -> None:
    child = Child("the command", [sys.executable, "-c", "raise SystemExit('no way')"], tmp_path / "c.log")
    with pytest.raises(DemoFailed, match="exit code 1: no way") as caught:
        run_to_end(child, 30)
    assert str(child.log) in caught.value.remedy


def test_a_command_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    child = Child("the command", SLEEPER, tmp_path / "c.log")
    with pytest.raises(DemoFailed, match=r"waited 0\.2 s for the command to end"):
        run_to_end(child, 0.2)
    assert not child.running


def test_sigterm_ends_the_demo_as_ctrl_c_does_but_not_its_clean_up() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_signals():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_without_a_terminal_the_show_is_plain_lines() -> None:
    out = io.StringIO()
    now = [0.0]
    with showing(Console(file=out, width=160)) as show:
        assert isinstance(show, PlainShow)
    show = PlainShow(Console(file=out, width=160), clock=lambda: now[0])
    board = Board(total=10, sent=4, tickets=2, waiting=1)
    board.outcomes["created"] += 2
    show.event("[red]worker 2 killed (SIGKILL)[/]")
    show.update(board)
    now[0] = 6.0
    show.update(board)
    assert out.getvalue().splitlines() == [
        "  0.0 s  worker 2 killed (SIGKILL)",
        "  6.0 s  records 4 of 10 · tickets 2 · parked now 1 · final outcomes 2 (created 2)",
    ]


def test_on_a_terminal_the_board_shows_figures_and_events() -> None:
    out = io.StringIO()
    with showing(Console(file=out, width=100, force_terminal=True)) as show:
        show.update(Board(total=10, sent=4, tickets=2))
        show.event("worker 2 started again")
    assert "4 of 10" in out.getvalue()
    assert "worker 2 started again" in out.getvalue()


def test_the_workers_settings_are_valid_and_agree_on_the_topics(tmp_path: Path) -> None:
    stage = Stage(tmp_path, KafkaRuntime(Path("java"), ()), build_portfolio())
    stage.base_url = "http://127.0.0.1:1/api/v3"
    for number in (1, 2):
        stage._write_config(number)
    found = [load_settings(config, {}).settings for config in stage.configs]
    assert [isinstance(settings, Settings) for settings in found] == [True, True]
    assert {kind: found[0].topics.name(kind) for kind in TOPICS} == TOPICS
    assert found[0].data_dir != found[1].data_dir
    assert found[0].model_dump(exclude={"data_dir", "web"}) == found[1].model_dump(exclude={"data_dir", "web"})
    told = where_to_look(stage, order_to_explain(verdict()), kept=True)
    assert any(str(stage.configs[0]) in line for line in told)
    assert any(line.endswith("willow-sync explain WO-2") for line in told)


def verdict(*problems: Problem) -> Verdict:
    rows = (
        ReasonRow("skipped", "stale", 3, "WO-1", "older than [newer]"),
        ReasonRow("created", None, 9, "WO-2", None),
    )
    return Verdict(20, 12, 9, 19, 1, rows, 2, {"PUT 201": 9}, problems)


@pytest.mark.parametrize("problems", [(), (Problem(Kind.STALE, "WO-1", "version [1] after 2"),) * 30])
def test_the_report_says_each_count_each_reason_and_each_problem(problems: tuple[Problem, ...]) -> None:
    out = io.StringIO()
    print_report(Console(file=out, width=160), verdict(*problems), Played((), 41.0, 1), 12.0, ["look there"])
    text = out.getvalue()
    assert "older than [newer]" in text
    assert "41 s, after 12 s of set-up" in text
    assert "look there" in text
    assert ("every promise was kept" in text) is not bool(problems)
    assert ("stale write: WO-1: version [1] after 2" in text) is bool(problems)
    assert ("… and 10 more" in text) is bool(problems)


def test_the_report_as_json_lists_all_problems() -> None:
    problem = Problem(Kind.STALE, "WO-1", "version 1 after 2")
    found = json.loads(json.dumps(to_dict(verdict(problem), Played((), 41.0, 1), 12.0, [])))
    assert found["ok"] is False
    assert found["counts"]["stale"] == 1
    assert found["problems"] == [{"kind": "stale write", "subject": "WO-1", "text": "version 1 after 2"}]


def test_the_burst_before_the_kill_is_where_most_orders_are_new() -> None:
    busy = [message for message in build_portfolio().changes if message.phase is Phase.BUSY]

    def new(start: int) -> int:
        return sum(b'"op":"c"' in (message.value or b"") for message in busy[start : start + BURST])

    chosen = _most_creates(busy)
    assert len(busy) // 4 <= chosen < len(busy) * 3 // 4
    assert new(chosen) >= 5
    assert new(chosen) >= new(len(busy) // 3)


@pytest.mark.kafka
def test_a_topic_is_read_to_its_end_and_partitions_may_be_empty(broker: BrokerAddress) -> None:
    topic = f"read-{os.getpid()}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for number in range(5):
        producer.produce(topic, partition=0, key=b"WO-1", value=str(number).encode(), headers=[("h", b"1")])
    producer.produce(topic, partition=2, key=None, value=None)
    assert producer.flush(30) == 0
    found = read_topic(broker.bootstrap_servers, topic)
    assert [record.value for record in found if record.key] == [b"0", b"1", b"2", b"3", b"4"]
    assert len(found) == 6
    assert found.count(Read(None, None, {})) == 1
