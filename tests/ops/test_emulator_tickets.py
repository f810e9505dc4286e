"""The ticket calls: strict where Willow is, and on purpose not idempotent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, Kind, ReadShape
from ops.emulator.clock import Clock
from ops.emulator.fields import FIELDS

CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": DEFAULT_CLIENT_ID,
    "client_secret": DEFAULT_CLIENT_SECRET,
}


@asynccontextmanager
async def running(**switches: Any) -> AsyncIterator[tuple[Emulator, httpx.AsyncClient]]:
    emulator = Emulator(**switches)
    await emulator.start()
    try:
        async with httpx.AsyncClient(base_url=emulator.base_url) as client:
            answer = await client.post("/oauth2/token", data=CREDENTIALS)
            client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
            yield emulator, client
    finally:
        await emulator.stop()


def a_ticket(**fields: Any) -> dict[str, Any]:
    return {"externalId": "WO1", "summary": "Fan trips", "twinId": "TW-AHU-3", **fields}


def every_field(emulator: Emulator) -> dict[str, Any]:
    lists = emulator.lists
    return {
        "externalId": "WO1",
        "summary": "Fan trips",
        "description": "Après 20 minutes",
        "cause": "Belt",
        "solution": None,
        "notes": "See the log",
        "statusId": lists.id_of(Kind.STATUSES, "In Progress"),
        "subStatusId": str(uuid4()),
        "priorityId": lists.id_of(Kind.PRIORITIES, "High"),
        "jobTypeId": lists.id_of(Kind.JOB_TYPES, "Corrective"),
        "categoryId": lists.id_of(Kind.CATEGORIES, "HVAC"),
        "serviceNeededId": lists.id_of(Kind.SERVICES_NEEDED, "Too Hot"),
        "twinId": "TW-AHU-3",
        "reporter": {"name": "Ada", "email": "ada@example.com", "phone": None},
        "assigneeType": "user",
        "assignee": {"name": "Bo", "email": "bo@example.com"},
        "workgroup": {"name": "HVAC crew"},
        "dueDate": "2026-11-02T09:14:11Z",
        "externalCreatedDate": "2026-11-02T10:14:11.402+01:00",
        "externalUpdatedDate": "2026-11-02T09:14:11.402Z",
        "sourceName": "Mapped",
        "customProperties": {"referenceUrl": "https://example.com/1"},
        "extendableSearchablePropertyKeys": ["referenceUrl"],
        "insightId": str(uuid4()),
        "latitude": 52.5,
        "longitude": 13,
    }


def replace(**fields: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in fields.items()]


async def test_a_create_with_every_field_is_read_back_as_it_was_sent() -> None:
    async with running() as (emulator, client):
        sent = every_field(emulator)
        assert sent.keys() == FIELDS.keys()
        answer = await client.put("/tickets", json=sent)
        assert answer.status_code == 201
        ticket = answer.json()
        assert (await client.get(f"/tickets/{ticket['id']}")).json() == ticket
        assert ticket["ticketStatus"] == {
            "id": sent["statusId"],
            "name": "In Progress",
            "tab": "Open",
            "color": "#2b6cb0",
        }
        assert ticket["ticketPriority"] == {"id": sent["priorityId"], "name": "High", "priorityLevel": "high"}
        assert ticket["userAssignee"]["email"] == "bo@example.com"
        assert ticket["workgroupAssignee"] == {"name": "HVAC crew"}
        assert ticket["externalCreatedDate"] == "2026-11-02T09:14:11.402000Z"
        same = sent.keys() & ticket.keys() - {
            "reporter",
            "dueDate",
            "externalCreatedDate",
            "externalUpdatedDate",
        }
        assert {name: ticket[name] for name in same} == {name: sent[name] for name in same}


async def test_a_second_create_with_the_same_external_id_makes_a_second_ticket() -> None:
    async with running() as (emulator, client):
        first = (await client.put("/tickets", json=a_ticket())).json()
        second = (await client.put("/tickets", json=a_ticket())).json()
        assert first["id"] != second["id"]
        assert emulator.tickets.duplicates() == {"WO1": [first["id"], second["id"]]}


async def test_a_patch_changes_only_its_fields_and_null_clears() -> None:
    async with running() as (emulator, client):
        ticket = (await client.put("/tickets", json=every_field(emulator))).json()
        answer = await client.patch(f"/tickets/{ticket['id']}", json=replace(summary="Belt worn", cause=None))
        assert answer.status_code == 200
        changed = answer.json()
        differing = {name for name in ticket if ticket[name] != changed[name]}
        assert differing - {"updatedDate"} == {"summary", "cause"}
        assert (changed["summary"], changed["cause"]) == ("Belt worn", None)


async def test_a_patched_external_id_is_found_under_the_new_one_only() -> None:
    async with running() as (emulator, client):
        ticket = (await client.put("/tickets", json=a_ticket())).json()
        await client.patch(f"/tickets/{ticket['id']}", json=replace(externalId="WO2"))
        assert emulator.tickets.with_external_ids(["WO1"]) == []
        assert [found.id for found in emulator.tickets.with_external_ids(["WO2"])] == [ticket["id"]]


LISTED_NOWHERE = str(uuid4())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sumary": "x"}, {"sumary": "Unknown field"}),
        ({"summary": 3}, {"summary": "Expected text, got a number"}),
        ({"summary": " "}, {"summary": "not blank"}),
        ({"summary": None}, {"summary": "required"}),
        ({"twinId": None}, {"twinId": "required"}),
        ({"twinId": "TW-UNKNOWN"}, {"twinId": "There is no twin with the id 'TW-UNKNOWN'"}),
        ({"statusId": "Open"}, {"statusId": "'Open' is not a UUID"}),
        ({"statusId": LISTED_NOWHERE}, {"statusId": f"{LISTED_NOWHERE} is in none of Willow's statuses"}),
        ({"statusId": None}, {"statusId": "Expected text, got null"}),
        ({"categoryId": LISTED_NOWHERE}, {"categoryId": "none of Willow's categories"}),
        ({"subStatusId": "{" + LISTED_NOWHERE[:34] + "}"}, {"subStatusId": "not a UUID"}),
        ({"insightId": True}, {"insightId": "Expected text, got a boolean"}),
        ({"assigneeType": "team"}, {"assigneeType": "Expected one of noAssignee, user, workgroup"}),
        ({"assigneeType": ["user"]}, {"assigneeType": "Expected one of"}),
        ({"reporter": "Ada"}, {"reporter": "Expected an object, got text"}),
        ({"reporter": {"mail": "x"}}, {"reporter": "Unknown field 'mail'"}),
        ({"assignee": {"name": 7}}, {"assignee": "'name': expected text, got a number"}),
        ({"dueDate": "2026-11-02"}, {"dueDate": "date-time"}),
        ({"dueDate": "2026-11-02T09:14:11"}, {"dueDate": "offset"}),
        ({"dueDate": "0001-01-01T00:00:00+14:00"}, {"dueDate": "date-time"}),
        ({"dueDate": 1793610851}, {"dueDate": "Expected text, got a number"}),
        ({"customProperties": {"n": 1}}, {"customProperties": "'n': expected text"}),
        ({"customProperties": [["n", "1"]]}, {"customProperties": "Expected an object, got a list"}),
        ({"extendableSearchablePropertyKeys": "n"}, {"extendableSearchablePropertyKeys": "Expected a list"}),
        ({"latitude": "52"}, {"latitude": "Expected a number"}),
        ({"longitude": 181}, {"longitude": "Expected -180 to 180"}),
        ({"cause": 1, "solution": 2}, {"cause": "Expected text", "solution": "Expected text"}),
    ],
)
async def test_a_wrong_field_is_refused_by_name_on_create_and_on_patch(
    fields: dict[str, Any], said: dict[str, str]
) -> None:
    async with running(twins=["TW-AHU-3"]) as (emulator, client):
        ticket = (await client.put("/tickets", json=a_ticket())).json()
        created = await client.put("/tickets", json=a_ticket(**fields))
        patched = await client.patch(f"/tickets/{ticket['id']}", json=replace(**fields))
        assert created.status_code == patched.status_code == 400
        assert created.headers["Content-Type"].startswith("application/problem+json")
        problem = created.json()
        assert {"type", "title", "status", "detail", "instance", "errors"} <= problem.keys()
        assert (problem["status"], problem["instance"]) == (400, "/api/v3/tickets")
        assert problem["errors"].keys() == said.keys() == patched.json()["errors"].keys()
        assert all(words in problem["errors"][name][0] for name, words in said.items())
        assert len(emulator.tickets) == 1
        assert len(next(iter(emulator.tickets)).revisions) == 1


@pytest.mark.parametrize(
    ("operations", "named"),
    [
        ({"op": "replace", "path": "/summary", "value": "x"}, "$"),
        (["summary"], "$"),
        ([{"op": "replace", "path": "/summary"}], "$"),
        ([{"op": "replace", "path": "/summary", "value": "x", "from": "/cause"}], "$"),
        ([{"op": "add", "path": "/summary", "value": "x"}], "summary"),
        ([{"op": "replace", "path": "summary", "value": "x"}], "summary"),
        ([{"op": "replace", "path": "/Summary", "value": "x"}], "Summary"),
        ([{"op": "replace", "path": "/reporter/name", "value": "x"}], "reporter/name"),
        ([{"op": "replace", "path": ["summary"], "value": "x"}], "['summary']"),
        (replace(summary="x") + replace(summary="y"), "summary"),
    ],
)
async def test_a_patch_of_another_form_is_refused(operations: Any, named: str) -> None:
    async with running() as (_, client):
        ticket = (await client.put("/tickets", json=a_ticket())).json()
        answer = await client.patch(f"/tickets/{ticket['id']}", json=operations)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [named])
        assert (await client.get(f"/tickets/{ticket['id']}")).json() == ticket


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tickets/{unknown}", 404),
        ("PATCH", "/tickets/{unknown}", 404),
        ("GET", "/tickets/%2e%2e", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/tickets/{unknown}", 405),
        ("GET", "/tickets", 405),
        ("DELETE", "/tickets/status", 405),
    ],
)
async def test_what_is_not_there_is_a_problem_too(method: str, path: str, status: int) -> None:
    async with running() as (_, client):
        answer = await client.request(method, path.replace("{unknown}", str(uuid4())), json=replace(cause="x"))
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'{"summary": NaN}', 400),
        ("application/json", b"[" * 5000, 400),
        ("application/json", b'"\xff"', 400),
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        ("text/json; charset=utf-8", b'{"summary":"a","twinId":"b"}', 201),
        ("application/vnd.willow+json", b'{"summary":"a","twinId":"b"}', 201),
        ("application/json", b" " * (1 << 20) + b"{}", 413),
    ],
)
async def test_a_body_that_is_no_ticket_is_refused_whatever_it_is(content_type: str, body: bytes, status: int) -> None:
    async with running() as (_, client):
        answer = await client.put("/tickets", content=body, headers={"Content-Type": content_type})
        assert answer.status_code == status


async def test_a_patch_takes_application_json_only() -> None:
    async with running() as (_, client):
        ticket = (await client.put("/tickets", json=a_ticket())).json()
        answer = await client.patch(
            f"/tickets/{ticket['id']}",
            content=b"[]",
            headers={"Content-Type": "application/json-patch+json"},
        )
        assert answer.status_code == 415


async def test_the_older_shape_shows_names_and_takes_what_its_lists_show() -> None:
    async with running(read_shape=ReadShape.OLD) as (emulator, client):
        statuses = (await client.get("/tickets/status")).json()
        held = next(row for row in statuses if row["status"] == "On Hold")
        assert held == {"statusCode": 2, "status": "On Hold", "tab": "Open", "color": "#805ad5"}
        assert {"name": "High"} in (await client.get("/tickets/priorities")).json()
        answer = await client.put("/tickets", json=a_ticket(statusId="2", priorityId="High"))
        ticket = answer.json()
        assert (ticket["status"], ticket["priority"]) == ("On Hold", "High")
        assert "ticketStatus" not in ticket
        by_id = replace(statusId=emulator.lists.id_of(Kind.STATUSES, "Closed"))
        assert (await client.patch(f"/tickets/{ticket['id']}", json=by_id)).json()["status"] == "Closed"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "someone"}, 401, "invalid_client"),
        ({"client_secret": "hunter2"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"scope": "all"}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_token_request_is_refused(form: dict[str, str], status: int, error: str) -> None:
    async with running() as (_, client):
        answer = await client.post("/oauth2/token", data=CREDENTIALS | form)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        # The secret must not come back in an error that somebody logs.
        assert "hunter2" not in answer.text


async def test_every_other_call_needs_a_token_that_has_not_expired() -> None:
    now = [1000.0]
    async with running(token_lifetime=60, clock=Clock(monotonic=lambda: now[0])) as (emulator, client):
        assert (await client.get("/tickets/status")).status_code == 200
        now[0] += 60
        expired = await client.put("/tickets", json=a_ticket())
        client.headers["Authorization"] = "Bearer nonsense"
        unknown = await client.put("/tickets", json=a_ticket())
        del client.headers["Authorization"]
        missing = await client.put("/tickets", json=a_ticket())
        for answer, words in ((expired, "expired"), (unknown, "unknown"), (missing, "Authorization")):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert words in answer.json()["detail"]
        assert len(emulator.tickets) == 0
