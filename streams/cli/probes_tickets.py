"""What this client may do in Willow, and how this Willow behaves where its documents are silent (contract §7).

By calls that change nothing: lists, reads, and a change of a ticket that does not exist.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from streams.cli.finding import Finding
from streams.willow import Forbidden, NotFound, Ticket, WillowClient, WillowError
from streams.willow.paging import PageBase

SAMPLE = 100
"""Tickets that are looked at: one page."""

Call = Callable[[WillowClient], Awaitable[object]]


async def _list(willow: WillowClient) -> object:
    return await willow.ticket_page(1, page_size=1)


async def _read(willow: WillowClient) -> object:
    return await willow.get_ticket(_nobody())


async def _change(willow: WillowClient) -> object:
    return await willow.patch_ticket(_nobody(), {"summary": "willow-sync check"})


async def _twins(willow: WillowClient) -> object:
    return await willow.twins.count()


def _nobody() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class _Permission:
    """``absent``: 404 is the answer to hope for, since what is asked for does not exist. ``needed``: no sync without
    it."""

    what: str
    call: Call
    absent: bool = False
    needed: bool = True


_PERMISSIONS = (
    _Permission("list tickets", _list),
    _Permission("read a ticket", _read, absent=True),
    _Permission("change a ticket", _change, absent=True),
    _Permission("read twins", _twins, needed=False),
)

NOT_TRIED = Finding(
    "permissions",
    "note",
    "create a ticket: not tried, for that would make one. Without the permission the worker pauses at the first create "
    "and rejects nothing",
    "See that the client's assignment (Willow: User Management, Assignments) may write tickets at each selected site.",
)


async def permissions(willow: WillowClient) -> AsyncIterator[Finding]:
    for permission in _PERMISSIONS:
        yield await _permission(willow, permission)
    yield NOT_TRIED


async def _permission(willow: WillowClient, permission: _Permission) -> Finding:
    what = permission.what
    try:
        await permission.call(willow)
    except NotFound as error:
        if permission.absent:
            return Finding("permissions", "ok", f"{what}: allowed")
        return Finding("permissions", _state(permission), f"{what}: {error}", error.remedy)
    except Forbidden as error:
        return Finding("permissions", _state(permission), f"{what}: {error}", error.remedy)
    except WillowError as error:
        # Neither allowed nor forbidden: another Willow may check what is sent before it looks for the ticket.
        return Finding("permissions", "note", f"{what}: can't be told: {error}", error.remedy)
    if permission.absent:
        return Finding("permissions", "note", f"{what}: Willow took a ticket id that nobody has")
    return Finding("permissions", "ok", f"{what}: allowed")


def _state(permission: _Permission) -> Literal["failed", "note"]:
    return "failed" if permission.needed else "note"


async def behaviour(willow: WillowClient) -> AsyncIterator[Finding]:
    """Page base, read shape, the filter by externalId. Raises WillowError."""
    one = await willow.ticket_page(1, page_size=1)
    base = PageBase()
    base.learn(one)
    if base.value is not None:
        yield Finding("pages", "ok", f"the first page of a list is number {base.value}")
    elif one.total == 0 or not one.items:
        yield Finding("pages", "note", "Willow has no ticket yet: which number its first page has will be seen then")
    else:
        yield Finding("pages", "note", "before, after and total do not add up: lists are read until nothing new comes")
    tickets: list[Ticket] = []
    async with aclosing(willow.list_tickets(page_size=SAMPLE)) as listed:
        async for ticket in listed:
            tickets.append(ticket)
            if len(tickets) == SAMPLE:
                break
    yield _shape(tickets)
    yield await _filter(willow, tickets)


def _shape(tickets: list[Ticket]) -> Finding:
    if not tickets:
        return Finding("read shape", "note", "Willow has no ticket yet to see it by; both shapes are read")
    document = tickets[0].document
    if "ticketStatus" in document or "ticketPriority" in document:
        return Finding("read shape", "ok", "the newer one (ticketStatus, ticketPriority)")
    if "status" in document or "priority" in document:
        return Finding("read shape", "ok", "the older one (status, priority by name)")
    return Finding("read shape", "note", "tickets show neither status nor priority: changes made there go unseen")


_PAGED = (
    "Nothing must be done: a create whose answer never came is then looked up by paging through the newest tickets, "
    "which takes longer; with in_doubt.then: hold it waits for a person instead."
)


async def _filter(willow: WillowClient, tickets: list[Ticket]) -> Finding:
    if tickets and not any(ticket.shows("externalId") for ticket in tickets):
        return Finding(
            "externalId filter",
            "note",
            "lists do not show externalId: a create whose answer never came can't be looked up",
            "Set in_doubt.then: hold, and tell such orders' tickets with `willow-sync resolve`.",
        )
    known = next((ticket.external_id for ticket in tickets if ticket.external_id), None)
    # An id that nothing has: where one ticket comes all the same, the filter is not looked at.
    if not (await willow.find_by_external_ids([f"willow-sync-check-{_nobody()}"])).honoured:
        return Finding("externalId filter", "note", "Willow ignores or refuses a filter by externalId", _PAGED)
    if known is None:
        return Finding("externalId filter", "note", "not refused; there is no ticket with an externalId to prove it by")
    if not (await willow.find_by_external_ids([known])).tickets:
        return Finding("externalId filter", "note", f"Willow does not find {known!r}, which it lists", _PAGED)
    return Finding("externalId filter", "ok", f"finds tickets by it ({known!r} is there)")
