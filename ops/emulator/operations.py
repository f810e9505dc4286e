"""Willow's API as one table: name, method, path, kind of body, and the function that answers.

A function takes the world and the call and answers at once: waiting is the business of ``Behaviour`` alone,
so that every operation is one indivisible step and the revisions of a ticket are in the order of their
commits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ops.emulator.behaviour import Call
from ops.emulator.fields import FIELDS, NEEDED, checked
from ops.emulator.listing import Collection, Query, page_of, parse_query
from ops.emulator.lists import Kind, Listed
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, kind_of, shown
from ops.emulator.tickets import Ticket
from ops.emulator.twins import twin_ids
from ops.emulator.world import World

BASE = "/api/v3"
MAX_TWIN_IDS = 100

_TICKETS = Collection("externalId", ("createdDate", "updatedDate", "id"))
_TICKET_SORTS: Mapping[str, Callable[[Ticket], Any]] = {
    "createdDate": lambda ticket: ticket.number,
    "updatedDate": lambda ticket: ticket.updated,
    "id": lambda ticket: ticket.id,
}
_METADATA = Collection("name", ("name", "id"))
_METADATA_SORTS: Mapping[str, Callable[[Listed], Any]] = {
    "name": lambda item: item.name,
    "id": lambda item: item.id,
}


class Body(StrEnum):
    NONE = "none"
    FORM = "form"
    JSON = "json"
    """``application/json``, ``text/json`` or ``application/*+json`` (facts §3)."""
    PATCH = "patch"
    """``application/json`` only: whether Willow takes ``application/json-patch+json`` is not known (facts
    §4)."""


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    body: Body
    run: Callable[[World, Call], Answer]
    open: bool = False
    """Needs no bearer token."""


def _token(world: World, call: Call) -> Answer:
    return json_answer(200, world.tokens.issue(call.body))


def _put_ticket(world: World, call: Call) -> Answer:
    document = _object(call.document)
    errors = {name: ["The field is required."] for name in NEEDED if document.get(name) is None}
    if errors:
        raise invalid(errors)
    ticket = world.tickets.create(checked(document, world.known), call.entry.request)
    return _written(world, call, ticket, 201)


def _patch_ticket(world: World, call: Call) -> Answer:
    ticket = _ticket(world, call)
    changed = checked(_replacements(call.document), world.known)
    if changed:
        world.tickets.change(ticket, changed, call.entry.request)
    return _written(world, call, ticket, 200, committed=bool(changed))


def _get_ticket(world: World, call: Call) -> Answer:
    return json_answer(200, world.shapes.ticket(_ticket(world, call)))


def _list_tickets(world: World, call: Call) -> Answer:
    query = _query(world, call, _TICKETS)
    tickets = world.tickets
    found = list(tickets) if query.wanted is None else tickets.with_external_ids(query.wanted)
    if call.unlisted > 0:
        newest = world.clock.monotonic() - call.unlisted
        found = [ticket for ticket in found if ticket.revisions[0].monotonic <= newest]
    return json_answer(200, page_of(found, query, _TICKET_SORTS, world.shapes.ticket))


def _metadata_page(kind: Kind) -> Callable[[World, Call], Answer]:
    def run(world: World, call: Call) -> Answer:
        query = _query(world, call, _METADATA)
        found = [item for item in world.lists[kind] if query.wanted is None or item.name in query.wanted]
        page = page_of(found, query, _METADATA_SORTS, lambda item: world.shapes.listed(kind, item))
        return json_answer(200, page)

    return run


def _metadata_list(kind: Kind) -> Callable[[World, Call], Answer]:
    def run(world: World, call: Call) -> Answer:
        return json_answer(200, [world.shapes.listed(kind, item) for item in world.lists[kind]])

    return run


def _twins_by_ids(world: World, call: Call) -> Answer:
    try:
        ids = twin_ids(call.document)
    except ValueError as error:
        raise invalid({"$": [str(error)]}) from error
    if not 1 <= len(ids) <= MAX_TWIN_IDS:
        raise invalid({"$": [f"Expected 1 to {MAX_TWIN_IDS} ids, got {len(ids)}."]})
    known = [twin_id for twin_id in dict.fromkeys(ids) if twin_id in world.twins]
    return json_answer(200, [{"id": twin_id, "contents": {"name": twin_id}} for twin_id in known])


OPERATIONS: tuple[Operation, ...] = (
    Operation("token", "POST", "/oauth2/token", Body.FORM, _token, open=True),
    Operation("put_ticket", "PUT", "/tickets", Body.JSON, _put_ticket),
    Operation("list_tickets", "POST", "/tickets", Body.JSON, _list_tickets),
    Operation("get_ticket", "GET", "/tickets/{ticketId}", Body.NONE, _get_ticket),
    Operation("patch_ticket", "PATCH", "/tickets/{ticketId}", Body.PATCH, _patch_ticket),
    Operation("list_categories", "POST", "/tickets/categories", Body.JSON, _metadata_page(Kind.CATEGORIES)),
    Operation("list_job_types", "POST", "/tickets/job-types", Body.JSON, _metadata_page(Kind.JOB_TYPES)),
    Operation(
        "list_services_needed",
        "POST",
        "/tickets/service-needed",
        Body.JSON,
        _metadata_page(Kind.SERVICES_NEEDED),
    ),
    Operation("list_statuses", "GET", "/tickets/status", Body.NONE, _metadata_list(Kind.STATUSES)),
    Operation("list_priorities", "GET", "/tickets/priorities", Body.NONE, _metadata_list(Kind.PRIORITIES)),
    Operation("twins_by_ids", "POST", "/twins/ids", Body.JSON, _twins_by_ids),
)


def perform(world: World, operation: Operation, call: Call) -> Answer:
    """Runs the operation. Raises Refusal: 401, 415, 400, or what the operation itself refuses."""
    if not operation.open:
        world.tokens.check(call.authorization)
    if operation.body is not Body.NONE:
        _check_content_type(operation.body, call.content_type)
    if operation.body in (Body.JSON, Body.PATCH):
        if not call.body:
            raise invalid({"$": ["A body is required."]})
        if call.malformed is not None:
            raise invalid({"$": [f"The body is not JSON: {call.malformed}."]})
    return operation.run(world, call)


def _check_content_type(body: Body, header: str) -> None:
    media = header.partition(";")[0].strip().lower()
    if body is Body.FORM:
        expected, fits = "application/x-www-form-urlencoded", media == "application/x-www-form-urlencoded"
    elif body is Body.PATCH:
        expected, fits = "application/json", media == "application/json"
    else:
        expected = "application/json, text/json or application/*+json"
        fits = media in ("application/json", "text/json") or (
            media.startswith("application/") and media.endswith("+json")
        )
    if not fits:
        raise Refusal(415, f"expected the content type {expected}, got {media or 'none'}")


def _query(world: World, call: Call, of: Collection) -> Query:
    return parse_query(call.document, of, page_base=world.page_base, filter_support=world.filter_support)


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise invalid({"$": [f"Expected an object, got {kind_of(document)}."]})
    return document


def _ticket(world: World, call: Call) -> Ticket:
    ticket_id = call.parameters["ticketId"]
    ticket = world.tickets.get(ticket_id.lower())
    if ticket is None:
        raise Refusal(404, f"there is no ticket with the id '{ticket_id}'")
    return ticket


def _written(world: World, call: Call, ticket: Ticket, status: int, *, committed: bool = True) -> Answer:
    if committed:
        call.entry.commit(ticket.revisions[-1].at, ticket.revisions[-1].monotonic)
    call.entry.ticket_id = ticket.id
    call.entry.external_id = ticket.external_id
    call.entry.revision = len(ticket.revisions) - 1
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
