"""The operations of Willow's public API v3 that we use: one table, one row each (contract §7).

Every call goes through a row of it, so method, path, paging and limits are said once. Paths are relative to
the base URL; ``seeds`` names the documents that list the operation; ``used_by`` what of ours needs it.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote


class Group(StrEnum):
    """Willow's own grouping of its API."""

    OAUTH2 = "oauth2"
    TICKETS = "tickets"
    TICKET_METADATA = "ticket_metadata"
    TWINS = "twins"


class Body(StrEnum):
    """What a request carries."""

    NONE = "none"
    JSON = "json"
    FORM = "form"


class Paging(StrEnum):
    """How an operation hands out a long answer."""

    NONE = "none"
    PAGE = "page"
    """``page`` and ``pageSize`` in the body; ``before, after, total, items`` in the answer."""


class RateGroup(StrEnum):
    """Calls that Willow counts together; the limits are in ``rate.LIMITS``."""

    TWINS = "twins"


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    group: Group
    seeds: tuple[str, ...]
    used_by: tuple[str, ...]
    body: Body = Body.NONE
    paging: Paging = Paging.NONE
    rate_group: RateGroup | None = None
    repeatable: bool = False
    """A read that the client itself repeats after a fault of the moment. A write is never repeated here: a
    second PUT makes a second ticket (delivery.md §2), and the sink must know of every attempt."""

    def url_path(self, **ids: str) -> str:
        """The path with its ids filled in, percent-encoded: an id from outside must not change the path."""
        if not ids:
            return self.path
        return self.path.format(**{name: quote(value, safe="") for name, value in ids.items()})


_ALL = ("001", "002")

TOKEN = Operation("token", "POST", "/oauth2/token", Group.OAUTH2, _ALL, ("sync", "check"), Body.FORM, repeatable=True)
PUT_TICKET = Operation("put_ticket", "PUT", "/tickets", Group.TICKETS, ("002",), ("sync",), Body.JSON)
PATCH_TICKET = Operation("patch_ticket", "PATCH", "/tickets/{ticket_id}", Group.TICKETS, ("002",), ("sync",), Body.JSON)
# Not repeated by the client: the sink's breaker probes with it, and a probe is one call.
GET_TICKET = Operation("get_ticket", "GET", "/tickets/{ticket_id}", Group.TICKETS, ("002",), ("sync", "audit", "adopt"))
LIST_TICKETS = Operation(
    "list_tickets",
    "POST",
    "/tickets",
    Group.TICKETS,
    _ALL,
    ("sync", "audit", "adopt", "check"),
    Body.JSON,
    Paging.PAGE,
    repeatable=True,
)
LIST_CATEGORIES = Operation(
    "list_categories",
    "POST",
    "/tickets/categories",
    Group.TICKET_METADATA,
    _ALL,
    ("sync", "check", "enumerations"),
    Body.JSON,
    Paging.PAGE,
    repeatable=True,
)
LIST_JOB_TYPES = Operation(
    "list_job_types",
    "POST",
    "/tickets/job-types",
    Group.TICKET_METADATA,
    _ALL,
    ("sync", "check", "enumerations"),
    Body.JSON,
    Paging.PAGE,
    repeatable=True,
)
LIST_SERVICES_NEEDED = Operation(
    "list_services_needed",
    "POST",
    "/tickets/service-needed",
    Group.TICKET_METADATA,
    _ALL,
    ("sync", "check", "enumerations"),
    Body.JSON,
    Paging.PAGE,
    repeatable=True,
)
LIST_STATUSES = Operation(
    "list_statuses",
    "GET",
    "/tickets/status",
    Group.TICKET_METADATA,
    _ALL,
    ("sync", "check", "enumerations"),
    repeatable=True,
)
LIST_PRIORITIES = Operation(
    "list_priorities",
    "GET",
    "/tickets/priorities",
    Group.TICKET_METADATA,
    _ALL,
    ("sync", "check", "enumerations"),
    repeatable=True,
)
TWINS_BY_IDS = Operation(
    "twins_by_ids",
    "POST",
    "/twins/ids",
    Group.TWINS,
    _ALL,
    ("check", "audit"),
    Body.JSON,
    rate_group=RateGroup.TWINS,
    repeatable=True,
)

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        TOKEN,
        PUT_TICKET,
        PATCH_TICKET,
        GET_TICKET,
        LIST_TICKETS,
        LIST_CATEGORIES,
        LIST_JOB_TYPES,
        LIST_SERVICES_NEEDED,
        LIST_STATUSES,
        LIST_PRIORITIES,
        TWINS_BY_IDS,
    )
}
