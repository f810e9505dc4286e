"""What becomes of the changes of an order, one after the other."""

from typing import Any

import pytest

from ops.demo.evidence import accepted_writes, read_journal
from ops.emulator import Kind
from tests.acceptance.records import TICKET_URN, UNAVAILABLE, as_json, relates_to, work_order
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, Any]:
    # Passed through, a sector that is no category of Willow's is refused by Willow itself.
    return {"enumerations": {"sector": {"mode": "pass_through"}}}


def patches(stage: Stage, order_id: str) -> list[set[str]]:
    """The fields of each PATCH that Willow accepted for the order."""
    writes = accepted_writes(read_journal(stage.willow.journal))
    return [set(write.fields) for write in writes if write.order_id == order_id and write.revision > 0]


def requests(stage: Stage, order_id: str) -> int:
    journal = read_journal(stage.willow.journal)
    return sum(entry["externalId"] == order_id and entry["event"] == "request" for entry in journal)


def test_a_new_order_becomes_a_ticket(shared: Stage) -> None:
    reporter = {"name": "Ann", "emails": [{"address": "ann@example.com"}], "phones": ["+44 1"]}
    sent = shared.change(
        "CREATE", isReportedBy=reporter, problemDescription="It drips", dueDate="2026-12-01T09:00:00+01:00"
    )
    said = shared.final(sent)
    assert (said["outcome"], said["httpStatus"], said["attempts"]) == ("created", 201, 1)
    assert (said["workOrderId"], said["entityType"], said["twinId"]) == ("CREATE", "WORK_ORDER", "TW-AHU1")
    ticket = shared.willow.ticket("CREATE")
    assert ticket is not None
    status = shared.willow.ask(lambda emulator: emulator.lists.id_of(Kind.STATUSES, "Open"))
    assert ticket["statusId"] == status
    assert ticket["reporter"] == {"name": "Ann", "email": "ann@example.com", "phone": "+44 1"}
    assert ticket["dueDate"] == "2026-12-01T08:00:00.000000Z"
    assert (ticket["sourceName"], ticket["cause"]) == ("Mapped", "It drips")
    assert ticket["customProperties"]["relatedEntities"] == "the AHU1 (AHU1)"


def test_a_service_request_says_so_in_its_identity(shared: Stage) -> None:
    said = shared.final(shared.change("REQUEST", exactType="ServiceRequest"))
    assert (said["outcome"], said["entityType"]) == ("created", "SERVICE_REQUEST")
    shared.until(lambda: "REQUEST" in shared.tap.identities, "the identity of REQUEST")
    identities = shared.tap.records["ticket_identities"]
    assert any(b'"SERVICE_REQUEST"' in (record.value or b"") for record in identities if record.key == b"REQUEST")


def test_only_what_changed_is_sent(shared: Stage) -> None:
    shared.final(shared.change("UPDATE"))
    said = shared.final(shared.change("UPDATE", summary="Another", jobStatus="In Progress"))
    assert (said["outcome"], said["changed"]) == ("updated", ["externalUpdatedDate", "statusId", "summary"])
    assert patches(shared, "UPDATE") == [{"summary", "statusId", "externalUpdatedDate"}]


def test_an_unchanged_order_costs_no_call(shared: Stage) -> None:
    shared.final(shared.change("SAME"))
    before = requests(shared, "SAME")
    said = shared.final(shared.change("SAME"))
    assert (said["outcome"], said["changed"], said["attempts"]) == ("unchanged", [], 0)
    assert requests(shared, "SAME") == before


def test_null_clears_a_field(shared: Stage) -> None:
    shared.final(shared.change("CLEAR"))
    assert shared.final(shared.change("CLEAR", description=None))["outcome"] == "updated"
    ticket = shared.willow.ticket("CLEAR")
    assert ticket is not None
    assert ticket["description"] is None


def test_fields_left_out_keep_their_value(shared: Stage) -> None:
    shared.final(shared.change("KEEP", description="A long text"))
    absent = shared.change("KEEP", without={"jobPriority"}, description=UNAVAILABLE, summary="Newer")
    assert shared.final(absent)["outcome"] == "updated"
    assert patches(shared, "KEEP") == [{"summary", "externalUpdatedDate"}]


def test_what_a_record_is_decided_with_is_filled_from_the_last_decision(shared: Stage) -> None:
    shared.final(shared.change("FILL", jobStatus="On Hold", relatesTo=relates_to("AHU2")))
    for change in ({"relatesTo": UNAVAILABLE}, {"jobStatus": UNAVAILABLE, "relatesTo": UNAVAILABLE}):
        said = shared.final(
            shared.change("FILL", summary=f"Without {len(change)}", **{"jobStatus": "On Hold", **change})
        )
        assert (said["outcome"], said["twinId"]) == ("updated", "TW-AHU2")
    without = shared.change("FILL", without={"jobStatus", "relatesTo"}, summary="Both absent")
    assert shared.final(without)["outcome"] == "updated"
    assert patches(shared, "FILL") == [{"summary", "externalUpdatedDate"}] * 3


def test_a_record_older_than_the_newest_accepted_one_is_stale(shared: Stage) -> None:
    old = shared.calendar.next()
    shared.final(shared.change("STALE", summary="Newest"))
    said = shared.final(shared.send_changes([work_order("STALE", old, summary="Oldest")])[0])
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "stale")
    assert old[:19] in said["reason"]["message"]
    assert patches(shared, "STALE") == []


def test_a_delete_keeps_the_ticket(shared: Stage) -> None:
    created = shared.final(shared.change("DELETED"))
    said = shared.final(shared.delete("DELETED"))
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "deleted_kept")
    assert said["ticketId"] == created["ticketId"]
    flagged = as_json({"id": "DELETED", "__deleted": "true", "summary": ""})
    assert shared.final(shared.raw(b"DELETED", flagged, order_id="DELETED"))["reason"]["code"] == "deleted_kept"
    assert patches(shared, "DELETED") == []
    again = shared.final(shared.change("DELETED", summary="It is back"))
    assert (again["outcome"], again["ticketId"]) == ("updated", created["ticketId"])


def test_a_delete_of_an_order_without_a_ticket(shared: Stage) -> None:
    said = shared.final(shared.delete("NEVER"))
    assert (said["outcome"], said["reason"]["code"], said["ticketId"]) == ("skipped", "deleted_untracked", None)
    assert shared.final(shared.change("NEVER"))["outcome"] == "created"


def test_an_envelope_of_debezium(shared: Stage) -> None:
    document = work_order("ENVELOPE", shared.calendar.next())
    envelope = {"schema": None, "payload": {"before": None, "after": document, "op": "c", "ts_ms": 1}}
    key = as_json({"schema": None, "payload": {"id": "ENVELOPE"}})
    sent = shared.raw(key, as_json(envelope), order_id="ENVELOPE", fields=document)
    assert shared.final(sent)["outcome"] == "created"
    gone = as_json({"before": {"id": "ENVELOPE"}, "after": None, "op": "d", "ts_ms": 2})
    assert shared.final(shared.raw(key, gone, order_id="ENVELOPE"))["reason"]["code"] == "deleted_kept"


def test_an_order_adopts_the_ticket_that_it_names(shared: Stage) -> None:
    ticket_id = shared.willow.add_ticket(summary="By hand")
    named = [{"value": TICKET_URN + ticket_id, "scope": "ORG"}]
    said = shared.final(shared.change("ADOPT", identities=named))
    assert (said["outcome"], said["ticketId"]) == ("adopted", ticket_id)
    assert {"externalId", "summary", "statusId"} <= set(said["changed"])
    shared.until(lambda: shared.tap.identities.get("ADOPT") == ticket_id, "the identity of ADOPT")
    assert shared.final(shared.change("ADOPT", identities=named))["outcome"] == "unchanged"


def test_an_order_that_names_a_missing_ticket_is_mended_in_mapped(shared: Stage) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    said = shared.final(shared.change("NAMES-NONE", identities=[{"value": TICKET_URN + missing}]))
    assert (said["outcome"], said["reason"]["code"]) == ("rejected", "ticket_not_found")
    assert missing in said["reason"]["message"]
    assert "in Mapped" in said["reason"]["remedy"]
    assert shared.final(shared.change("NAMES-NONE", identities=[]))["outcome"] == "created"


def test_a_ticket_has_one_owner(shared: Stage) -> None:
    ticket_id = shared.final(shared.change("OWNER"))["ticketId"]
    named = [{"value": TICKET_URN + ticket_id}]
    said = shared.final(shared.change("THIEF", identities=named))
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "ticket_owned_by_other")
    assert "OWNER" in said["reason"]["message"]
    foreign = shared.willow.add_ticket(externalId="OF-ANOTHER-SYSTEM")
    said = shared.final(shared.change("THIEF-2", identities=[{"value": TICKET_URN + foreign}]))
    assert said["reason"]["code"] == "ticket_owned_by_other"
    assert patches(shared, "OWNER") == patches(shared, "OF-ANOTHER-SYSTEM") == []


def test_an_optional_field_that_willow_refuses_is_left_out(shared: Stage) -> None:
    said = shared.final(shared.change("REFUSED", sector="No such category"))
    assert (said["outcome"], said["httpStatus"], said["attempts"]) == ("created", 201, 2)
    assert said["warnings"] == ["left_out: Willow refused categoryId"]
    said = shared.final(shared.change("REFUSED", sector="Neither this", summary="But this"))
    assert (said["outcome"], said["warnings"]) == ("updated", ["left_out: Willow refused categoryId"])
    assert patches(shared, "REFUSED") == [{"summary", "externalUpdatedDate"}]
