"""``ticket_metadata``: the five lists, and what adds to three of them."""

from collections.abc import Callable, Mapping
from typing import Any

from ops.emulator.asked import Asked, Handler
from ops.emulator.listing import Collection, page_of, parse_query
from ops.emulator.lists import Kind, Listed
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, no_content, shown
from ops.emulator.world import World
from streams.willow.models.base import plain

_METADATA = Collection(("name",), ("name", "id"))
_SORTS: Mapping[str, Callable[[Listed], Any]] = {
    "name": lambda item: item.name,
    "id": lambda item: item.id,
}

_DETAILS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.CATEGORIES: {"isActive": True, "locations": []},
    Kind.JOB_TYPES: {"isActive": True},
    Kind.SERVICES_NEEDED: {"isActive": True, "locations": [], "categoryId": None},
}
"""What an entry shows beside id and name, and what it has when nothing was given."""


def _page(kind: Kind) -> Handler:
    def run(world: World, asked: Asked) -> Answer:
        query = parse_query(
            plain(asked.body), _METADATA, page_base=world.page_base, filter_support=world.filter_support
        )
        found = [item for item in world.lists[kind] if query.wanted is None or item.name in query.wanted]
        return json_answer(200, page_of(found, query, _SORTS, lambda item: world.shapes.listed(kind, item)))

    return run


def _list(kind: Kind) -> Handler:
    def run(world: World, asked: Asked) -> Answer:
        return json_answer(200, [world.shapes.listed(kind, item) for item in world.lists[kind]])

    return run


def _put(kind: Kind) -> Handler:
    def run(world: World, asked: Asked) -> Answer:
        given = _given(world, asked)
        if not given["name"].strip():
            raise invalid({"name": ["Expected text that is not blank."]})
        details = {name: given.get(name) or default for name, default in _DETAILS[kind].items()}
        item = Listed(world.new_id(), given["name"], len(world.lists[kind]), details)
        world.add_entry(kind, item)
        return json_answer(201, world.shapes.listed(kind, item))

    return run


def _patch(kind: Kind, parameter: str) -> Handler:
    def run(world: World, asked: Asked) -> Answer:
        entry_id = asked.id(parameter)
        item = world.lists.by_id(kind).get(entry_id)
        if item is None:
            raise Refusal(404, f"there is no entry of {kind} with the id '{entry_id}'")
        # A null leaves the property as it is: the documents allow it, and nothing says that it clears.
        given = {name: value for name, value in _given(world, asked).items() if value is not None}
        name = given.pop("name", item.name)
        world.add_entry(kind, Listed(item.id, name, item.code, {**item.details, **given}))
        return no_content()

    return run


def _given(world: World, asked: Asked) -> dict[str, Any]:
    """The body, with the ids in it checked against the world. Raises Refusal (400)."""
    given: dict[str, Any] = plain(asked.body)
    unknown = [twin for twin in given.get("locations") or [] if twin not in world.twins]
    if unknown:
        raise invalid({"locations": [f"There is no twin with the id {shown(unknown[0])}."]})
    category = given.get("categoryId")
    if category is not None and category not in world.lists.by_id(Kind.CATEGORIES):
        raise invalid({"categoryId": [f"{category} is in none of Willow's categories."]})
    return given


HANDLERS: dict[str, Handler] = {
    "list_categories": _page(Kind.CATEGORIES),
    "put_category": _put(Kind.CATEGORIES),
    "patch_category": _patch(Kind.CATEGORIES, "categoryId"),
    "list_job_types": _page(Kind.JOB_TYPES),
    "put_job_type": _put(Kind.JOB_TYPES),
    "patch_job_type": _patch(Kind.JOB_TYPES, "jobTypeId"),
    "list_services_needed": _page(Kind.SERVICES_NEEDED),
    "put_service_needed": _put(Kind.SERVICES_NEEDED),
    "patch_service_needed": _patch(Kind.SERVICES_NEEDED, "serviceNeededId"),
    "list_statuses": _list(Kind.STATUSES),
    "list_priorities": _list(Kind.PRIORITIES),
}
