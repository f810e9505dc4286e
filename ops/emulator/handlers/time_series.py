"""``time_series``."""

from collections.abc import Sequence
from typing import Any

from ops.emulator.asked import Asked, Handler
from ops.emulator.continuation import page_from
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, shown
from ops.emulator.stores import add_point, named_twin
from ops.emulator.world import World
from streams.willow.models.time_series import LatestQuery, SeriesQuery


def _insert(world: World, asked: Asked) -> Answer:
    graph = world.stores.graph
    errors = {
        f"[{number}]": ["Expected dtId or externalId of a twin that exists."]
        for number, point in enumerate(asked.body)
        if named_twin(graph, point.dt_id or point.twin_id, point.external_id) is None
    }
    if errors:
        raise invalid(errors)
    for point in asked.body:
        add_point(world.stores.series, graph, point, world.clock.instant())
    return Answer(202, b"", {})


def _points(world: World, asked: Asked) -> Answer:
    return _page(world, [asked.id("twinId")], asked.query)


def _points_by_ids(world: World, asked: Asked) -> Answer:
    return _page(world, list(dict.fromkeys(asked.body)), asked.query)


def _page(world: World, ids: Sequence[str], query: SeriesQuery) -> Answer:
    known = [twin_id for twin_id in ids if world.stores.graph.twin(twin_id)]
    if not known:
        raise Refusal(404, f"there is no twin among {shown(list(ids))}")
    points = world.stores.series.between(known, query.start, query.end)
    question = [known, query.start.timestamp(), query.end.timestamp()]
    page, token = page_from(points, query.continuation_token, query.page_size, question)
    failed = [twin_id for twin_id in ids if twin_id not in known]
    return json_answer(
        200,
        {
            "data": [point.document(twin, quality=bool(query.include_data_quality)) for twin, point in page],
            "continuationToken": token,
            "errorData": {"message": "There are no twins with these ids.", "ids": failed} if failed else None,
        },
    )


def _latest(world: World, asked: Asked) -> Answer:
    return json_answer(200, _newest(world, [asked.id("twinId")], asked.query))


def _latest_by_ids(world: World, asked: Asked) -> Answer:
    return json_answer(200, _newest(world, list(dict.fromkeys(asked.body)), asked.query))


def _newest(world: World, ids: Sequence[str], query: LatestQuery) -> list[dict[str, Any]]:
    # No 404 is documented for these two: a twin without a value is missing from the answer.
    found = ((twin_id, world.stores.series.latest(twin_id, query.start, query.end)) for twin_id in ids)
    quality = bool(query.include_data_quality)
    return [point.document(twin_id, quality=quality, latest=True) for twin_id, point in found if point]


HANDLERS: dict[str, Handler] = {
    "post_time_series": _insert,
    "get_time_series": _points,
    "time_series_by_ids": _points_by_ids,
    "latest_time_series": _latest,
    "latest_time_series_by_ids": _latest_by_ids,
}
