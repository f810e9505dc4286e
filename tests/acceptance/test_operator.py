"""What an operator sees and does while a worker runs: explain, status, parked, dead-letters, replay."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.kafka import free_port
from streams.cli import main
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import entity, relates_to
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

MAPPED = {"job_status": {"mode": "map", "values": {"Open": "Open", "Mystery": "Open"}}}


class Operator:
    """Types commands with the settings of one worker."""

    def __init__(self, stage: Stage, worker: str = "worker-1") -> None:
        self._config = str(stage.folder / f"{worker}.yml")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--config", self._config], catch_exceptions=False)

    def lines(self, *words: str) -> list[str]:
        ended = self.run(*words)
        assert ended.exit_code == 0, ended.output
        return ended.stdout.splitlines()

    def json(self, *words: str) -> Any:
        ended = self.run(*words, "--json")
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)


def test_why_an_order_is_or_is_not_a_ticket(stage_for: StageFor) -> None:
    stage = stage_for(web={"port": free_port()})
    stage.worker()
    operator = Operator(stage)
    stage.entities(entity("PUMP1", "Pump", "FLOOR1"))
    good = stage.change("GOOD", relatesTo=relates_to("AHU1", "BLDG1"))
    waits = stage.change("WAITS", relatesTo=relates_to("PUMP1"))
    skipped = stage.change("SKIPPED", jobStatus="Mystery")
    ticket = stage.final(good)["ticketId"]
    stage.parked(waits)
    stage.final(skipped)

    told = operator.json("explain", "GOOD")
    assert (told["verdict"], told["todo"]) == (f"Ticket {ticket} holds what the order asks for.", "Nothing.")
    assert [said["outcome"] for said in told["history"]] == ["created"]
    assert (told["newest"]["partition"], told["newest"]["offset"]) == (good.at.partition, good.at.offset)
    assert told["plan"]["fate"] == "unchanged"
    chosen = {place["id"]: place["choice"] for place in told["plan"]["places"]}
    assert chosen == {"AHU1": "chosen: the most specific with a twin", "BLDG1": "another one is more specific"}
    chain = next(place["chain"] for place in told["plan"]["places"] if place["id"] == "AHU1")
    assert [link["id"] for link in chain] == ["AHU1", "FLOOR1", "BLDG1", "SITE1"]
    status = next(step for step in told["plan"]["enumerations"] if step["setting"] == "job_status")
    assert (status["value"], status["name"], status["source"]) == ("Open", "Open", "Willow's list, by name")
    assert told["willow"]["ticket"]["id"] == ticket

    told = operator.json("explain", "WAITS")
    assert told["verdict"].startswith("Parked as no_willow_twin")
    assert told["state"]["waiting"]["waitingFor"] == ["PUMP1"]
    text = "\n".join(operator.lines("explain", "SKIPPED"))
    assert "Skipped as unmapped_job_status" in text
    assert "job_status: 'Mystery' → nothing" in text

    (parked,) = operator.json("parked")
    assert (parked["orderId"], parked["reason"], parked["waitingFor"]) == ("WAITS", "no_willow_twin", ["PUMP1"])
    assert parked["remedy"]
    assert operator.json("parked", "--reason", "unknown_site") == []
    stage.until(lambda: operator.json("status")["lagRecords"] == 0, "the offsets to be committed")
    status = operator.json("status")
    assert (status["parked"], status["inDoubt"], status["tickets"], status["orders"]) == (
        {"no_willow_twin": 1},
        0,
        1,
        3,
    )
    assert (status["group"]["members"], status["openClaims"]) == (1, 0)
    assert [site["entityId"] for site in status["sites"]] == ["SITE1"]
    (worker,) = status["workers"]
    assert (worker["ready"], worker["paused"], worker["problem"]) == (True, [], None)
    assert worker["tokenExpiresSeconds"] > 0
    judge(stage, waiting=[waits])


def test_what_no_worker_has_read_yet_is_told(stage_for: StageFor) -> None:
    stage = stage_for()
    worker = stage.worker()
    stage.final(stage.change("BEHIND"))
    stage.stop(worker)
    newer = stage.change("BEHIND", summary="Newer")
    operator = Operator(stage)
    told = operator.json("explain", "BEHIND")
    assert told["verdict"] == "Its newest record is not planned yet."
    assert told["newest"]["offset"] == newer.at.offset
    assert (told["plan"]["fate"], "summary" in told["plan"]["changed"]) == ("update", True)
    status = operator.json("status")
    assert (status["lagRecords"], status["group"]["members"]) == (1, 0)
    assert status["oldestUnsyncedSeconds"] > 0
    assert operator.run("explain", "NOBODY").exit_code == 1


def test_a_skipped_order_is_replayed_once_its_mapping_is_there(stage_for: StageFor) -> None:
    stage = stage_for()
    first = stage.worker()
    orders = [stage.change(name, jobStatus="Mystery") for name in ("ONE", "TWO")]
    assert {said["reason"]["code"] for said in stage.finals(orders)} == {"unmapped_job_status"}
    stage.stop(first)
    stage.worker(enumerations=MAPPED)
    operator = Operator(stage, "worker-2")
    assert "A fresh plan would create" in operator.json("explain", "ONE")["verdict"]
    assert operator.lines("replay", "--reason", "unmapped_job_status", "--dry-run")[0] == "would create 2"
    sent = operator.json("replay", "--reason", "unmapped_job_status")
    assert sent["sent"] == 2
    said = _replayed(stage, sent["replayId"], 2)
    assert [item["outcome"] for item in said] == ["created", "created"]
    assert {item["source"]["offset"] for item in said} == {order.at.offset for order in orders}
    assert all(stage.willow.ticket(name) for name in ("ONE", "TWO"))
    assert operator.lines("replay", "--key", "ONE", "--dry-run")[0] == "would leave unchanged 1"
    assert operator.lines("replay", "--reason", "unmapped_job_status", "--dry-run")[0] == "would do nothing"


def test_a_parked_order_is_replayed_and_keeps_the_fold_of_what_waits(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    operator = Operator(stage)
    stage.entities(entity("PUMP1", "Pump", "FLOOR1"))
    old = stage.change("WAITS", relatesTo=relates_to("PUMP1"), description="Only the first says this")
    new = stage.change("WAITS", relatesTo=relates_to("PUMP1"), without={"description"}, summary="The newest")
    stage.parked(old)
    stage.parked(new)
    assert operator.lines("replay", "--outcome", "parked", "--dry-run")[0] == "would park 1"
    sent = operator.json("replay", "--reason", "no_willow_twin")
    (said,) = _replayed(stage, sent["replayId"], 1)
    assert (said["outcome"], said["final"], said["waitingFor"]) == ("parked", False, ["PUMP1"])
    stage.entities(entity("PUMP1", "Pump", "FLOOR1", "TW-PUMP1"))
    assert _replayed(stage, sent["replayId"], 2)[1]["outcome"] == "created"
    assert [item["outcome"] for item in stage.finals([old, new])] == ["superseded", "superseded"]
    ticket = stage.willow.ticket("WAITS")
    assert ticket is not None
    assert (ticket["summary"], ticket["description"]) == ("The newest", "Only the first says this")


def test_force_overwrites_what_was_changed_in_willow(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    operator = Operator(stage)
    older = stage.change("DRIFTS", summary="First")
    stage.final(older)
    ticket = stage.final(stage.change("DRIFTS", summary="Ours"))["ticketId"]
    stage.willow.change_ticket(ticket, summary="Theirs")
    told = operator.json("explain", "DRIFTS")
    assert told["willow"]["changedThere"] == {"summary": "Theirs"}
    assert told["todo"] == "Nothing, if that is meant; `willow-sync replay --key DRIFTS --force` overwrites it."
    everything = [f"--from={partition}:0" for partition in range(4)]
    plain = operator.json("replay", *everything)
    assert _replayed(stage, plain["replayId"], 1)[0]["outcome"] == "unchanged"
    forced = operator.json("replay", *everything, "--force")
    assert (forced["sent"], list(forced["leftOut"].values())) == (1, [1])
    assert _replayed(stage, forced["replayId"], 1)[0]["outcome"] == "updated"
    now = stage.willow.ticket("DRIFTS")
    assert now is not None
    assert now["summary"] == "Ours"
    judge(stage)


def test_a_dead_letter_is_sent_again_as_it_came(stage_for: StageFor) -> None:
    stage = stage_for(input_format={"work_orders": "envelope"})
    first = stage.worker()
    poison = stage.raw(b"FLAT", b'{"id": "FLAT", "jobStatus": "Open", "relatesTo": [{"id": "AHU1"}]}', [("h", b"\xff")])
    assert stage.final(poison)["reason"]["code"] == "undecodable"
    operator = Operator(stage)
    (letter,) = operator.json("dead-letters", "list")
    assert (letter["orderId"], letter["offset"], letter["code"]) == ("FLAT", poison.at.offset, "undecodable")
    assert operator.json("dead-letters", "show", letter["at"])["headers"] == [
        {"name": "h", "value": {"base64": "/w=="}}
    ]
    stage.stop(first)
    stage.worker(input_format={"work_orders": "auto"})
    assert operator.json("dead-letters", "retry", letter["at"])["sent"] == 1
    stage.until(lambda: _outcome(stage, "created") is not None, "the record to become a ticket")
    said = _outcome(stage, "created")
    assert said is not None
    assert said["source"]["offset"] > poison.at.offset
    assert said["workOrderId"] == "FLAT"
    assert operator.run("dead-letters", "retry").exit_code == 1


def _replayed(stage: Stage, replay_id: str, count: int) -> list[dict[str, Any]]:
    stage.until(lambda: len(stage.tap.replayed[replay_id]) >= count, f"{count} outcomes of {replay_id}")
    return stage.tap.replayed[replay_id]


def _outcome(stage: Stage, kind: str) -> dict[str, Any] | None:
    return next((said for said in stage.tap.outcomes if said["outcome"] == kind), None)
