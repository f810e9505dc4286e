"""``insights``: pages count roots only and bring their children along (seed 002)."""

from collections.abc import Callable, Mapping
from typing import Any

from ops.emulator.asked import Asked, Handler
from ops.emulator.listing import Collection, Query, page_of, parse_query
from ops.emulator.problems import Answer, Refusal, json_answer
from ops.emulator.stores import insight_families
from ops.emulator.world import World
from ops.emulator.world_file import SCENARIO
from streams.willow.models.base import plain

DEFAULT_PAGE_SIZE = 10
"""Seeds 001 and 002."""

_INSIGHTS = Collection(
    ("id", "twinId", "externalId", "type", "lastStatus", "state", "ruleId", "name", "priority"),
    ("createdDate", "updatedDate", "occurredDate", "priority", "name", "id"),
    numbers=("priority",),
)

Insight = dict[str, Any]
Family = tuple[Insight, list[Insight]]


def _key(field: str) -> Callable[[Family], Any]:
    return lambda family: (family[0][field] is not None, family[0][field])


_SORTS: Mapping[str, Callable[[Family], Any]] = {field: _key(field) for field in _INSIGHTS.sort_fields}


def _list(world: World, asked: Asked) -> Answer:
    document = {"pageSize": DEFAULT_PAGE_SIZE} | {
        name: value for name, value in plain(asked.body).items() if value is not None
    }
    query = parse_query(document, _INSIGHTS, page_base=world.page_base, filter_support=world.filter_support)
    found = [kept for family in insight_families(world.stores.insights) if (kept := _kept(query, family))]
    page = page_of(found, query, _SORTS, lambda family: {"family": family})
    shown = [one for item in page["items"] for one in (item["family"][0], *item["family"][1])]
    floors = bool(asked.query.add_floor)
    return json_answer(200, {**page, "items": [_shown(insight, floors) for insight in shown]})


def _kept(query: Query, family: Family) -> Family | None:
    """A root that fits comes with all its children, a child that fits with its root."""
    root, children = family
    if query.holds(root.get):
        return family
    fitting = [child for child in children if query.holds(child.get)]
    return (root, fitting) if fitting else None


def _get(world: World, asked: Asked) -> Answer:
    wanted = asked.id("insightId")
    found = next((insight for insight in world.stores.insights if str(insight["id"]).lower() == wanted), None)
    if found is None:
        raise Refusal(404, f"there is no insight with the id '{wanted}'")
    return json_answer(200, _shown(found, True))


def _shown(insight: Insight, floors: bool) -> Insight:
    shown = {name: value for name, value in insight.items() if name != SCENARIO}
    return shown if floors else {**shown, "floorId": None}


HANDLERS: dict[str, Handler] = {"list_insights": _list, "get_insight": _get}
