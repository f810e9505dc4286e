"""``time_series``, ``insights``, ``events``."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from streams.willow import Filter, PointWrite, Upload
from tests.willow.round_trips.rig import EVENT, NOON, ONE, POINT, World, an_event


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
