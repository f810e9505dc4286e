"""The walk against the emulator: all of it, whatever shows the relationships."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Answer, Call, Emulator, Perform, WorldFile
from streams.planning.places import PlaceKind
from streams.pulling import Pulled, Walk
from streams.willow import Invalid, WillowClient


def dtmi(name: str) -> str:
    return f"dtmi:com:willowinc:{name};1"


def world(things: int = 6) -> WorldFile:
    models = [("Space", []), ("Building", ["Space"]), ("Level", ["Space"]), ("Asset", []), ("Pump", ["Asset"])]
    models += [("Sensor", []), ("Portfolio", [])]
    twins = [("L1", "Level", "F1"), ("B1", "Building", "BLDG1"), ("P", "Portfolio", None), ("S1", "Sensor", "PNT1")]
    links = [("L1", "isPartOf", "B1"), ("B1", "isPartOf", "P"), ("S1", "isCapabilityOf", "T0")]
    for number in range(things):
        twins.append((f"T{number}", "Pump", f"THG{number}"))
        links.append((f"T{number}", "locatedIn", "L1") if number % 2 == 0 else (f"T{number}", "isPartOf", "T0"))
    return WorldFile.model_validate(
        {
            "models": [
                {"id": dtmi(name), "modelDefinition": {"extends": [dtmi(one) for one in above]}}
                for name, above in models
            ],
            "twins": [
                {"id": twin, "modelId": dtmi(model), "contents": {"externalID": entity} if entity else {}}
                for twin, model, entity in twins
            ],
            "relationships": [{"sourceId": source, "name": name, "targetId": target} for source, name, target in links],
        }
    )


@asynccontextmanager
async def walking(given: WorldFile, page: int = 500, **options: Any) -> AsyncIterator[tuple[Walk, list[str]]]:
    asked: list[str] = []
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    emulator = Emulator(world=given, twins=[], **options)
    await emulator.start()
    client = WillowClient(
        emulator.base_url,
        DEFAULT_CLIENT_ID,
        DEFAULT_CLIENT_SECRET,
        sleep=sleep,
        observe=lambda operation, status, seconds: asked.append(operation),
    )
    try:
        async with client:
            yield Walk(client, "ORG1", page=page), asked
    finally:
        await emulator.stop()


async def everything(walk: Walk, token: str | None = None) -> list[Pulled]:
    total = await walk.start()
    pages = [page async for page in walk.places()] + [page async for page in walk.things(token)]
    assert token is not None or sum(page.read for page in pages) == total
    return pages


def told(pages: list[Pulled]) -> dict[str, tuple[PlaceKind, str | None, str | None]]:
    def link(found: Any) -> str | None:
        return found.id if found is not None else None

    return {
        entity.id: (kind, link(entity.is_part_of), link(entity.has_location))
        for page in pages
        for kind, entity in page.entities
    }


WHOLE = {
    "BLDG1": (PlaceKind.BUILDING, None, None),
    "F1": (PlaceKind.FLOOR, "BLDG1", None),
    "THG0": (PlaceKind.THING, None, "F1"),
    "THG1": (PlaceKind.THING, "THG0", None),
    "THG2": (PlaceKind.THING, None, "F1"),
    "THG3": (PlaceKind.THING, "THG0", None),
    "THG4": (PlaceKind.THING, None, "F1"),
    "THG5": (PlaceKind.THING, "THG0", None),
}


async def test_places_first_then_things_page_by_page_with_what_they_are_part_of() -> None:
    async with walking(world(), page=2) as (walk, asked):
        pages = await everything(walk)
    assert told(pages) == WHOLE
    assert [len(page.entities) for page in pages] == [0, 2, 2, 2, 2]
    assert [page.token is None for page in pages[2:]] == [False, False, True]
    # A part is read on another page than its whole: that one is asked for by its id.
    assert asked.count("twins_by_ids") == 2
    assert asked.count("list_outgoing_relationships") == 0


def _without(key: str, *operations: str) -> Callable[..., Any]:
    """Answers that do not show ``key`` of a twin."""

    async def behave(call: Call, perform: Perform) -> Answer:
        answer = perform()
        if call.operation not in operations:
            return answer
        document = json.loads(answer.body)
        for twin in document["content"] if isinstance(document, dict) else document:
            twin.pop(key, None)
        return replace(answer, body=json.dumps(document).encode())

    return behave


@pytest.mark.parametrize(
    ("hidden", "used"),
    [(("list_twins",), "twins_by_ids"), (("list_twins", "twins_by_ids"), "list_outgoing_relationships")],
)
async def test_relationships_that_a_list_does_not_show_are_asked_for(hidden: tuple[str, ...], used: str) -> None:
    async with walking(world(), behaviour=_without("outgoingRelationships", *hidden)) as (walk, asked):
        assert told(await everything(walk)) == WHOLE
    assert used in asked


async def test_it_goes_on_where_a_token_says() -> None:
    async with walking(world(), page=2) as (walk, _):
        pages = await everything(walk)
        rest = await everything(walk, pages[2].token)
    assert [entity.id for page in rest[2:] for _, entity in page.entities] == ["THG2", "THG3", "THG4", "THG5"]


async def test_a_token_that_willow_no_longer_knows_is_told() -> None:
    async with walking(world()) as (walk, _):
        with pytest.raises(Invalid):
            await everything(walk, "AAAA")


async def test_what_makes_no_entity_is_told() -> None:
    given = world(2)
    nameless = given.twins[-1].model_copy(update={"contents": {}})
    double = nameless.model_copy(update={"id": "T9", "contents": {"externalID": "THG0"}})
    given = given.model_copy(update={"twins": (*given.twins[:-1], nameless, double), "relationships": ()})
    async with walking(given) as (walk, _):
        pages = await everything(walk)
    assert told(pages).keys() == {"BLDG1", "F1", "THG0"}
    assert pages[-1].nameless == ["T1"]
    assert pages[-1].doubled == [("T9", "T0")]
    assert pages[-1].unplaced == ["T0"]
