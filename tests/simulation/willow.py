"""Willow in memory: tickets, a record of every write, and what goes wrong with calls.

``Fate`` is what becomes of one call; the server's ``fates`` chooses. Its own record of tickets and writes is what the
checker believes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

import orjson

from streams.willow.operations import Operation


class Way(Enum):
    """How a call ends, apart from what Willow says to it."""

    ANSWERED = auto()
    REFUSED = auto()
    """No connection: nothing was sent."""
    RESET_BEFORE = auto()
    """The connection broke, and Willow did nothing."""
    RESET_AFTER = auto()
    """Willow did it, and the connection broke before the answer."""
    SILENT_BEFORE = auto()
    SILENT_AFTER = auto()
    LATE = auto()
    """Silence, and Willow does it ``later`` seconds afterwards."""
    GATEWAY_LATE = auto()
    """A 504 at once, and Willow does it ``later`` seconds afterwards."""
    GATEWAY_AFTER = auto()
    """Willow did it, and a proxy said 504."""
    TRUNCATED = auto()
    """Willow did it; half of its answer arrives."""
    DRIP = auto()
    """Willow did it; its answer never ends."""
    STATUS = auto()
    """Willow, or something before it, says ``status`` and does nothing."""


@dataclass(frozen=True, slots=True)
class Fate:
    way: Way = Way.ANSWERED
    later: float = 0.0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.02
    """How long Willow takes."""

    @property
    def done_at_once(self) -> bool:
        return self.way in _DONE

    @property
    def done_later(self) -> bool:
        return self.way in (Way.LATE, Way.GATEWAY_LATE)


_DONE = {Way.ANSWERED, Way.RESET_AFTER, Way.SILENT_AFTER, Way.GATEWAY_AFTER, Way.TRUNCATED, Way.DRIP}


@dataclass(slots=True)
class Ticket:
    id: str
    fields: dict[str, Any]
    created: float
    """Epoch seconds."""
    listed_at: float
    """Virtual seconds from which lists show it."""


@dataclass(slots=True)
class Write:
    """A write that Willow took. Times in virtual seconds; ``acknowledged`` is None while nobody heard the answer."""

    ticket_id: str
    order_id: str | None
    fields: Mapping[str, Any]
    by: str
    sent: float
    taken: float
    create: bool
    acknowledged: float | None = None


@dataclass(slots=True)
class Request:
    """``by`` names the process, ``sent`` the moment at which it let go of it."""

    operation: Operation[Any]
    ids: tuple[str, ...]
    body: Any
    bearer: str
    by: str
    sent: float
    write: Write | None = None


Said = tuple[int, Any]

_LISTS: dict[str, Any] = {
    "list_statuses": [{"id": f"st-{name}", "name": name} for name in ("Open", "In Progress", "Closed")],
    "list_priorities": [{"id": f"pr-{name}", "name": name} for name in ("High", "Low")],
    "list_job_types": [{"id": "jt-General", "name": "General", "isActive": True}],
    "list_categories": [],
    "list_services_needed": [],
}
STATUS_IDS = {entry["name"]: entry["id"] for entry in _LISTS["list_statuses"]}
PRIORITY_IDS = {entry["name"]: entry["id"] for entry in _LISTS["list_priorities"]}

#: A summary with this word is refused for good, a description with it is refused and not needed.
REFUSED_WORD = "unspeakable"


class Willow:
    """``now`` and ``epoch`` in seconds; ``listed_after`` is how long a new ticket stays out of lists."""

    def __init__(self, now: Callable[[], float], epoch: Callable[[], float]) -> None:
        self._now, self._epoch = now, epoch
        self.tickets: dict[str, Ticket] = {}
        self._made = 0
        self.writes: list[Write] = []
        self.fates: Callable[[Request], Fate] = lambda _: Fate()
        self.listed_after: Callable[[], float] = lambda: 0.0
        self.filters = True
        """Whether lists honour a filter; else they hand out everything."""
        self.sorts = True
        """Whether they honour a sort; else the oldest comes first."""
        self.names_places = False
        """Whether what is refused in a PATCH is named by its place there; else by its property."""
        self.requests = 0
        self.under_way = 0
        """Requests that it will carry out late."""
        self._token = 1
        self._answers: dict[str, Callable[[Request], Said]] = {
            "token": lambda _: (200, {"access_token": f"t{self._token}", "token_type": "bearer", "expires_in": 3600}),
            "put_ticket": self._put,
            "patch_ticket": self._patch,
            "get_ticket": self._get,
            "list_tickets": self._list,
        }

    def had(self, count: int) -> None:
        """Tickets that were there a day ago, of nobody's orders."""
        for number in range(1, count + 1):
            ticket_id = self._new_id()
            fields = {"summary": f"By hand {number}"}
            self.tickets[ticket_id] = Ticket(ticket_id, fields, self._epoch() - 86_400.0, 0.0)

    def _new_id(self) -> str:
        # One that was deleted does not give its id to another.
        self._made = max(self._made, len(self.tickets)) + 1
        return f"T{self._made}"

    def revoke_tokens(self) -> None:
        self._token += 1

    def perform(self, request: Request) -> Said:
        """Do what is asked; returns status and document."""
        self.requests += 1
        name = request.operation.name
        if name != "token" and request.bearer != f"Bearer t{self._token}":
            return 401, {"title": "Unauthorized"}
        answer = self._answers.get(name)
        if answer is not None:
            return answer(request)
        listed = _LISTS[name]
        return 200, listed if request.operation.method == "GET" else _page(listed, 0, len(listed))

    def _put(self, request: Request) -> Said:
        if problem := _refusal(request.body):
            return problem
        ticket_id = self._new_id()
        now = self._now()
        self.tickets[ticket_id] = Ticket(ticket_id, dict(request.body), self._epoch(), now + self.listed_after())
        self._wrote(request, ticket_id, request.body, create=True)
        return 201, self._shown(self.tickets[ticket_id])

    def _patch(self, request: Request) -> Said:
        ticket = self.tickets.get(request.ids[0])
        if ticket is None:
            return 404, {"title": "Not Found"}
        changed = {edit["path"].lstrip("/"): edit["value"] for edit in request.body}
        if problem := _refusal(changed, by_place=self.names_places):
            return problem
        ticket.fields |= changed
        self._wrote(request, ticket.id, changed, create=False)
        return 200, self._shown(ticket)

    def _get(self, request: Request) -> Said:
        ticket = self.tickets.get(request.ids[0])
        return (404, {"title": "Not Found"}) if ticket is None else (200, self._shown(ticket))

    def _list(self, request: Request) -> Said:
        now = self._now()
        found = [ticket for ticket in self.tickets.values() if ticket.listed_at <= now]
        for condition in request.body["filterSpecifications"] or ():
            if self.filters:
                found = [ticket for ticket in found if ticket.fields.get("externalId") in condition["value"]]
        if self.sorts and any(order["sort"] == "desc" for order in request.body["sortSpecifications"] or ()):
            found.reverse()
        size, page = request.body["pageSize"], request.body["page"]
        items = found[page * size : (page + 1) * size]
        return 200, _page([self._shown(ticket) for ticket in items], page * size, len(found))

    def _wrote(self, request: Request, ticket_id: str, fields: Mapping[str, Any], *, create: bool) -> None:
        order_id = self.tickets[ticket_id].fields.get("externalId")
        request.write = Write(ticket_id, order_id, dict(fields), request.by, request.sent, self._now(), create)
        self.writes.append(request.write)

    def _shown(self, ticket: Ticket) -> dict[str, Any]:
        get = ticket.fields.get
        status = next((item for item in _LISTS["list_statuses"] if item["id"] == get("statusId")), None)
        priority = next((item for item in _LISTS["list_priorities"] if item["id"] == get("priorityId")), None)
        created = datetime.fromtimestamp(ticket.created, UTC).isoformat()
        plain = {name: get(name) for name in _PLAIN}
        return {"id": ticket.id, **plain, "ticketStatus": status, "ticketPriority": priority, "createdDate": created}


_PLAIN = (
    "externalId",
    "summary",
    "description",
    "cause",
    "solution",
    "twinId",
    "reporter",
    "assigneeType",
    "assignee",
    "workgroup",
    "dueDate",
    "externalCreatedDate",
    "externalUpdatedDate",
    "sourceName",
    "customProperties",
    "categoryId",
    "jobTypeId",
    "serviceNeededId",
    "subStatusId",
)


def _refusal(fields: Mapping[str, Any], *, by_place: bool = False) -> Said | None:
    named = [name for name in ("summary", "description") if REFUSED_WORD in (fields.get(name) or "")]
    if not named:
        return None
    paths = [f"[{list(fields).index(name)}].value" for name in named] if by_place else named
    return 400, {"title": "Validation", "errors": {path: ["we do not say that here"] for path in paths}}


def _page(items: list[Any], before: int, total: int) -> dict[str, Any]:
    return {"items": items, "before": before, "after": total - before - len(items), "total": total}


def encode(document: Any) -> bytes:
    return orjson.dumps(document)
