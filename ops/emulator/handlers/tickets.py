"""``tickets``: creating is not idempotent, on purpose."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ops.emulator.asked import Asked, Handler
from ops.emulator.fields import FIELDS, NEEDED, checked
from ops.emulator.listing import Collection, page_of, parse_query
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, kind_of, shown
from ops.emulator.tickets import Ticket
from ops.emulator.world import World
from streams.willow.models.base import plain

_TICKETS = Collection(("externalId",), ("createdDate", "updatedDate", "id"))
_SORTS: Mapping[str, Callable[[Ticket], Any]] = {
    "createdDate": lambda ticket: ticket.number,
    "updatedDate": lambda ticket: ticket.updated,
    "id": lambda ticket: ticket.id,
}


def _put(world: World, asked: Asked) -> Answer:
    document = asked.call.document
    if not isinstance(document, dict):
        raise invalid({"$": [f"Expected an object, got {kind_of(document)}."]})
    errors = {name: ["The field is required."] for name in NEEDED if document.get(name) is None}
    if errors:
        raise invalid(errors)
    ticket = world.tickets.create(checked(document, world.known), asked.call.entry.request)
    return _written(world, asked, ticket, 201)


def _patch(world: World, asked: Asked) -> Answer:
    ticket = _ticket(world, asked)
    changed = checked(_replacements(asked.call.document), world.known)
    if changed:
        world.tickets.change(ticket, changed, asked.call.entry.request)
    return _written(world, asked, ticket, 200, committed=bool(changed))


def _get(world: World, asked: Asked) -> Answer:
    return json_answer(200, world.shapes.ticket(_ticket(world, asked)))


def _list(world: World, asked: Asked) -> Answer:
    query = parse_query(plain(asked.body), _TICKETS, page_base=world.page_base, filter_support=world.filter_support)
    tickets = world.tickets
    found = list(tickets) if query.wanted is None else tickets.with_external_ids(query.wanted)
    if asked.call.unlisted > 0:
        newest = world.clock.monotonic() - asked.call.unlisted
        found = [ticket for ticket in found if ticket.revisions[0].monotonic <= newest]
    return json_answer(200, page_of(found, query, _SORTS, world.shapes.ticket))


def _attachment(world: World, asked: Asked) -> Answer:
    ticket = _ticket(world, asked)
    found = world.stores.attachment(ticket.external_id, asked.id("attachmentId").lower())
    if found is None:
        raise Refusal(404, f"the ticket has no attachment with the id '{asked.id('attachmentId')}'")
    named = f"attachment; filename*=UTF-8''{quote(found.name)}"
    return Answer(200, found.base64, {"Content-Type": found.content_type, "Content-Disposition": named})


def _ticket(world: World, asked: Asked) -> Ticket:
    ticket_id = asked.id("ticketId")
    ticket = world.tickets.get(ticket_id.lower())
    if ticket is None:
        raise Refusal(404, f"there is no ticket with the id '{ticket_id}'")
    return ticket


def _written(world: World, asked: Asked, ticket: Ticket, status: int, *, committed: bool = True) -> Answer:
    entry = asked.call.entry
    if committed:
        entry.commit(ticket.revisions[-1].at, ticket.revisions[-1].monotonic)
    entry.ticket_id = ticket.id
    entry.external_id = ticket.external_id
    entry.revision = len(ticket.revisions) - 1
    return json_answer(status, world.shapes.ticket(ticket))


def _replacements(document: Any) -> dict[str, Any]:
    """A list of ``{"op":"replace","path":"/field","value":…}``, one per field → field → value (facts §4)."""
    if not isinstance(document, list):
        raise invalid({"$": [f"Expected a list of operations, got {kind_of(document)}."]})
    found: dict[str, Any] = {}
    for item in document:
        if not isinstance(item, dict) or item.keys() != {"op", "path", "value"}:
            raise invalid({"$": ["Expected operations with exactly op, path and value."]})
        path = item["path"]
        name = path[1:] if isinstance(path, str) and path.startswith("/") else str(path)
        if item["op"] != "replace":
            raise invalid({name: [f"Expected the op replace, got {shown(item['op'])}."]})
        if not isinstance(path, str) or not path.startswith("/") or name not in FIELDS:
            raise invalid({name: [f"Unknown path {shown(path)}; a path is / and a field's name."]})
        if name in found:
            raise invalid({name: ["There are two operations for one path."]})
        found[name] = item["value"]
    return found


HANDLERS: dict[str, Handler] = {
    "put_ticket": _put,
    "patch_ticket": _patch,
    "get_ticket": _get,
    "list_tickets": _list,
    "get_attachment": _attachment,
}
