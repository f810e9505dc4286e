"""``relationships``: one for each source, target, name and properties, whatever it is called in a request."""

from ops.emulator.asked import Asked, Handler
from ops.emulator.graph import Relationship
from ops.emulator.problems import Answer, Refusal, json_answer, shown
from ops.emulator.world import World


def _put(world: World, asked: Asked) -> Answer:
    graph, given = world.stores.graph, asked.body
    for twin_id in (given.source_id, given.target_id):
        if graph.twin(twin_id) is None:
            raise Refusal(404, f"there is no twin with the id {shown(twin_id)}")
    wanted = Relationship(given.source_id, given.target_id, given.name, given.properties or {})
    there = graph.relationship(wanted.id)
    present = graph.relationship(given.id) if given.id else None
    # Seed 001: an empty id asks for a new one; a present one must not be changed into another.
    if there is not None and (given.id == "" or (present is not None and present.id != wanted.id)):
        raise Refusal(409, f"the relationship {wanted.id} exists already")
    if present is not None and present.id != wanted.id:
        graph.drop_relationship(present)
    graph.put_relationship(wanted)
    return json_answer(200, wanted.document())


def _get(world: World, asked: Asked) -> Answer:
    found = world.stores.graph.relationship(asked.id("relationshipId"))
    if found is None or found.source != asked.id("twinId"):
        raise Refusal(404, f"the twin has no relationship with the id {shown(asked.id('relationshipId'))}")
    return json_answer(200, found.document())


def _outgoing(world: World, asked: Asked) -> Answer:
    name = asked.query.relationship_name
    found = world.stores.graph.outgoing(_known(world, asked))
    return json_answer(200, [item.document() for item in found if not name or item.name == name])


def _incoming(world: World, asked: Asked) -> Answer:
    return json_answer(200, [item.document() for item in world.stores.graph.incoming(_known(world, asked))])


def _known(world: World, asked: Asked) -> str:
    twin_id = asked.id("twinId")
    if world.stores.graph.twin(twin_id) is None:
        raise Refusal(404, f"there is no twin with the id {shown(twin_id)}")
    return twin_id


HANDLERS: dict[str, Handler] = {
    "put_relationship": _put,
    "get_relationship": _get,
    "list_outgoing_relationships": _outgoing,
    "list_incoming_relationships": _incoming,
}
