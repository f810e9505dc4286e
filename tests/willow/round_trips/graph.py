"""``twins``, ``relationships``, ``models``."""

from collections.abc import Awaitable, Callable

from streams.willow import (
    CountTwins,
    GraphStep,
    Include,
    ListTwins,
    ModelFilter,
    RelationshipWrite,
    TwinGraphRequest,
    TwinPatch,
    TwinWrite,
)
from tests.willow.round_trips.rig import AHU, LEVEL, LEVEL_MODEL, POINT, World, a_ticket

FED = "AHU-1_isFedBy_substance_ChilledWater_Chiller-1"


async def _list_twins(w: World) -> None:
    every = ListTwins(page_size=3, include=Include(incoming_relationships=True, outgoing_relationships=True))
    twins = {twin.id: twin async for twin in w.client.twins.find(every)}
    assert len(twins) == 8
    assert twins[LEVEL].external_id == "FLR1"
    assert [(item.name, item.target_id) for item in twins[LEVEL].outgoing_relationships] == [("isPartOf", "BLDG-1")]
    assert [item.source_id for item in twins[LEVEL].incoming_relationships] == ["Room-L01-100"]


async def _count_twins(w: World) -> None:
    spaces = CountTwins(model_filter=ModelFilter(model_ids=["dtmi:com:willowinc:Space;1"]))
    assert await w.client.twins.count() == 8
    assert await w.client.twins.count(spaces) == 4


async def _get_twin(w: World) -> None:
    twin = await w.client.twins.get(LEVEL, include_relationships=True)
    assert (twin.model_id, twin.name, twin.contents["levelNumber"]) == (LEVEL_MODEL, "Floor_1", 0)
    assert len(twin.incoming_relationships) == len(twin.outgoing_relationships) == 1
    assert (await w.client.twins.get(LEVEL)).outgoing_relationships == ()


async def _twins_by_ids(w: World) -> None:
    found = await w.client.twins.by_ids([LEVEL, "TW-NONE", AHU], include_relationships=True)
    assert [twin.id for twin in found] == [LEVEL, AHU]


async def _twin_graph(w: World) -> None:
    points = GraphStep(alias="Points", relationship_names=["isCapabilityOf"], direction="Incoming")
    units = GraphStep(alias="Units", relationship_names=["locatedIn"], direction="Incoming", relationship=points)
    nothing = GraphStep(alias="Fans", model_names=["dtmi:com:willowinc:Fan;1"])
    found = await w.client.twins.graph(
        TwinGraphRequest(id="Room-L01-100", alias="Room", relationships=[units, nothing])
    )
    ids = {alias: [twin.id for twin in twins] for alias, twins in found.items()}
    assert ids == {"Room": ["Room-L01-100"], "Units": [AHU], "Points": [POINT, "TW-DD-II-02"], "Fans": []}


async def _put_twin(w: World) -> None:
    made = await w.client.twins.put(TwinWrite(id="TW-L02", model_id=LEVEL_MODEL, contents={"name": "Floor 2"}))
    assert made == await w.client.twins.get("TW-L02")
    assert made.name == "Floor 2"
    await w.client.tickets.put(a_ticket(twin_id="TW-L02"))


async def _patch_twin(w: World) -> None:
    changes = [
        TwinPatch(op="replace", path="/contents/name", value="Level 1"),
        TwinPatch(op="add", path="/contents/note", value={"by": "Ada"}),
        TwinPatch(op="remove", path="/contents/code"),
    ]
    before = await w.client.twins.get(LEVEL)
    await w.client.twins.patch(LEVEL, changes)
    after = await w.client.twins.get(LEVEL)
    assert (after.name, after.contents["note"], "code" in after.contents) == ("Level 1", {"by": "Ada"}, False)
    assert after.external_id == before.external_id
    assert after.last_update_time
    assert before.last_update_time
    assert after.last_update_time > before.last_update_time


async def _put_relationship(w: World) -> None:
    given = RelationshipWrite(
        source_id=AHU, target_id="Chiller-1", name="isFedBy", properties={"substance": "HotWater"}
    )
    first, again = [await w.client.relationships.put(given) for _ in range(2)]
    assert first == again
    assert first.id == "AHU-1_isFedBy_substance_HotWater_Chiller-1"
    assert len(await w.client.relationships.outgoing(AHU, "isFedBy")) == 2


async def _get_relationship(w: World) -> None:
    found = await w.client.relationships.get(AHU, FED)
    assert (found.source_id, found.target_id, found.properties) == (AHU, "Chiller-1", {"substance": "ChilledWater"})


async def _list_outgoing(w: World) -> None:
    assert {item.name for item in await w.client.relationships.outgoing(AHU)} == {"isFedBy", "locatedIn"}
    assert [item.id for item in await w.client.relationships.outgoing(AHU, "isFedBy")] == [FED]


async def _list_incoming(w: World) -> None:
    assert [item.id for item in await w.client.relationships.incoming("Chiller-1")] == [FED]


async def _list_models(w: World) -> None:
    assert len(await w.client.models.all()) == 10
    found = await w.client.models.all(LEVEL_MODEL, include_definitions=True)
    assert [model.id for model in found] == [LEVEL_MODEL, "dtmi:com:willowinc:Space;1"]
    assert found[0].extends == ("dtmi:com:willowinc:Space;1",)


async def _get_model(w: World) -> None:
    model = await w.client.models.get(LEVEL_MODEL)
    assert model.display_name == {"en": "Level"}
    assert model.definition
    assert model.definition["@type"] == "Interface"


ROUND_TRIPS: dict[str, Callable[[World], Awaitable[None]]] = {
    "list_twins": _list_twins,
    "count_twins": _count_twins,
    "get_twin": _get_twin,
    "twins_by_ids": _twins_by_ids,
    "twin_graph": _twin_graph,
    "put_twin": _put_twin,
    "patch_twin": _patch_twin,
    "put_relationship": _put_relationship,
    "get_relationship": _get_relationship,
    "list_outgoing_relationships": _list_outgoing,
    "list_incoming_relationships": _list_incoming,
    "list_models": _list_models,
    "get_model": _get_model,
}
