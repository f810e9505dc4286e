"""What a row of the operations table says of a call."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic.alias_generators import to_camel

R = TypeVar("R")


class Group(StrEnum):
    """Willow's own grouping of its API, and the client's: ``willow.twins``."""

    OAUTH2 = "oauth2"
    TICKETS = "tickets"
    TICKET_METADATA = "ticket_metadata"
    TWINS = "twins"
    RELATIONSHIPS = "relationships"
    MODELS = "models"
    TIME_SERIES = "time_series"
    INSIGHTS = "insights"
    EVENTS = "events"


class Body(StrEnum):
    """What a request carries."""

    NONE = "none"
    JSON = "json"
    FORM = "form"
    FILES = "files"
    """``multipart/form-data``."""


class Paging(StrEnum):
    """How an operation hands out a long answer."""

    NONE = "none"
    PAGE = "page"
    """``page`` and ``pageSize`` in the body; ``before, after, total, items`` in the answer."""
    TOKEN = "token"
    """``continuationToken`` in the body or the query, and in the answer until its last page."""


class RateGroup(StrEnum):
    """Calls that Willow counts together; the limits are in ``rate.LIMITS``."""

    TWINS = "twins"
    TIME_SERIES = "time_series"


# A path is made for every call, of the same few names.
_camel = lru_cache(maxsize=64)(to_camel)

_STEPS = frozenset({"", ".", ".."})


# Rows are told apart by identity: they are keys, and not all type forms in them can be hashed.
@dataclass(frozen=True, slots=True, eq=False)
class Operation(Generic[R]):
    """``response`` is what the client makes of the answer; for a paged list it is one item of it.

    ``request`` is the body's type, ``query`` that of the query parameters. ``call`` is the client's method within
    its group. ``status`` is the success that the seeds document (or, where they are silent, what its siblings
    have), ``errors`` the refusals that they document."""

    name: str
    group: Group
    call: str
    method: str
    path: str
    response: type[R]
    seeds: tuple[str, ...]
    used_by: tuple[str, ...]
    body: Body = Body.NONE
    request: Any = None
    query: Any = None
    paging: Paging = Paging.NONE
    status: int = 200
    errors: tuple[int, ...] = ()
    rate_group: RateGroup | None = None
    repeatable: bool = False
    """A read that the client itself repeats after a fault of the moment. A write is never repeated here: a
    second PUT makes a second ticket (delivery.md §2), and the sink must know of every attempt."""
    streamed: bool = False
    """The answer's body is handed on as it arrives; it may be larger than memory."""

    @property
    def client_method(self) -> str:
        """As it is called on a WillowClient: ``twins.get``."""
        return f"{self.group}.{self.call}"

    def url_path(self, **ids: str) -> str:
        """The path with its ids filled in (``twin_id`` for ``{twinId}``), percent-encoded: an id from outside must
        not change the path. Raises ValueError for an id that would, encoded or not."""
        if not ids:
            return self.path
        for name, value in ids.items():
            if value in _STEPS:
                raise ValueError(f"{name} is {value!r}, expected an id; it would make another path")
        return self.path.format(**{_camel(name): quote(value, safe="") for name, value in ids.items()})
