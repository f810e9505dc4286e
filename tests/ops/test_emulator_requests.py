"""What is not as the operations table has it is refused, with the property's name; the documents' own requests are
not."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, load_world
from ops.emulator.fields import FIELDS, NEEDED
from streams.willow import OPERATIONS, TicketWrite
from streams.willow.operation import Body, Operation
from tests.willow.seeds import documented, request_sample

WORLD = Path(__file__).parents[1] / "fixtures" / "willow" / "world.json"

# Reading the machine's certificates takes longer than the test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

AHU = "AHU-1"
FED = {"sourceId": AHU, "targetId": "Chiller-1", "name": "isFedBy"}
UUID = "22222222-0000-4000-8000-000000000001"
EVENT = {
    "name": "Drill",
    "startTime": "2026-11-01T08:00:00Z",
    "eventTypeId": 1,
    "payload": "{}",
    "payloadVersion": "1",
    "twinId": AHU,
    "createdDate": "2026-11-01T08:00:00Z",
    "lastModifiedDate": "2026-11-01T08:00:00Z",
}
POINT = {"connectorId": None, "dtId": AHU, "sourceTimestamp": "2026-11-01T08:00:00Z", "scalarValue": 1}
SPAN = "start=2026-11-01T08:00:00Z&end=2026-11-02T08:00:00Z&pageSize=10"


@asynccontextmanager
async def running(**switches: Any) -> AsyncIterator[httpx.AsyncClient]:
    switches.setdefault("world", load_world(WORLD))
    emulator = Emulator(**switches)
    await emulator.start()
    try:
        async with httpx.AsyncClient(base_url=emulator.base_url, verify=NO_TLS) as client:
            form = {
                "grant_type": "client_credentials",
                "client_id": DEFAULT_CLIENT_ID,
                "client_secret": DEFAULT_CLIENT_SECRET,
            }
            answer = await client.post("/oauth2/token", data=form)
            client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
            yield client
    finally:
        await emulator.stop()


def without(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}


@pytest.mark.parametrize(
    ("method", "path", "body", "named", "words"),
    [
        ("PUT", "/tickets/categories", {"name": "a", "colour": "red"}, "colour", "Unknown field"),
        ("PUT", "/tickets/categories", {"name": "a" * 81}, "name", "80"),
        ("PUT", "/tickets/categories", {"name": " "}, "name", "not blank"),
        ("PUT", "/tickets/categories", {"name": 7}, "name", "valid string; got 7"),
        ("PUT", "/tickets/categories", {"locations": ["BLDG-1"]}, "name", "required"),
        ("PUT", "/tickets/categories", {"name": "a", "locations": ["NONE"]}, "locations", "no twin"),
        ("PUT", "/tickets/categories", [], "$", "got a list"),
        ("PUT", "/tickets/job-types", {"name": "a", "isActive": True}, "isActive", "Unknown field"),
        ("PUT", "/tickets/job-types", {"name": "a", "job_type": 1}, "job_type", "Unknown field"),
        ("PUT", "/tickets/service-needed", {"name": "a", "categoryId": "HVAC"}, "categoryId", "UUID"),
        ("PUT", "/tickets/service-needed", {"name": "a", "categoryId": UUID}, "categoryId", "in none"),
        ("PATCH", "/tickets/job-types/{uuid}", {"isActive": "yes"}, "isActive", "boolean"),
        ("PATCH", "/tickets/job-types/corrective", {"isActive": True}, "jobTypeId", "not a UUID"),
        ("POST", "/tickets/categories", {"pageSize": "10"}, "pageSize", "integer"),
        ("POST", "/insights", {"page": -1}, "page", "Expected 0"),
        ("POST", "/insights?addFloor=maybe", {}, "addFloor", "boolean"),
        ("POST", "/insights", {"filterSpecifications": [{"field": "secret"}]}, "filterSpecifications", "twinId"),
        ("GET", "/insights/17", None, "insightId", "not a UUID"),
        ("GET", "/models/Room", None, "id", "dtmi:"),
        ("GET", "/models?rootModel=dtmi:none;1", None, "rootModel", "no model"),
        ("GET", "/models?root=dtmi:none;1", None, "root", "Unknown"),
        ("GET", "/twins/AHU-1?includeRelationships=2", None, "includeRelationships", "boolean"),
        ("GET", "/twins/AHU-1?includeRelationships=true&includeRelationships=true", None, "query", "twice"),
        ("POST", "/twins/ids", [], "$", "at least 1"),
        ("POST", "/twins/ids", [f"T{number}" for number in range(101)], "$", "at most 100"),
        ("POST", "/twins/ids", [1], "[0]", "string"),
        ("PUT", "/twins", {"id": "T", "modelId": ""}, "modelId", "at least 1"),
        ("PUT", "/twins", {"id": "T", "modelId": "dtmi:none;1"}, "modelId", "no model"),
        ("PUT", "/twins", {"id": "T", "modelId": "m", "lastUpdateTime": "2026-11-01"}, "lastUpdateTime", "datetime"),
        ("PATCH", "/twins/AHU-1", [{"op": "test", "path": "/contents/name"}], "[0]", "add, replace, remove"),
        ("PATCH", "/twins/AHU-1", [{"op": "add", "path": "/modelId", "value": "x"}], "[0]", "below /contents"),
        ("PATCH", "/twins/AHU-1", [{"op": "remove", "path": "/contents/none"}], "[0]", "nothing at"),
        ("PATCH", "/twins/AHU-1", [{"op": "add", "path": "/contents/a", "valve": 1}], "[0].valve", "Unknown field"),
        ("POST", "/twins", {"pageSize": 1001}, "pageSize", "1000"),
        ("POST", "/twins", {"continuationToken": "abc"}, "continuationToken", "none of this list"),
        ("POST", "/twins", {"modelFilter": {"ids": []}}, "modelFilter", "ids: Unknown field"),
        ("POST", "/twins", {"relationshipFilter": {"relationshipDirection": "Up"}}, "relationshipFilter", "Incoming"),
        ("POST", "/twins", {"propertyFilter": {"field": "code", "operator": "~"}}, "propertyFilter", "operators"),
        ("POST", "/twins/count", {"pageSize": 5}, "pageSize", "Unknown field"),
        ("POST", "/twins/graph", {"id": AHU}, "alias", "required"),
        ("PUT", "/twins/relationships", {**FED, "name": ""}, "name", "at least 1"),
        ("PUT", "/twins/relationships", without(FED, "targetId"), "targetId", "required"),
        ("POST", "/time-series", [without(POINT, "connectorId")], "[0].connectorId", "required"),
        ("POST", "/time-series", [POINT, {**POINT, "scalarValue": "1"}], "[1].scalarValue", "number"),
        ("POST", "/time-series", [{**POINT, "sourceTimestamp": 1793610851}], "[0].sourceTimestamp", "datetime"),
        ("POST", "/time-series", [{**POINT, "dtId": "NONE"}], "[0]", "twin that exists"),
        ("POST", "/time-series", [without(POINT, "dtId")], "[0]", "twin that exists"),
        ("GET", "/time-series/AHU-1?start=2026-11-01T08:00:00Z&pageSize=1", None, "end", "required"),
        ("GET", f"/time-series/AHU-1?{SPAN}x", None, "pageSize", "integer"),
        ("GET", f"/time-series/AHU-1?{SPAN}&continuationToken=x", None, "continuationToken", "none of this"),
        ("POST", f"/time-series/ids?{SPAN}", [AHU], "continuationToken", "required"),
        ("PUT", "/events", {**EVENT, "id": "17"}, "id", "UUID"),
        ("PUT", "/events", without(EVENT, "payload"), "payload", "required"),
        ("PUT", "/events", {**EVENT, "eventTypeId": 99}, "eventTypeId", "Expected one of 1, 2, 3"),
        ("PUT", "/events", [EVENT, {**EVENT, "twinId": "NONE"}], "[1].twinId", "no twin"),
        ("PUT", "/events", [{**EVENT, "endTime": "soon"}], "[0].endTime", "datetime"),
        ("PUT", "/events", "drill", "$", "object; got 'drill'"),
        ("PUT", "/events/batch", EVENT, "$", "array"),
        ("DELETE", "/events", ["17"], "[0]", "UUID"),
        ("DELETE", "/events", [], "$", "at least 1"),
        ("GET", "/events/17", None, "eventId", "not a UUID"),
        ("GET", "/tickets/status?all=true", None, "all", "there are none"),
    ],
)
async def test_a_wrong_request_is_refused_by_name(method: str, path: str, body: Any, named: str, words: str) -> None:
    async with running() as client:
        content = {} if body is None else {"json": body}
        answer = await client.request(method, path.replace("{uuid}", UUID), **content)

        problem = answer.json()
        assert answer.status_code == problem["status"] == 400
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert list(problem["errors"]) == [named]
        assert words in problem["errors"][named][0]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/tickets/categories/{uuid}", {"isActive": True}, 404),
        ("GET", "/models/dtmi:none;1", None, 404),
        ("GET", "/twins/NONE", None, 404),
        ("PATCH", "/twins/NONE", [], 404),
        ("POST", "/twins/graph", {"id": "NONE", "alias": "T"}, 404),
        ("PUT", "/twins/relationships", {**FED, "targetId": "NONE"}, 404),
        ("PUT", "/twins/relationships", {**FED, "properties": {"substance": "ChilledWater"}, "id": ""}, 409),
        ("GET", "/twins/Chiller-1/relationships/AHU-1_isFedBy_substance_ChilledWater_Chiller-1", None, 404),
        ("GET", "/twins/NONE/relationships/outgoing", None, 404),
        ("GET", "/twins/NONE/relationships/incoming", None, 404),
        ("GET", f"/time-series/NONE?{SPAN}", None, 404),
        ("GET", "/insights/{uuid}", None, 404),
        ("GET", "/events/{uuid}", None, 404),
        ("GET", "/tickets/{uuid}/attachments/{uuid}", None, 404),
        ("POST", "/models", {}, 405),
        ("PATCH", "/events", [], 405),
    ],
)
async def test_what_is_not_there_or_in_the_way(method: str, path: str, body: Any, status: int) -> None:
    async with running() as client:
        content = {} if body is None else {"json": body}
        answer = await client.request(method, path.replace("{uuid}", UUID), **content)

        assert answer.status_code == answer.json()["status"] == status
        assert answer.json()["detail"]


@pytest.mark.parametrize(
    "row", [row for row in OPERATIONS.values() if row.body is not Body.NONE], ids=lambda row: row.name
)
async def test_another_content_type_is_refused(row: Operation[Any]) -> None:
    async with running() as client:
        path = row.url_path(ticket_id=UUID, category_id=UUID, job_type_id=UUID, service_needed_id=UUID, id=AHU)
        answer = await client.request(row.method, path, content=b"{}", headers={"Content-Type": "text/csv"})

        assert answer.status_code == 415


FILLED_IN = ("list_twins", "count_twins", "put_twin", "put_relationship")
"""Operations whose sample in the older document is written out, not made of placeholders."""


@pytest.mark.parametrize("name", FILLED_IN)
async def test_the_requests_that_the_document_writes_out_are_taken(name: str) -> None:
    row = OPERATIONS[name]
    async with running() as client:
        answer = await client.request(
            row.method, row.path, json=request_sample(documented("001")[row.method, row.path])
        )

        assert answer.status_code == row.status, answer.text


async def test_time_series_say_for_which_ids_there_is_no_twin() -> None:
    async with running() as client:
        answer = await client.post(f"/time-series/ids?{SPAN}&continuationToken=", json=["NONE", "TW-DD-II-01"])

        assert answer.json()["errorData"]["ids"] == ["NONE"]


async def test_a_body_where_none_is_wanted_breaks_no_line_of_the_journal() -> None:
    async with running() as client:
        await client.request("GET", "/tickets/status", content=b"no JSON")

        root = str(client.base_url).removesuffix("/api/v3/")
        lines = (await client.get(f"{root}/_emulator/journal")).content.splitlines()

    assert [orjson.loads(line)["body"] for line in lines] == [None, None]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([("file", ("a.json", b"{}", "application/json"))], "file"),
        ([("files", ("a.json", b"{}", "application/json"))], "a.json"),
        ([("files", ("a.csv", b"name,startTime", "text/csv"))], "a.csv"),
    ],
)
async def test_files_that_hold_no_events_are_refused_by_name(files: Any, named: str) -> None:
    async with running() as client:
        answer = await client.post("/events/files", files=files)

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [named]


def test_a_tickets_fields_are_those_of_the_tables_schema() -> None:
    schema = {field.serialization_alias or "": field for field in TicketWrite.model_fields.values()}

    assert schema.keys() == FIELDS.keys()
    assert {name for name, field in schema.items() if field.is_required()} == set(NEEDED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("summary", 3),
        ("colour", "red"),
        ("subStatusId", "open"),
        ("assigneeType", "team"),
        ("reporter", {"mail": "x"}),
        ("reporter", "Ada"),
        ("dueDate", "2026-11-02"),
        ("dueDate", "2026-11-02T09:14:11"),
        ("customProperties", {"n": 1}),
        ("extendableSearchablePropertyKeys", "n"),
        ("latitude", "52"),
        ("longitude", 181),
    ],
)
async def test_a_ticket_is_refused_by_the_fields_and_by_the_schema_alike(name: str, value: Any) -> None:
    ticket = {"summary": "Fan trips", "twinId": AHU, name: value}
    async with running() as client:
        answer = await client.put("/tickets", json=ticket)

    assert list(answer.json()["errors"]) == [name]
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(TicketWrite).validate_json(orjson.dumps(ticket), by_name=False)
    assert {error["loc"][0] for error in refused.value.errors()} == {name}
