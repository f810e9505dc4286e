"""Orders that wait for what is still to come, and go on by themselves."""

import pytest

from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import entity, relates_to
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]


def test_a_twin_that_comes_late(shared: Stage) -> None:
    shared.entities(entity("PUMP1", "Pump", "FLOOR1"))
    sent = shared.change("NO-TWIN", relatesTo=relates_to("PUMP1"))
    said = shared.parked(sent)
    assert (said["reason"]["code"], said["final"], said["waitingFor"]) == ("no_willow_twin", False, ["PUMP1"])
    shared.entities(entity("PUMP1", "Pump", "FLOOR1", "TW-PUMP1"))
    assert (shared.final(sent)["outcome"], shared.final(sent)["twinId"]) == ("created", "TW-PUMP1")


def test_an_entity_that_comes_late(shared: Stage) -> None:
    sent = shared.change("NO-ENTITY", relatesTo=relates_to("PUMP2"))
    said = shared.parked(sent)
    assert (said["reason"]["code"], said["waitingFor"]) == ("unknown_entity", ["PUMP2"])
    shared.entities(entity("PUMP2", "Pump", "FLOOR2", "TW-PUMP2"))
    shared.entities(entity("FLOOR2", "Floor", "BLDG1", "TW-FLOOR2"))
    assert (shared.final(sent)["outcome"], shared.final(sent)["twinId"]) == ("created", "TW-PUMP2")


def test_a_late_entity_may_turn_out_to_lie_elsewhere(shared: Stage) -> None:
    sent = shared.change("ELSEWHERE", relatesTo=relates_to("PUMP3"))
    shared.parked(sent)
    shared.entities(entity("PUMP3", "Pump", "BLDG9", "TW-PUMP3"))
    assert shared.final(sent)["reason"]["code"] == "outside_selected_sites"


def test_the_newest_of_the_parked_records_wins_folded_over_the_older(shared: Stage) -> None:
    old = shared.change("FOLDED", relatesTo=relates_to("PUMP4"), description="Only the first says this")
    shared.parked(old)
    new = shared.change("FOLDED", relatesTo=relates_to("PUMP4"), without={"description"}, summary="The newest")
    shared.parked(new)
    shared.entities(entity("PUMP4", "Pump", "FLOOR1", "TW-PUMP4"))
    assert shared.final(new)["outcome"] == "created"
    said = shared.final(old)
    assert (said["outcome"], said["supersededBy"]["offset"]) == ("superseded", new.at.offset)
    ticket = shared.willow.ticket("FOLDED")
    assert ticket is not None
    assert (ticket["summary"], ticket["description"]) == ("The newest", "Only the first says this")


def test_a_newer_record_that_need_not_wait_ends_the_parking(shared: Stage) -> None:
    old = shared.change("MOVED", relatesTo=relates_to("PUMP5"))
    shared.parked(old)
    new = shared.change("MOVED", relatesTo=relates_to("AHU1"))
    assert (shared.final(new)["outcome"], shared.final(old)["outcome"]) == ("created", "superseded")


def test_a_delete_ends_the_parking(shared: Stage) -> None:
    parked = shared.change("GONE", relatesTo=relates_to("PUMP6"))
    shared.parked(parked)
    deleted = shared.delete("GONE")
    assert shared.final(deleted)["reason"]["code"] == "deleted_untracked"
    assert shared.final(parked)["outcome"] == "superseded"
    shared.entities(entity("PUMP6", "Pump", "FLOOR1", "TW-PUMP6"))
    marker = shared.change("GONE-MARKER")
    assert shared.final(marker)["outcome"] == "created"
    assert shared.willow.ticket("GONE") is None


def test_an_order_with_a_ticket_waits_and_is_updated(shared: Stage) -> None:
    shared.final(shared.change("MOVES"))
    sent = shared.change("MOVES", relatesTo=relates_to("PUMP7"), summary="On its way")
    shared.parked(sent)
    shared.entities(entity("PUMP7", "Pump", "FLOOR1", "TW-PUMP7"))
    said = shared.final(sent)
    assert (said["outcome"], said["twinId"]) == ("updated", "TW-PUMP7")


def test_a_selected_site_that_comes_late(stage_for: StageFor) -> None:
    stage = stage_for(selected_sites=["SITE1", "SITE2"])
    worker = stage.worker()
    here = stage.change("HERE")
    sent = stage.change("NO-SITE", relatesTo=relates_to("ROOM2"))
    assert stage.final(here)["outcome"] == "created"
    said = stage.parked(sent)
    assert (said["reason"]["code"], said["waitingFor"]) == ("unknown_site", ["SITE2"])
    # A parked order outlives its worker.
    stage.stop(worker)
    worker.start()
    stage.entities(entity("ROOM2", "Space", "SITE2", "TW-ROOM2"))
    stage.entities(entity("SITE2", "Site"))
    assert (stage.final(sent)["outcome"], stage.final(sent)["twinId"]) == ("created", "TW-ROOM2")
    judge(stage)
