"""The emulator's world: what a world file gives, which twins are known, what filters and tokens do."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ops.emulator import Emulator, EmulatorError, load_world
from tests.ops.test_emulator_requests import FED, POINT, running


async def test_a_relationship_that_is_there_is_not_made_into_another_that_is_there_too() -> None:
    async with running() as client:
        first = (await client.put("/twins/relationships", json={**FED, "properties": {"n": "1"}})).json()["Id"]
        second = (await client.put("/twins/relationships", json={**FED, "properties": {"n": "2"}})).json()["Id"]

        conflict = await client.put("/twins/relationships", json={**FED, "properties": {"n": "2"}, "id": first})
        moved = await client.put("/twins/relationships", json={**FED, "properties": {"n": "3"}, "Id": first})

        assert (conflict.status_code, moved.status_code) == (409, 200)
        ids = [item["Id"] for item in (await client.get("/twins/AHU-1/relationships/outgoing")).json()]
        assert first not in ids
        assert {second, moved.json()["Id"]} <= set(ids)


def _ids(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {twin["id"] for twin in answer.json()["content"]}


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({"modelFilter": {"modelIds": ["dtmi:com:willowinc:Asset;1"]}}, {"AHU-1", "Chiller-1"}),
        ({"modelFilter": {"modelIds": ["dtmi:com:willowinc:Asset;1"], "exactModelMatch": True}}, set()),
        ({"locationFilter": {"locationId": "TW-DD-II-L01"}}, {"Room-L01-100", "AHU-1", "TW-DD-II-01", "TW-DD-II-02"}),
        (
            {"relationshipFilter": {"relationshipDirection": "Incoming", "relationshipNames": ["isFedBy"]}},
            {"Chiller-1"},
        ),
        (
            {
                "relationshipFilter": {
                    "relationshipNames": ["locatedIn"],
                    "relationshipDirection": "Outgoing",
                    "relatedModelFilter": {"modelIds": ["dtmi:com:willowinc:Building;1"]},
                }
            },
            {"Chiller-1"},
        ),
        ({"dateFilter": {"lastUpdatedAfter": "2026-01-05T12:00:00Z"}}, {"TW-DD-II-02"}),
        (
            {"dateFilter": {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "lastUpdatedBefore": "2026-01-06T00:00:00Z"}},
            {"Chiller-1"},
        ),
        ({"propertyFilter": {"field": "externalID", "operator": "=", "value": "THG1"}}, {"AHU-1"}),
        (
            {
                "PropertyFilter": {
                    "Filters": [
                        {"Field": "externalID", "Operator": "in", "Value": ["THG1"]},
                        {"Field": "code", "Operator": "=", "Value": "B1"},
                    ],
                    "FilterConditionOperator": "or",
                }
            },
            {"AHU-1", "BLDG-1"},
        ),
    ],
)
async def test_the_filters_of_twins(which: dict[str, Any], expected: set[str]) -> None:
    async with running() as client:
        found = _ids(await client.post("/twins", json=which))
        counted = (await client.post("/twins/count", json=which)).json()

        assert found == expected
        assert counted == len(expected)


async def test_a_token_goes_on_where_its_page_ended_and_belongs_to_its_question() -> None:
    async with running() as client:
        first = (await client.post("/twins", json={"pageSize": 5})).json()
        rest = (
            await client.post("/twins", json={"pageSize": 5, "continuationToken": first["continuationToken"]})
        ).json()
        other = await client.post(
            "/twins",
            json={"modelFilter": {"modelIds": ["x"]}, "continuationToken": first["continuationToken"]},
        )

        assert (len(first["content"]), len(rest["content"]), rest["continuationToken"]) == (5, 3, None)
        assert other.status_code == 400


async def test_without_a_world_file_the_twins_are_known_as_the_sync_needs_them() -> None:
    async with running(world=None) as any_twin:
        assert (await any_twin.post("/twins/ids", json=["TW-9"])).json()[0]["contents"] == {"name": "TW-9"}
        assert (await any_twin.get("/twins/TW-9")).json()["id"] == "TW-9"
        assert (await any_twin.get("/models")).json() == []
    async with running(world=None, twins=["TW-1", "TW-2"]) as named:
        assert _ids(await named.post("/twins", json={})) == {"TW-1", "TW-2"}
        assert (await named.get("/twins/TW-9")).status_code == 404


async def test_the_twins_of_a_world_file_are_those_that_tickets_may_name() -> None:
    async with running() as client:
        for twin, status in (("AHU-1", 201), ("AHU-2", 400)):
            answer = await client.put("/tickets", json={"summary": "Fan trips", "twinId": twin})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "not usable"),
        (b'{"twin": []}', "twin: Extra"),
        (b'{"twins": [{"id": "T"}]}', "twins.0.modelId"),
        (b'{"insights": [{"name": "x"}]}', "insights"),
        (b'{"insights": [{"id": "x", "nmae": "x"}]}', "nmae"),
    ],
)
def test_a_world_file_that_does_not_hold_together(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "world.json"
    file.write_bytes(text)

    with pytest.raises(EmulatorError, match="world file") as refused:
        load_world(file)
    assert said in str(refused.value)
    assert refused.value.remedy


def test_a_world_file_with_a_series_of_no_twin(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_bytes(orjson.dumps({"timeSeries": [POINT]}))

    with pytest.raises(EmulatorError, match=r"timeSeries\.0"):
        Emulator(world=load_world(file))
