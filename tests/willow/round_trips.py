"""One call of every operation, from the client's method to the emulator's world and back.

``ROUND_TRIPS`` is operation → what calls it and checks what came of it. The world is
``tests/fixtures/willow/world.json``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    Behaviour,
    Call,
    Emulator,
    Perform,
    load_world,
)
from streams.willow import (
    CategoryPatch,
    CategoryWrite,
    CountTwins,
    EventWrite,
    Filter,
    GraphStep,
    Include,
    JobTypePatch,
    JobTypeWrite,
    ListTwins,
    ModelFilter,
    PointWrite,
    RelationshipWrite,
    ReporterWrite,
    ServiceNeededPatch,
    ServiceNeededWrite,
    TicketWrite,
    TwinGraphRequest,
    TwinPatch,
    TwinWrite,
    Upload,
    WillowClient,
)

WORLD = Path(__file__).parents[1] / "fixtures" / "willow" / "world.json"

LEVEL, AHU, POINT = "TW-DD-II-L01", "AHU-1", "TW-DD-II-01"
LEVEL_MODEL = "dtmi:com:willowinc:Level;1"
EVENT = "00000000-0000-4000-8000-000000000001"
ATTACHMENT = "22222222-0000-4000-8000-000000000001"
NOON, ONE = datetime(2024, 10, 1, 12, 0, tzinfo=UTC), datetime(2024, 10, 1, 13, 0, tzinfo=UTC)


@dataclass
class Recorder:
    """Every answer by operation, in order; those of ``inner``, or the emulator's own."""

    inner: Behaviour | None = None
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        answer = await self.inner(call, perform) if self.inner else perform()
        self.answers.setdefault(call.operation, []).append(answer)
        return answer


@dataclass
class World:
    emulator: Emulator
    client: WillowClient
    recorder: Recorder
    waits: list[float]
    measured: list[tuple[str, int | None]]


@asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    """The client's waits are recorded, not waited."""
    recorder, waits, measured = Recorder(options.pop("behaviour", None)), list[float](), list[tuple[str, int | None]]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def observe(operation: str, status: int | None, seconds: float) -> None:
        measured.append((operation, status))

    options.setdefault("world", load_world(WORLD))
    emulator = Emulator(behaviour=recorder, **options)
    await emulator.start()
    client = WillowClient(
        emulator.base_url, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, sleep=sleep, observe=observe, max_connections=8
    )
    try:
        async with client:
            yield World(emulator, client, recorder, waits, measured)
    finally:
        await emulator.stop()


def an_event(**fields: Any) -> EventWrite:
    given = {
        "name": "Fire drill",
        "start_time": NOON,
        "event_type_id": 1,
        "payload": '{"people": 40}',
        "payload_version": "1",
        "twin_id": "BLDG-1",
        "created_date": NOON,
        "last_modified_date": NOON,
    }
    return EventWrite(**{**given, **fields})


async def _token(w: World) -> None:
    token = await w.client.oauth2.token()
    assert token.access_token.get_secret_value()
    assert token.expires_in == 3599
    assert token.access_token.get_secret_value() not in repr(token)


def a_ticket(**fields: Any) -> TicketWrite:
    given = {"external_id": "WO1", "summary": "Fan trips", "twin_id": AHU, "reporter": ReporterWrite(name="Ada")}
    return TicketWrite(**{**given, **fields})


async def _put_ticket(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket(due_date=NOON, custom_properties={"a": "b"}))
    assert (ticket.external_id, ticket.twin_id, ticket.details.due_date) == ("WO1", AHU, NOON)
    assert ticket.details.reporter
    assert ticket.details.reporter.name == "Ada"
    assert ticket.details.custom_properties == {"a": "b"}


async def _patch_ticket(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket())
    assert (await w.client.tickets.patch(ticket.id, {"summary": "Belt worn"})).summary == "Belt worn"


async def _get_ticket(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket())
    assert (await w.client.tickets.get(ticket.id)).document == ticket.document


async def _list_tickets(w: World) -> None:
    ids = [(await w.client.tickets.put(a_ticket(external_id=f"WO{number}"))).id for number in range(5)]
    assert [ticket.id async for ticket in w.client.tickets.find(page_size=2)] == ids


async def _get_attachment(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket())
    async with w.client.tickets.attachment(ticket.id, ATTACHMENT) as attachment:
        content = b"".join([chunk async for chunk in attachment.chunks()])
    assert content == b"\xff\xd8\xff\xe0\x00\x10JFIF"
    assert (attachment.name, attachment.content_type, attachment.size) == ("Foto Lüfter.jpg", "image/jpeg", 10)


async def _list_categories(w: World) -> None:
    assert "HVAC" in {category.name for category in await w.client.ticket_metadata.categories()}


async def _put_category(w: World) -> None:
    made = await w.client.ticket_metadata.put_category(CategoryWrite(name="Roofs", locations=["BLDG-1"]))
    assert made in await w.client.ticket_metadata.categories()
    assert (made.is_active, made.locations) == (True, ("BLDG-1",))
    # A ticket may name it at once.
    assert (await w.client.tickets.put(a_ticket(category_id=made.id))).field("categoryId") == made.id


async def _patch_category(w: World) -> None:
    first = (await w.client.ticket_metadata.categories())[0]
    await w.client.ticket_metadata.patch_category(first.id, CategoryPatch(is_active=False))
    changed = (await w.client.ticket_metadata.categories())[0]
    assert changed == first.model_copy(update={"is_active": False})


async def _list_job_types(w: World) -> None:
    assert "Corrective" in {job_type.name for job_type in await w.client.ticket_metadata.job_types()}


async def _put_job_type(w: World) -> None:
    made = await w.client.ticket_metadata.put_job_type(JobTypeWrite(name="Warranty"))
    assert made == (await w.client.ticket_metadata.job_types())[-1]


async def _patch_job_type(w: World) -> None:
    first = (await w.client.ticket_metadata.job_types())[0]
    await w.client.ticket_metadata.patch_job_type(first.id, JobTypePatch(name="Repair"))
    assert (await w.client.ticket_metadata.job_types())[0] == first.model_copy(update={"name": "Repair"})


async def _list_services_needed(w: World) -> None:
    assert "Too Hot" in {service.name for service in await w.client.ticket_metadata.services_needed()}


async def _put_service_needed(w: World) -> None:
    category = (await w.client.ticket_metadata.categories())[0].id
    made = await w.client.ticket_metadata.put_service_needed(ServiceNeededWrite(name="Balance", category_id=category))
    assert made == (await w.client.ticket_metadata.services_needed())[-1]
    assert made.category_id == category


async def _patch_service_needed(w: World) -> None:
    first = (await w.client.ticket_metadata.services_needed())[0]
    await w.client.ticket_metadata.patch_service_needed(first.id, ServiceNeededPatch(locations=[LEVEL]))
    assert (await w.client.ticket_metadata.services_needed())[0].locations == (LEVEL,)


async def _list_statuses(w: World) -> None:
    assert (await w.client.ticket_metadata.statuses())[0].name == "Open"


async def _list_priorities(w: World) -> None:
    assert {priority.name for priority in await w.client.ticket_metadata.priorities()} >= {"High", "Low"}


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


FED = "AHU-1_isFedBy_substance_ChilledWater_Chiller-1"


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


async def _post_time_series(w: World) -> None:
    at = datetime(2024, 10, 1, 12, 30, tzinfo=UTC)
    await w.client.time_series.insert(
        [
            PointWrite(connector_id="C1", dt_id=POINT, source_timestamp=at, scalar_value=21.5),
            PointWrite(connector_id=None, external_id="PNT2", source_timestamp=at, scalar_value=0),
        ]
    )
    found = await w.client.time_series.latest_by_ids([POINT, "TW-DD-II-02"])
    assert [(point.twin_id, point.scalar_value, point.source_timestamp) for point in found] == [
        (POINT, 21.5, at),
        ("TW-DD-II-02", 0, at),
    ]


async def _get_time_series(w: World) -> None:
    points = [
        point async for point in w.client.time_series.points(POINT, NOON, ONE, page_size=2, include_data_quality=True)
    ]
    assert [point.scalar_value for point in points] == [20, 20.5, 21, 21.5, 22]
    assert points[4].data_quality
    assert (points[4].data_quality.flatline, points[4].data_quality.offline) == (True, False)


async def _latest_time_series(w: World) -> None:
    (point,) = await w.client.time_series.latest(POINT, include_data_quality=True)
    assert (point.scalar_value, point.external_id) == (22, "PNTC4Jm8vXy7bWq9rT5sHkLz2p")
    before = datetime(2024, 10, 1, 12, 2, tzinfo=UTC)
    assert [point.scalar_value for point in await w.client.time_series.latest(POINT, end=before)] == [21]


async def _time_series_by_ids(w: World) -> None:
    found = [
        point
        async for point in w.client.time_series.points_by_ids(
            [POINT, "TW-DD-II-02"], NOON, ONE, page_size=4, include_data_quality=True
        )
    ]
    assert [point.twin_id for point in found] == [POINT] * 5 + ["TW-DD-II-02"]


async def _latest_by_ids(w: World) -> None:
    found = await w.client.time_series.latest_by_ids([POINT, "TW-NONE"], include_data_quality=True)
    assert [(point.twin_id, point.scalar_value) for point in found] == [(POINT, 22)]


async def _list_insights(w: World) -> None:
    found = [insight async for insight in w.client.insights.find(page_size=1, add_floor=True)]
    assert [insight.priority for insight in found] == [1, 2, 3, 4]
    assert found[0].impact_scores[0].value == 12.5
    assert found[0].floor_id
    of_chiller = [insight async for insight in w.client.insights.find([Filter("twinId", "=", "Chiller-1")])]
    assert [insight.name for insight in of_chiller] == ["Simultaneous heating and cooling", "Valve leaks"]


async def _get_insight(w: World) -> None:
    insight = await w.client.insights.get("11111111-0000-4000-8000-000000000004", ignore_query_filters=False)
    assert (insight.name, insight.last_status) == ("Fan short-cycles", "resolved")


async def _list_events(w: World) -> None:
    found = [event async for event in w.client.events.find(page_size=2)]
    assert [event.external_id for event in found] == ["CAL-1", "WX-1", "BILL-1"]
    either = [Filter("eventTypeId", "=", 2), Filter("twinId", "=", "BLDG-1", joined="Or")]
    assert [event.name async for event in w.client.events.find(either)] == ["Frost", "Water bill"]


async def _put_events(w: World) -> None:
    one = await w.client.events.put(an_event(external_id="DRILL"))
    assert await w.client.events.get(one.id) == one
    same, other = await w.client.events.put_many(
        [an_event(external_id="DRILL", name="Big fire drill"), an_event(name=None)]
    )
    assert (same.id, same.name, other.name) == (one.id, "Big fire drill", None)
    await w.client.events.put(an_event())


async def _put_event_batch(w: World) -> None:
    await w.client.events.put_batch([an_event(external_id="B1"), an_event(external_id="B2")])
    found = [event.external_id async for event in w.client.events.find([Filter("externalId", "in", ["B1", "B2"])])]
    assert found == ["B1", "B2"]


async def _post_event_files(w: World) -> None:
    one = an_event(external_id="F1").model_dump_json(by_alias=True).encode()
    await w.client.events.upload([Upload("a b.json", one), Upload("ü.json", b"[" + one.replace(b"F1", b"F2") + b"]")])
    found = [event.external_id async for event in w.client.events.find([Filter("externalId", "in", ["F1", "F2"])])]
    assert found == ["F1", "F2"]


async def _delete_events(w: World) -> None:
    await w.client.events.delete([EVENT])
    assert [event.external_id async for event in w.client.events.find()] == ["WX-1", "BILL-1"]


async def _get_event(w: World) -> None:
    event = await w.client.events.get(EVENT.upper())
    assert (event.name, event.event_type_id, event.twin_id) == ("Board meeting", 1, "Room-L01-100")


async def _list_event_types(w: World) -> None:
    assert [(kind.id, kind.name) for kind in await w.client.events.types()][:1] == [(1, "CalendarEvent")]


ROUND_TRIPS: dict[str, Callable[[World], Awaitable[None]]] = {
    "token": _token,
    "put_ticket": _put_ticket,
    "patch_ticket": _patch_ticket,
    "get_ticket": _get_ticket,
    "list_tickets": _list_tickets,
    "get_attachment": _get_attachment,
    "list_categories": _list_categories,
    "put_category": _put_category,
    "patch_category": _patch_category,
    "list_job_types": _list_job_types,
    "put_job_type": _put_job_type,
    "patch_job_type": _patch_job_type,
    "list_services_needed": _list_services_needed,
    "put_service_needed": _put_service_needed,
    "patch_service_needed": _patch_service_needed,
    "list_statuses": _list_statuses,
    "list_priorities": _list_priorities,
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
    "post_time_series": _post_time_series,
    "get_time_series": _get_time_series,
    "latest_time_series": _latest_time_series,
    "time_series_by_ids": _time_series_by_ids,
    "latest_time_series_by_ids": _latest_by_ids,
    "list_insights": _list_insights,
    "get_insight": _get_insight,
    "list_events": _list_events,
    "put_events": _put_events,
    "put_event_batch": _put_event_batch,
    "post_event_files": _post_event_files,
    "delete_events": _delete_events,
    "get_event": _get_event,
    "list_event_types": _list_event_types,
}
