"""Orders that must not become tickets: each with its reason, its values at hand and a remedy."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.emulator import load_lists
from tests.acceptance.records import as_json, relates_to
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

SUB_STATUS = "0f2f8a52-5d0c-4a54-9a9c-3f0f6b3f3b11"
SYNCED = {"jobSubStatus": "Waiting", "sector": "HVAC", "problemDescription": "Too Hot"}
"""What an order needs on this stage beyond the usual: all six enumerations are required."""

_TWICE = [{"name": "Twice", "id": f"00000000-0000-4000-8000-00000000000{n}"} for n in (1, 2)]
LISTS = {
    "statuses": [{"name": "Open"}, *_TWICE],
    "priorities": [{"name": "High"}, *_TWICE],
    "jobTypes": [{"name": "General"}, *_TWICE],
    "categories": [{"name": "HVAC"}, *_TWICE],
    "servicesNeeded": [{"name": "Too Hot", "categoryId": "HVAC"}, *({**item, "categoryId": "HVAC"} for item in _TWICE)],
}


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file: Path = tmp_path_factory.mktemp("lists") / "lists.json"
    file.write_text(json.dumps(LISTS))
    matched = ("job_status", "job_priority", "job_type", "sector", "services_needed")
    required: dict[str, Any] = {name: {"mode": "match_name", "required": "true"} for name in matched}
    required["job_sub_status"] = {"mode": "map", "values": {"Waiting": SUB_STATUS}, "required": "true"}
    return {"lists": load_lists(file), "enumerations": required}


SKIPS: dict[str, dict[str, Any]] = {
    "willow_born": {"mappingKey": "abc@willow"},
    "other_entity_type": {"exactType": "PurchaseOrder"},
    "missing_job_status": {"jobStatus": "  "},
    "no_related_entity": {"relatesTo": []},
    "outside_selected_sites": {"relatesTo": relates_to("BLDG9")},
    "unmapped_job_status": {"jobStatus": "Never heard"},
    "unmapped_job_sub_status": {"jobSubStatus": "Never heard"},
    "unmapped_job_priority": {"jobPriority": "Never heard"},
    "unmapped_job_type": {"jobType": None},
    "unmapped_sector": {"sector": "Never heard"},
    "unmapped_services_needed": {"problemDescription": "Never heard"},
    "ambiguous_job_status": {"jobStatus": "Twice"},
    "ambiguous_job_priority": {"jobPriority": "twice"},
    "ambiguous_job_type": {"jobType": "Twice"},
    "ambiguous_sector": {"sector": "Twice"},
    "ambiguous_services_needed": {"problemDescription": "Twice"},
}
"""Reason code → what the order says."""


@pytest.mark.parametrize("code", SKIPS)
def test_an_order_that_does_not_qualify_is_skipped(shared: Stage, code: str) -> None:
    said = shared.final(shared.change(f"SKIP-{code}", **{**SYNCED, **SKIPS[code]}))
    assert (said["outcome"], said["reason"]["code"], said["ticketId"]) == ("skipped", code, None)
    assert said["reason"]["remedy"]
    assert shared.willow.ticket(f"SKIP-{code}") is None


LEAVES = ("missing_job_status", "no_related_entity", "outside_selected_sites", "unmapped_job_priority")


@pytest.mark.parametrize("code", LEAVES)
def test_an_order_with_a_ticket_that_stops_qualifying(shared: Stage, code: str) -> None:
    created = shared.final(shared.change(f"LEFT-{code}", **SYNCED))
    assert created["outcome"] == "created"
    said = shared.final(shared.change(f"LEFT-{code}", **{**SYNCED, **SKIPS[code]}))
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", f"left_{code}")
    assert said["ticketId"] == created["ticketId"]
    back = shared.final(shared.change(f"LEFT-{code}", **{**SYNCED, "summary": "Back"}))
    assert (back["outcome"], back["ticketId"]) == ("updated", created["ticketId"])


@pytest.mark.parametrize("field", ["jobStatus", "relatesTo"])
def test_a_first_record_that_leaves_out_what_it_is_decided_with(shared: Stage, field: str) -> None:
    said = shared.final(shared.change(f"INCOMPLETE-{field}", without={field}, **SYNCED))
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "incomplete_record")
    assert field in said["reason"]["message"]


CONTROLS = {
    "heartbeat": {"ts_ms": 1700000000000},
    "truncate": {"op": "t", "ts_ms": 1700000000000, "source": {"table": "orders"}},
    "schema change": {"ddl": "ALTER TABLE orders", "databaseName": "cmms"},
}


@pytest.mark.parametrize("what", CONTROLS)
def test_a_control_record_is_not_a_change(shared: Stage, what: str) -> None:
    said = shared.final(shared.raw(None, as_json(CONTROLS[what])))
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "not_a_change")
