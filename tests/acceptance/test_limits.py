"""What bounds the sink: the rate limit that workers share, Willow's own, the brake, and an operator's pause."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest

from ops.demo.evidence import read_journal
from ops.demo.processes import willow_sync
from ops.emulator import Answer, Call, FixedLatency, Perform
from ops.kafka import free_port
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import Sent, names, work_order
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

COUNTED = {"put_ticket", "patch_ticket", "get_ticket", "list_tickets"}


def arrivals(stage: Stage) -> list[float]:
    """When the calls that the rate counts came to Willow (monotonic seconds), the token's own second tries too."""
    journal = read_journal(stage.willow.journal)
    return sorted(entry["arrivedMonotonic"] for entry in journal if entry["operation"] in COUNTED)


def most_in_a_second(moments: list[float]) -> int:
    most, window = 0, deque[float]()
    for moment in moments:
        window.append(moment)
        while window[0] <= moment - 1.0:
            window.popleft()
        most = max(most, len(window))
    return most


def test_the_rate_is_the_deployment_s_whoever_joins_and_leaves(stage_for: StageFor) -> None:
    rate = 20
    stage = stage_for(willow={"requests_per_second": rate})
    stage.worker()
    stage.members(1)
    orders = list(names("RATE", 60))
    sent = [stage.change(order_id) for order_id in orders]
    stage.finals(sent[:20])
    second = stage.worker()
    stage.members(2)
    sent += stage.send_changes(work_order(order_id, stage.calendar.next(), summary="Two") for order_id in orders)
    stage.finals(sent[:80])
    stage.stop(second)
    sent += stage.send_changes(work_order(order_id, stage.calendar.next(), summary="Three") for order_id in orders)
    stage.finals(sent, 120)
    moments = arrivals(stage)
    assert len(moments) >= 100
    assert most_in_a_second(moments) <= 1.1 * rate + 2
    judge(stage)


@dataclass(slots=True)
class Overloaded:
    """Takes so many calls on tickets in any second, and says so of the rest, each time in another form."""

    per_second: int
    taken: deque[float] = field(default_factory=deque)
    refused: int = 0

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        now = time.monotonic()
        while self.taken and self.taken[0] <= now - 1.0:
            self.taken.popleft()
        if not call.operation.endswith("_ticket") or len(self.taken) < self.per_second:
            self.taken.append(now)
            return perform()
        self.refused += 1
        forms: list[dict[str, str]] = [{}, {"Retry-After": "1"}, {"Retry-After": format_datetime(datetime.now(UTC))}]
        headers = {"Content-Type": "text/plain", **forms[self.refused % 3]}
        return Answer(429, b"Too many requests", headers)


def test_willow_s_own_limit_costs_time_and_nothing_else(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    overloaded = Overloaded(20)
    stage.willow.script.now = overloaded
    sent = [stage.change(order_id) for order_id in names("MANY", 100)]
    said = stage.finals(sent, 120)
    assert overloaded.refused > 0
    assert {item["outcome"] for item in said} == {"created"}
    judge(stage)


class Operator:
    """Asks a worker's pages, and runs commands with its settings."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.port = free_port()

    def page(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()
        except OSError as error:
            return 0, str(error)

    def is_paused(self, cause: str) -> bool:
        status, text = self.page("/readyz")
        return status == 503 and f"paused ({cause})" in text

    def is_ready(self) -> bool:
        return self.page("/readyz")[0] == 200

    def run(self, *arguments: str) -> None:
        config = self._stage.folder / "operator.yml"
        config.write_text(json.dumps(self._plain_settings()))
        command = willow_sync(*arguments, "--config", str(config))
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr

    def _plain_settings(self) -> dict[str, Any]:
        plain = self._stage.settings.model_dump(mode="json")
        plain["willow"]["client_secret"] = "any"
        return plain


@dataclass(slots=True)
class Mistaken:
    """Refuses every write, as it does while a mapping sends what Willow does not know."""

    refused: int = 0

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if call.operation != "put_ticket":
            return perform()
        self.refused += 1
        problem = {"title": "One or more validation errors occurred.", "status": 400, "detail": "no such status"}
        return Answer(400, json.dumps(problem).encode(), {"Content-Type": "application/problem+json"})


def rejected(stage: Stage, sent: list[Sent]) -> int:
    finals = [stage.tap.finals[item.at][0] for item in sent if item.at in stage.tap.finals]
    assert {item["outcome"] for item in finals} <= {"rejected"}
    return len(finals)


def test_a_wrong_mapping_rejects_a_few_and_not_the_portfolio(stage_for: StageFor) -> None:
    stage = stage_for(willow={"max_in_flight": 4})
    operator = Operator(stage)
    stage.worker(web={"port": operator.port})
    mistaken = Mistaken()
    stage.willow.script.now = mistaken
    sent = [stage.change(order_id) for order_id in names("WRONG", 200)]
    stage.until(lambda: operator.is_paused("brake"), "the brake to be pulled")
    _, why = operator.page("/readyz")
    assert "no such status" in why
    assert "willow-sync resume" in why
    assert 'willow_sync_sink_paused{cause="brake"} 1.0' in operator.page("/metrics")[1]
    stage.until(lambda: rejected(stage, sent) >= 20, "the rejections to be told")
    time.sleep(2.0)
    stage.tap.drain(0.2)
    told, asked = rejected(stage, sent), mistaken.refused
    # Twenty, and what was under way when the twentieth was told: at most four calls, and claims that had one.
    assert 20 <= told <= 40
    assert asked == told
    stage.willow.script.now = FixedLatency()
    time.sleep(1.0)
    assert stage.willow.calls("put_ticket") == asked
    operator.run("resume")
    said = stage.finals(sent)
    assert [item["outcome"] for item in said].count("rejected") == told
    assert [item["outcome"] for item in said].count("created") == len(sent) - told
    stage.until(operator.is_ready, "the worker to be ready again")
    judge(stage)


def test_a_restart_releases_the_brake(stage_for: StageFor) -> None:
    stage = stage_for(willow={"max_in_flight": 4})
    operator = Operator(stage)
    worker = stage.worker(web={"port": operator.port})
    stage.willow.script.now = Mistaken()
    sent = [stage.change(order_id) for order_id in names("WRONG", 60)]
    stage.until(lambda: operator.is_paused("brake"), "the brake to be pulled")
    stage.stop(worker)
    stage.willow.script.now = FixedLatency()
    worker.start()
    outcomes = [item["outcome"] for item in stage.finals(sent)]
    assert outcomes.count("created") >= 20
    judge(stage)


def test_a_pause_that_stood_before_the_start_holds_all_workers_until_resume(stage_for: StageFor) -> None:
    stage = stage_for()
    operators = [Operator(stage), Operator(stage)]
    operators[0].run("pause", "--note", "waiting for the vendor")
    for operator in operators:
        stage.worker(web={"port": operator.port})
    stage.members(2)
    sent = [stage.change(order_id) for order_id in names("HELD", 20)]
    skipped = [stage.change(order_id, jobStatus=" ") for order_id in names("PLANNED", 5)]
    # Planning goes on, and what needs no call is told.
    assert {item["outcome"] for item in stage.finals(skipped)} == {"skipped"}
    for operator in operators:
        stage.until(partial(operator.is_paused, "operator"), "each worker to say that it is paused")
        assert "waiting for the vendor" in operator.page("/readyz")[1]
        assert 'willow_sync_sink_paused{cause="operator"} 1.0' in operator.page("/metrics")[1]
    assert arrivals(stage) == []
    operators[1].run("resume")
    assert {item["outcome"] for item in stage.finals(sent)} == {"created"}
    for operator in operators:
        stage.until(operator.is_ready, "each worker to be ready again")
    judge(stage)


def test_a_pause_lets_calls_under_way_end_and_starts_no_other(stage_for: StageFor) -> None:
    stage = stage_for()
    operator = Operator(stage)
    stage.worker(web={"port": operator.port})
    known = [stage.change(order_id) for order_id in names("KNOWN", 3)]
    stage.finals(known)
    stage.willow.script.now = FixedLatency(3.0)
    under_way = [stage.change(order_id) for order_id in names("RUNNING", 4)]
    stage.until(lambda: stage.willow.script.creates_under_way == 4, "four creates to be under way")
    operator.run("pause")
    stage.until(lambda: operator.is_paused("operator"), "the worker to read the pause")
    held = [stage.change(order_id, summary="Newer") for order_id in names("KNOWN", 3)]
    assert {item["outcome"] for item in stage.finals(under_way)} == {"created"}
    time.sleep(1.0)
    assert stage.willow.calls("patch_ticket") == 0
    stage.willow.script.now = FixedLatency()
    operator.run("resume")
    assert {item["outcome"] for item in stage.finals(held)} == {"updated"}
    judge(stage)
