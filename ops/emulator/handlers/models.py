"""``models``."""

from ops.emulator.asked import Asked, Handler
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, shown
from ops.emulator.world import World


def _list(world: World, asked: Asked) -> Answer:
    graph, query = world.stores.graph, asked.query
    ids: tuple[str, ...] = tuple(graph.models)
    if query.root_model is not None:
        if query.root_model not in graph.models:
            raise invalid({"rootModel": [f"There is no model {shown(query.root_model)}."]})
        ids = graph.dependencies(query.root_model)
    found = (graph.models[model_id] for model_id in ids if model_id in graph.models)
    return json_answer(200, [model.document(bool(query.include_model_definitions)) for model in found])


def _get(world: World, asked: Asked) -> Answer:
    model_id = asked.id("id")
    if not model_id.startswith("dtmi:"):
        raise invalid({"id": [f"Expected a model id like dtmi:com:willowinc:Room;1, got {shown(model_id)}."]})
    model = world.stores.graph.models.get(model_id)
    if model is None:
        raise Refusal(404, f"there is no model {shown(model_id)}")
    return json_answer(200, model.document(True))


HANDLERS: dict[str, Handler] = {"list_models": _list, "get_model": _get}
