"""The list calls: paging, filters, sorting, the five metadata lists and an own lists file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Emulator,
    EmulatorError,
    Kind,
    load_lists,
    load_twins,
)


@asynccontextmanager
async def running(**switches: Any) -> AsyncIterator[tuple[Emulator, httpx.AsyncClient]]:
    emulator = Emulator(**switches)
    await emulator.start()
    try:
        async with httpx.AsyncClient(base_url=emulator.base_url) as client:
            form = {
                "grant_type": "client_credentials",
                "client_id": DEFAULT_CLIENT_ID,
                "client_secret": DEFAULT_CLIENT_SECRET,
            }
            answer = await client.post("/oauth2/token", data=form)
            client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
            yield emulator, client
    finally:
        await emulator.stop()


async def create(client: httpx.AsyncClient, count: int) -> list[str]:
    ids = []
    for number in range(count):
        body = {"externalId": f"WO{number}", "summary": "Fan trips", "twinId": "TW1"}
        ids.append(str((await client.put("/tickets", json=body)).json()["id"]))
    return ids


def filtered(operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"filterSpecifications": [{"field": "externalId", "operator": operator, "value": value, **more}]}


@pytest.mark.parametrize("base", [0, 1])
async def test_pages_add_up_and_say_what_is_around_them(base: int) -> None:
    async with running(page_base=base) as (_, client):
        ids = await create(client, 7)
        seen: list[str] = []
        for page, expected in ((base, (0, 4)), (base + 1, (3, 1)), (base + 2, (6, 0)), (base + 3, (7, 0))):
            answer = (await client.post("/tickets", json={"page": page, "pageSize": 3})).json()
            assert (answer["before"], answer["after"], answer["total"]) == (*expected, 7)
            seen += [item["id"] for item in answer["items"]]
        assert seen == ids


async def test_page_and_size_have_defaults_and_bounds() -> None:
    async with running() as (_, client):
        await create(client, 101)
        answer = (await client.post("/tickets", json={})).json()
        assert (answer["before"], len(answer["items"]), answer["after"]) == (0, 100, 1)
        for wrong in ({"pageSize": 0}, {"pageSize": 1001}, {"page": -1}, {"page": "1"}, {"pageSize": True}):
            refused = await client.post("/tickets", json=wrong)
            assert (refused.status_code, list(refused.json()["errors"])) == (400, list(wrong))


async def test_filters_on_external_id_find_every_ticket_that_has_it() -> None:
    async with running() as (_, client):
        ids = await create(client, 4) + await create(client, 1)
        for body, expected in (
            (filtered("in", ["WO2", "WO0", "WO9"]), [ids[0], ids[2], ids[4]]),
            (filtered("=", "WO3"), [ids[3]]),
            (filtered("equals", "WO9"), []),
            (filtered("in", []), []),
            (
                {"filterSpecifications": [*_specs("WO1", "WO3"), *_specs("WO1", "WO2")]},
                [ids[1]],
            ),
            (
                {"filterSpecifications": [*_specs("WO1"), *_specs("WO2", joined="Or")]},
                [ids[1], ids[2]],
            ),
        ):
            answer = (await client.post("/tickets", json=body)).json()
            assert [item["id"] for item in answer["items"]] == expected
            assert answer["total"] == len(expected)


def _specs(*values: str, joined: str = "And") -> list[dict[str, Any]]:
    one: list[dict[str, Any]] = filtered("in", list(values), filterConditionOperator=joined)["filterSpecifications"]
    return one


async def test_without_filter_support_a_filter_is_ignored() -> None:
    async with running(filter_support=False) as (_, client):
        await create(client, 3)
        answer = (await client.post("/tickets", json=filtered("in", ["WO1"]))).json()
        assert answer["total"] == 3


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "$"),
        ({"pagesize": 5}, "pagesize"),
        ({"filterSpecifications": {"field": "externalId"}}, "filterSpecifications"),
        ({"filterSpecifications": [{"Field": "externalId"}]}, "filterSpecifications"),
        (
            {"filterSpecifications": [{"field": "summary", "operator": "=", "value": "x"}]},
            "filterSpecifications",
        ),
        (filtered("like", "WO"), "filterSpecifications"),
        (filtered("in", "WO1"), "filterSpecifications"),
        (filtered("=", ["WO1"]), "filterSpecifications"),
        (filtered("=", "WO1", filterConditionOperator="Xor"), "filterSpecifications"),
        ({"sortSpecifications": [{"field": "summary", "sort": "asc"}]}, "sortSpecifications"),
        ({"sortSpecifications": [{"field": "id", "sort": "up"}]}, "sortSpecifications"),
    ],
)
async def test_a_question_of_another_form_is_refused(body: Any, named: str) -> None:
    async with running() as (_, client):
        answer = await client.post("/tickets", json=body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [named])


async def test_sorting() -> None:
    async with running() as (_, client):
        ids = await create(client, 4)
        await client.patch(f"/tickets/{ids[0]}", json=[{"op": "replace", "path": "/cause", "value": "Belt worn"}])
        for field, direction, expected in (
            ("createdDate", "desc", ids[::-1]),
            ("createdDate", "ASC", ids),
            ("id", "asc", sorted(ids)),
            ("updatedDate", "asc", [*ids[1:], ids[0]]),
        ):
            body = {"sortSpecifications": [{"field": field, "sort": direction}]}
            answer = (await client.post("/tickets", json=body)).json()
            assert [item["id"] for item in answer["items"]] == expected


async def test_the_built_in_lists_hang_together_and_keep_their_ids() -> None:
    async with running() as (emulator, client):
        for path, kind in (
            ("categories", Kind.CATEGORIES),
            ("job-types", Kind.JOB_TYPES),
            ("service-needed", Kind.SERVICES_NEEDED),
        ):
            page = (await client.post(f"/tickets/{path}", json={"pageSize": 3})).json()
            assert (len(page["items"]), page["total"]) == (3, len(emulator.lists[kind]))
            assert all(item["isActive"] for item in page["items"])
        services = (await client.post("/tickets/service-needed", json={})).json()["items"]
        categories = {item.id for item in emulator.lists[Kind.CATEGORIES]}
        assert {item["categoryId"] for item in services} <= categories
        named = {"filterSpecifications": [{"field": "name", "operator": "=", "value": "HVAC"}]}
        found = (await client.post("/tickets/categories", json=named)).json()["items"]
        assert [item["id"] for item in found] == [emulator.lists.id_of(Kind.CATEGORIES, "HVAC")]
        statuses = (await client.get("/tickets/status")).json()
        assert [row["name"] for row in statuses] == ["Open", "In Progress", "On Hold", "Resolved", "Closed"]
        priorities = (await client.get("/tickets/priorities")).json()
        assert [row["priorityLevel"] for row in priorities] == ["urgent", "high", "medium", "low"]
        assert all(UUID(row["id"]) for row in statuses + priorities)
        # Ids that a settings file names must mean the same on the next start.
        assert emulator.lists == Emulator().lists


async def test_twins_by_ids_leaves_out_the_unknown_ones() -> None:
    async with running(twins=["TW1", "TW2"]) as (_, client):
        answer = await client.post("/twins/ids", json=["TW2", "TW9"])
        assert [item["id"] for item in answer.json()] == ["TW2"]
        for wrong in ([], [f"TW{number}" for number in range(101)], "TW1", [1]):
            assert (await client.post("/twins/ids", json=wrong)).status_code == 400


def test_a_lists_file_replaces_the_lists_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "lists.json"
    own = {
        "categories": [{"name": "Roof", "locations": ["TW-B1"]}, {"name": "Old", "isActive": False}],
        "servicesNeeded": [{"name": "Leak", "categoryId": "Roof"}],
    }
    file.write_bytes(orjson.dumps(own))
    lists = load_lists(file)
    roof = lists.id_of(Kind.CATEGORIES, "Roof")
    assert lists[Kind.CATEGORIES][0].details == {"isActive": True, "locations": ["TW-B1"]}
    assert lists[Kind.SERVICES_NEEDED][0].details["categoryId"] == roof
    assert lists.id_of(Kind.STATUSES, "Open")
    with pytest.raises(KeyError, match="Roof"):
        lists.id_of(Kind.CATEGORIES, "Cellar")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not usable"),
        ('{"status": []}', "status: Extra inputs"),
        ('{"statuses": [{"title": "Open"}]}', "statuses.0.name"),
        ('{"statuses": []}', "a ticket always has a status"),
        ('{"statuses": [{"id": "7", "name": "Open"}]}', "statuses.0.id"),
        ('{"priorities": [{"name": "P1", "priorityLevel": "huge"}]}', "priorityLevel"),
        ('{"jobTypes": [{"name": "A"}, {"name": "A"}]}', "need their own ids"),
        ('{"categories": [], "servicesNeeded": [{"name": "A", "categoryId": "B"}]}', "not listed"),
    ],
)
def test_a_lists_file_that_does_not_hold_together_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "lists.json"
    file.write_text(content)
    with pytest.raises(EmulatorError, match=said) as caught:
        load_lists(file)
    assert caught.value.remedy


@pytest.mark.parametrize("content", ['{"a": 1}', '["TW1", ""]', "[1]", "TW1"])
def test_a_twins_file_that_is_no_list_of_ids_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "twins.json"
    file.write_text(content)
    with pytest.raises(EmulatorError, match=r"twins\.json is not usable"):
        load_twins(file)
    with pytest.raises(EmulatorError, match="can't read"):
        load_twins(tmp_path / "missing.json")
