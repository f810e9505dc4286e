"""``twins``."""

from collections.abc import Iterable
from typing import Any

from ops.emulator.asked import Asked, Handler
from ops.emulator.continuation import page_from
from ops.emulator.graph import Graph, Twin
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, no_content, shown
from ops.emulator.stores import twin_of
from ops.emulator.twin_filters import chosen, ends
from ops.emulator.twin_patch import patched
from ops.emulator.world import World
from streams.willow.models.base import plain
from streams.willow.models.twins import GraphStep

DEFAULT_PAGE_SIZE = 100


def _list(world: World, asked: Asked) -> Answer:
    graph, which = world.stores.graph, asked.body
    include = which.include
    question = {name: value for name, value in plain(which).items() if name not in ("continuationToken", "pageSize")}
    size = which.page_size or DEFAULT_PAGE_SIZE
    page, token = page_from(chosen(graph, which), which.continuation_token, size, question)
    content = [
        graph.document(
            twin,
            incoming=bool(include and include.incoming_relationships),
            outgoing=bool(include and include.outgoing_relationships),
        )
        for twin in page
    ]
    return json_answer(200, {"content": content, "continuationToken": token})


def _count(world: World, asked: Asked) -> Answer:
    return json_answer(200, len(chosen(world.stores.graph, asked.body)))


def _get(world: World, asked: Asked) -> Answer:
    return json_answer(200, _shown(world, _twin(world, asked), asked.query.include_relationships))


def _by_ids(world: World, asked: Asked) -> Answer:
    # Unknown ids are silently missing (seed 001).
    found = (world.stores.graph.twin(twin_id) for twin_id in dict.fromkeys(asked.body))
    return json_answer(200, [_shown(world, twin, asked.query.include_relationships) for twin in found if twin])


def _put(world: World, asked: Asked) -> Answer:
    graph = world.stores.graph
    if graph.models and asked.body.model_id not in graph.models:
        raise invalid({"modelId": [f"There is no model {shown(asked.body.model_id)}."]})
    twin = twin_of(asked.body, world.clock.instant())
    graph.put_twin(twin)
    return json_answer(200, graph.document(twin))


def _patch(world: World, asked: Asked) -> Answer:
    twin = _twin(world, asked)
    contents = patched(twin.contents, asked.body)
    world.stores.graph.put_twin(Twin(twin.id, twin.model_id, world.clock.instant(), contents))
    return no_content()


def _graph(world: World, asked: Asked) -> Answer:
    graph, request = world.stores.graph, asked.body
    start = graph.twin(request.id)
    if start is None:
        raise _unknown(request.id)
    found: dict[str, dict[str, Twin]] = {request.alias: {start.id: start}}
    for step in request.relationships or []:
        _walk(graph, [start], step, found)
    return json_answer(
        200, {alias: [_shown(world, twin, True) for twin in twins.values()] for alias, twins in found.items()}
    )


def _walk(graph: Graph, starts: Iterable[Twin], step: GraphStep, found: dict[str, dict[str, Twin]]) -> None:
    """An alias is there even if nothing was found: an outer join (seed 001)."""
    if step.alias is None:
        return
    reached: dict[str, Twin] = {}
    for start in starts:
        for relationship, end in ends(graph, start.id, step.direction or "IncomingOrOutgoing"):
            twin = graph.twin(end)
            if twin and _fits(graph, relationship.name, twin, step):
                reached[end] = twin
    found.setdefault(step.alias, {}).update(reached)
    if step.relationship is not None:
        _walk(graph, reached.values(), step.relationship, found)


def _fits(graph: Graph, name: str, twin: Twin, step: GraphStep) -> bool:
    of_name = not step.relationship_names or name in step.relationship_names
    return of_name and (not step.model_names or any(graph.is_a(twin.model_id, one) for one in step.model_names))


def _shown(world: World, twin: Twin, relationships: bool | None) -> dict[str, Any]:
    return world.stores.graph.document(twin, incoming=bool(relationships), outgoing=bool(relationships))


def _twin(world: World, asked: Asked) -> Twin:
    twin = world.stores.graph.twin(asked.id("id"))
    if twin is None:
        raise _unknown(asked.id("id"))
    return twin


def _unknown(twin_id: str) -> Refusal:
    return Refusal(404, f"there is no twin with the id {shown(twin_id)}")


HANDLERS: dict[str, Handler] = {
    "list_twins": _list,
    "count_twins": _count,
    "get_twin": _get,
    "twins_by_ids": _by_ids,
    "put_twin": _put,
    "patch_twin": _patch,
    "twin_graph": _graph,
}
