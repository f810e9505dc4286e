"""What an audit finds in a portfolio that a worker synced and the world changed, and that replays put it right."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.emulator import Answer, Call, Perform
from streams.cli import main
from tests.acceptance.conftest import StageFor
from tests.acceptance.records import entity, relates_to
from tests.acceptance.stage import Stage
from tests.acceptance.test_operator import Operator

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]


def run(stage: Stage, *words: str, worker: str = "worker-1") -> Result:
    config = str(stage.folder / f"{worker}.yml")
    return CliRunner().invoke(main, [*words, "--config", config], catch_exceptions=False)


def audited(stage: Stage, *words: str, worker: str = "worker-1") -> tuple[int, dict[str, Any]]:
    ended = run(stage, "audit", "--json", *words, worker=worker)
    return ended.exit_code, json.loads(ended.stdout)


def kinds(document: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in document["findings"]:
        found.setdefault(item["kind"], []).append(item["orderId"])
    return found


def test_each_finding_and_what_puts_it_right(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    names = ("GOOD", "DRIFT", "MOVED", "GONE", "TWICE", "DELETED")
    tickets = {name: stage.final(stage.change(name))["ticketId"] for name in names}
    stage.final(stage.change("LATER", jobStatus="Mystery"))
    stage.final(stage.delete("DELETED"))
    code, document = audited(stage)
    assert (code, document["findings"]) == (0, [])
    assert (document["totals"]["orders"], document["totals"]["compared"]) == (7, 6)

    willow = stage.willow
    willow.change_ticket(tickets["DRIFT"], summary="Theirs")
    willow.change_ticket(tickets["DELETED"], description="Theirs")
    willow.change_ticket(tickets["MOVED"], twinId="TW-AHU2")
    willow.remove_ticket(tickets["GONE"])
    second = willow.add_ticket(externalId="TWICE")
    late = willow.add_ticket(externalId="LATER")
    extra = willow.add_ticket(externalId="NOBODY", sourceName="Mapped")
    willow.add_ticket(externalId="FOREIGN", sourceName="Another")

    code, document = audited(stage)
    assert code == 10
    assert kinds(document) == {
        "duplicate": ["TWICE"],
        "gone": ["GONE"],
        "unbound": ["LATER"],
        "extra": [None],
        "twin_moved": ["MOVED"],
        "drift": ["DELETED", "DRIFT"],
    }
    by_order = {item["orderId"]: item for item in document["findings"]}
    assert by_order["TWICE"]["tickets"] == [tickets["TWICE"], second]
    assert (by_order[None]["ticketId"], by_order["LATER"]["ticketId"]) == (extra, late)
    (drift,), (deleted,) = by_order["DRIFT"]["differences"], by_order["DELETED"]["differences"]
    assert (drift["field"], drift["wanted"], drift["inWillow"]) == ("summary", "Summary of DRIFT", "Theirs")
    assert (deleted["field"], deleted["wanted"], deleted["onlyHash"]) == ("description", None, True)
    assert by_order["DRIFT"]["replay"] == "force"
    assert document["totals"]["others"] == 1

    assert audited(stage, "--order", "DRIFT")[0] == 18
    assert audited(stage, "--order", "GOOD")[0] == 0
    assert audited(stage, "--order", "GONE", "--order", "TWICE")[0] == 10
    assert audited(stage, "--site", "TW-SITE1")[0] == 10
    assert audited(stage, "--site", "SITE9")[1]["totals"]["orders"] == 0
    text = run(stage, "audit").stdout
    assert "willow-sync replay --key MOVED --key DELETED --key DRIFT --force" in text
    assert 'summary: Willow has "Theirs", expected "Summary of DRIFT"' in text

    forced = Operator(stage).json("replay", "--key", "DRIFT", "--key", "MOVED", "--force")
    stage.until(lambda: len(stage.tap.replayed[forced["replayId"]]) == 2, "the replay")
    assert set(kinds(audited(stage)[1])) == {"duplicate", "gone", "unbound", "extra", "drift"}
    assert kinds(audited(stage)[1])["drift"] == ["DELETED"]


def test_what_settings_and_places_changed_since_was_not_sent(stage_for: StageFor) -> None:
    stage = stage_for()
    first = stage.worker()
    stage.final(stage.change("WO", sector="HVAC"))
    stage.final(stage.change("SKIPPED", jobStatus="Mystery"))
    stage.stop(first)
    mapping = {"job_status": {"mode": "map", "values": {"Open": "In Progress", "Mystery": "Open"}}}
    stage.worker(enumerations=mapping)
    stage.members(1)
    stage.entities(entity("AHU1", "AirHandlingUnit", "FLOOR1", "TW-AHU2"))
    code, document = audited(stage, worker="worker-2")
    assert code == 12
    assert kinds(document) == {"missing": ["SKIPPED"], "twin_moved": ["WO"], "not_sent": ["WO"]}
    assert [item["field"] for item in document["findings"][2]["differences"]] == ["statusId"]
    operator = Operator(stage, "worker-2")
    sent = operator.json("replay", "--key", "WO", "--key", "SKIPPED")
    stage.until(lambda: len(stage.tap.replayed[sent["replayId"]]) == 2, "the replay")
    assert audited(stage, worker="worker-2") == (0, audited(stage, worker="worker-2")[1])


def test_tickets_are_adopted_once_an_operator_says_so(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    mystery = {"jobStatus": "Mystery"}
    own = stage.final(stage.change("OWN"))["ticketId"]
    for name in ("LATE", "TWICE", "STAYS"):
        stage.final(stage.change(name, **mystery))
    add = stage.willow.add_ticket
    late, first, second, kept = (add(externalId=name, summary="x") for name in ("LATE", "TWICE", "TWICE", "STAYS"))
    other, nobody = add(externalId="OWN"), add(externalId="NOBODY")
    named = add(summary="By hand")
    urn = "urn:willowinc:ticket:id:"
    stage.final(stage.change("NAMES", identities=[{"value": urn + named}], **mystery))
    stage.final(stage.change("THIEF", identities=[{"value": urn + own}], **mystery))
    stage.stop(stage.workers[0])
    # From now on the status is known; STAYS lies in no selected site.
    stage.worker(enumerations={"job_status": {"mode": "map", "values": {"Open": "Open", "Mystery": "Open"}}})
    stage.final(stage.change("STAYS", relatesTo=relates_to("BLDG9")))

    reported = json.loads(run(stage, "adopt", "--json", worker="worker-2").stdout)
    assert {pair["orderId"]: (pair["ticketId"], pair["named"]) for pair in reported["adopts"]} == {
        "LATE": (late, False),
        "TWICE": (first, False),
        "NAMES": (named, True),
    }
    assert {(item["orderId"], item["ticketId"], item["why"]) for item in reported["conflicts"]} == {
        ("TWICE", second, "several"),
        ("OWN", other, "has_another"),
        ("STAYS", kept, "no_ticket_wanted"),
        ("THIEF", own, "owned_by_other"),
    }
    assert reported["tickets"] == {"all": 8, "bound": 1, "unknown": 1, "nameless": 1}
    assert reported["sent"] is None
    assert nobody not in stage.tap.identities.values()
    assert "nothing was written" in run(stage, "adopt", worker="worker-2").stdout

    done = json.loads(run(stage, "adopt", "--yes", "--json", worker="worker-2").stdout)["sent"]
    assert (done["adopted"], done["candidates"], done["replayed"]) == (3, 2, 3)
    stage.until(lambda: len(stage.tap.replayed[done["replayId"]]) == 3, "the replays")
    assert {said["outcome"] for said in stage.tap.replayed[done["replayId"]]} == {"adopted"}
    assert {name: stage.tap.identities[name] for name in ("LATE", "TWICE", "NAMES")} == {
        "LATE": late,
        "TWICE": first,
        "NAMES": named,
    }
    ticket = stage.willow.ticket("NAMES")
    assert ticket is not None
    assert ticket["summary"] == "Summary of NAMES"
    assert stage.willow.calls("put_ticket") == 1
    assert json.loads(run(stage, "adopt", "--json", worker="worker-2").stdout)["adopts"] == []


async def refuse_writes(call: Call, perform: Perform) -> Answer:
    """Willow refuses what the order asks for."""
    refused = call.operation in {"put_ticket", "patch_ticket"}
    return Answer(400, b'{"errors":{"summary":["no"]}}', {}) if refused else perform()


def test_an_order_whose_ticket_willow_refuses_to_change_does_not_adopt_it_and_says_so(stage_for: StageFor) -> None:
    stage = stage_for()
    stage.worker()
    stage.willow.script.now = refuse_writes
    assert stage.final(stage.change("BAD"))["reason"]["code"] == "invalid"
    stage.willow.add_ticket(externalId="BAD", summary="x")
    ended = run(stage, "adopt", "--yes")
    assert ended.exit_code == 1
    assert "0 of 1 adopted" in ended.stdout
    assert "    BAD  rejected: " in ended.stdout
    assert "error: 1 order did not adopt what was found" in ended.stderr
