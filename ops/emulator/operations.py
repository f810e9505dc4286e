"""Willow's API as the emulator answers it: each row of the client's operations table with its handler.

A handler takes the world and the checked call and answers at once: waiting is the business of ``Behaviour`` alone,
so that every operation is one indivisible step and the revisions of a ticket are in the order of their
commits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.emulator.asked import Asked, Handler
from ops.emulator.behaviour import Call
from ops.emulator.checking import check_content_type, check_ids, check_json, checked_body, checked_query
from ops.emulator.handlers import (
    events,
    insights,
    models,
    oauth2,
    relationships,
    ticket_metadata,
    tickets,
    time_series,
    twins,
)
from ops.emulator.problems import Answer
from ops.emulator.world import World
from streams.willow.operation import Body
from streams.willow.operation import Operation as Row
from streams.willow.operations import OPERATIONS as TABLE

BASE = "/api/v3"

HANDLERS: Mapping[str, Handler] = {
    **oauth2.HANDLERS,
    **tickets.HANDLERS,
    **ticket_metadata.HANDLERS,
    **twins.HANDLERS,
    **relationships.HANDLERS,
    **models.HANDLERS,
    **time_series.HANDLERS,
    **insights.HANDLERS,
    **events.HANDLERS,
}
"""By the operation's name."""

_OPEN = frozenset({"token"})

_CHECKED_BY_FIELDS = frozenset({"put_ticket", "patch_ticket"})
"""The sync's throughput is measured against these two: ``fields`` checks what the schema says and what the world
knows in one go. A test holds the two against each other."""


@dataclass(frozen=True, slots=True)
class Operation:
    row: Row[Any]
    handler: Handler

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def method(self) -> str:
        return self.row.method

    @property
    def path(self) -> str:
        return self.row.path

    @property
    def body(self) -> Body:
        return self.row.body

    @property
    def open(self) -> bool:
        """Needs no bearer token."""
        return self.row.name in _OPEN


OPERATIONS: tuple[Operation, ...] = tuple(Operation(row, HANDLERS[row.name]) for row in TABLE.values())


def perform(world: World, operation: Operation, call: Call) -> Answer:
    """Runs the operation. Raises Refusal: 401, 415, 400, or what the operation itself refuses."""
    row = operation.row
    if not operation.open:
        world.tokens.check(call.authorization)
    if row.body is not Body.NONE:
        check_content_type(row, call.content_type)
    if row.name in _CHECKED_BY_FIELDS:
        check_json(call)
        return operation.handler(world, Asked(call, None, None))
    check_ids(call.parameters)
    query = checked_query(row, call)
    return operation.handler(world, Asked(call, checked_body(row, call), query))
