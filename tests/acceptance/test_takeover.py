"""A Willow that has tickets already, tickets that go away, and what operators say of them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.demo.processes import willow_sync
from ops.emulator import Answer, Call, FixedLatency, Perform
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import names, work_order
from tests.acceptance.stage import Stage, Worker

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]


def resolve(stage: Stage, worker: Worker, order_id: str, *words: str) -> subprocess.CompletedProcess[str]:
    config = Path(worker.log).with_suffix(".yml")
    command = willow_sync("resolve", order_id, *words, "--config", str(config))
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_tickets_that_another_connector_made_are_adopted(stage_for: StageFor) -> None:
    stage = stage_for()
    old = {order_id: stage.willow.add_ticket(externalId=order_id) for order_id in names("OLD", 30)}
    stage.willow.add_ticket(summary="Nobody's")
    stage.worker()
    sent = stage.send_changes(work_order(order_id, stage.calendar.next()) for order_id in [*old, *names("NEW", 20)])
    for item, said in zip(sent, stage.finals(sent), strict=True):
        expected = ("adopted", old[item.order_id]) if item.order_id in old else ("created", said["ticketId"])
        assert (said["outcome"], said["ticketId"]) == expected
    assert stage.willow.calls("put_ticket") == 20
    judge(stage)


def test_of_several_tickets_of_an_order_the_oldest_is_adopted(stage_for: StageFor) -> None:
    stage = stage_for()
    first = stage.willow.add_ticket(externalId="TWICE")
    stage.willow.add_ticket(externalId="TWICE")
    stage.worker()
    said = stage.final(stage.change("TWICE"))
    assert (said["outcome"], said["ticketId"]) == ("adopted", first)


FORBIDDEN = Answer(403, b"{}", {"Content-Type": "application/json"})


@dataclass(slots=True)
class NoLists:
    """Listing tickets is forbidden."""

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        return (
            Answer(403, b"{}", {"Content-Type": "application/json"}) if call.operation == "list_tickets" else perform()
        )


def test_nothing_is_created_before_willows_tickets_were_listed(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.willow.script.now = NoLists()
    stage.willow.add_ticket(externalId="OLD-000")
    worker = stage.worker()
    sent = stage.send_changes(work_order(order_id, stage.calendar.next()) for order_id in ("OLD-000", "NEW-000"))
    stage.until(lambda: worker.has_said("nothing is created"), "the worker to say why it creates nothing")
    assert stage.willow.calls("put_ticket") == 0
    stage.willow.script.now = FixedLatency()
    assert [said["outcome"] for said in stage.finals(sent)] == ["adopted", "created"]
    judge(stage)


def test_a_second_worker_and_a_second_start_do_not_list_again(stage_for: StageFor) -> None:
    stage = stage_for()
    first = stage.worker()
    stage.final(stage.change("WO-1"))
    listed = stage.willow.calls("list_tickets")
    assert listed >= 1
    stage.stop(first)
    first.start()
    stage.worker()
    stage.members(2)
    stage.finals(stage.send_changes(work_order(o, stage.calendar.next()) for o in names("MORE", 20)))
    assert stage.willow.calls("list_tickets") == listed


@dataclass(slots=True)
class Gone:
    """Willow no longer knows these tickets."""

    ids: set[str]

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        gone = call.parameters.get("ticketId") in self.ids
        return Answer(404, b"{}", {"Content-Type": "application/json"}) if gone else perform()


def lose_ticket(stage: Stage, order_id: str) -> str:
    ticket_id: str = stage.final(stage.change(order_id))["ticketId"]
    stage.willow.script.now = Gone({ticket_id})
    return ticket_id


def test_a_ticket_that_is_gone_is_made_anew_where_the_settings_say_so(stage_for: StageFor) -> None:
    stage = stage_for(on_missing_ticket="create")
    stage.worker()
    lost = lose_ticket(stage, "WO-1")
    said = stage.final(stage.change("WO-1", summary="Newer"))
    assert (said["outcome"], said["ticketId"] != lost) == ("created", True)
    stage.until(lambda: stage.tap.identities.get("WO-1") == said["ticketId"], "the new identity")
    again = stage.final(stage.change("WO-1", summary="Newest"))
    assert (again["outcome"], again["ticketId"]) == ("updated", said["ticketId"])


def test_an_operator_says_which_ticket_it_is_or_that_there_is_none(stage_for: StageFor) -> None:
    stage = stage_for()
    worker = stage.worker()
    lost = lose_ticket(stage, "WO-1")
    assert stage.final(stage.change("WO-1", summary="Newer"))["reason"]["code"] == "ticket_not_found"
    again = stage.final(stage.change("WO-1", summary="Newest"))["reason"]
    assert again["code"] == "ticket_not_found"
    assert "resolve WO-1" in again["remedy"]
    right = stage.willow.add_ticket(summary="Made by hand")

    done = resolve(stage, worker, "WO-1", "--ticket", right)
    assert (done.returncode, done.stderr) == (0, "")
    assert right in done.stdout
    stage.until(lambda: stage.tap.identities.get("WO-1") == right, "the ticket to be bound")
    said = stage.final(stage.change("WO-1", summary="After it"))
    assert (said["outcome"], said["ticketId"]) == ("updated", right)

    refused = resolve(stage, worker, "WO-1", "--ticket", lost)
    assert refused.returncode == 1
    assert "remedy: " in refused.stderr
    refused = resolve(stage, worker, "WO-1", "--no-ticket")
    assert refused.returncode == 1
    assert f"error: WO-1 has ticket {right} in Willow" in refused.stderr

    stage.willow.script.now = Gone({right, lost})
    assert stage.final(stage.change("WO-1", summary="Gone too"))["reason"]["code"] == "ticket_not_found"
    assert resolve(stage, worker, "WO-1", "--no-ticket").returncode == 0
    stage.until(lambda: "WO-1" not in stage.tap.identities, "the identity to be taken back")
    assert stage.final(stage.change("WO-1", summary="At last"))["outcome"] == "created"


@dataclass(slots=True)
class Unanswered:
    """Creates get no answer and are carried out; look-ups find nothing."""

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if call.operation == "put_ticket":
            perform()
            return Answer(504, b"", {})
        return Answer(503, b"", {}) if call.operation == "list_tickets" else perform()


def in_doubt(stage: Stage, order_id: str) -> Any:
    stage.final(stage.change("KNOWN"))
    stage.willow.script.now = Unanswered()
    sent = stage.change(order_id)
    assert stage.parked(sent)["reason"]["code"] == "create_in_doubt"
    return sent


def test_an_operator_ends_a_doubt(stage_for: StageFor) -> None:
    stage = stage_for(in_doubt={"then": "hold"})
    worker = stage.worker()
    sent = in_doubt(stage, "WO-1")
    made = stage.willow.ask(lambda emulator: emulator.tickets.with_external_ids(["WO-1"])[0].id)
    assert resolve(stage, worker, "WO-1", "--ticket", made).returncode == 0
    stage.willow.script.now = FixedLatency()
    said = stage.final(sent)
    assert (said["outcome"], said["ticketId"]) == ("adopted", made)
    judge(stage)
