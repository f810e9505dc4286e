"""What can go wrong in a call to Willow, by what is known about the call afterwards.

::

    WillowError                  method, path, status, words, request_id, retry_after, remedy
     ├─ Refused                  Willow answered, and its answer is no (status 3xx, 4xx or 5xx)
     │   ├─ Invalid              400, 413, 415, 422: what was sent; errors names the properties
     │   ├─ Unauthorized         401, with a bearer that was just renewed
     │   ├─ Forbidden            403: the client lacks the permission, or the place is outside its location
     │   ├─ NotFound             404
     │   ├─ Conflict             409
     │   ├─ TooManyRequests      429: retry_after where Willow said it
     │   └─ Unavailable          5xx
     ├─ NotSent                  proof that Willow never executed it; reason says why
     │   └─ TokenRefused         no bearer: Willow refused the client's credentials
     ├─ NoAnswer                 it may or may not have been executed: time-out, reset, 2xx that can't be read
     └─ Incomplete               a list that Willow could hand out in part only; failed names the ids

The caller asks one question first: could Willow have done it? ``NotSent``: no. ``NoAnswer``: perhaps.
``Refused``: the status decides (delivery.md §2 lists the ones that prove it was not executed).
``words`` are Willow's own, "" where it said nothing or was never reached.
No error holds the client's secret or a bearer; Willow's own words are cut to 1 KiB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from streams.willow.operation import Operation


@dataclass(frozen=True, slots=True)
class Call:
    """Which call an error speaks of: a row of the operations table, its concrete path, and its request id.

    ``query`` is the query string: part of the call, but not of the words, for it may be long."""

    operation: Operation[Any]
    path: str
    request_id: str
    query: str = ""

    def __str__(self) -> str:
        return f"{self.operation.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Willow's problem document (RFC 9457), as far as it was readable; ``errors`` is property → its
    messages."""

    title: str | None = None
    detail: str | None = None
    type: str | None = None
    instance: str | None = None
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [part for part in (self.title, self.detail) if part]
        named = [f"{name}: {' '.join(messages)}" for name, messages in self.errors.items()]
        # A detail may say them already.
        parts += [text for text in named if text not in (self.detail or "")]
        return "; ".join(parts)


class WillowError(Exception):
    """Any failure of a call. ``retry_after`` is in seconds from now, None where Willow did not say. ``said`` is what
    went wrong without the call and the request id, for an error that names them itself.

    ``request_id`` is Willow's where it gave one, else the one that we sent as ``X-Request-ID``."""

    def __init__(
        self,
        call: Call,
        message: str,
        *,
        remedy: str,
        status: int | None = None,
        words: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.call = call
        self.said = message
        self.words = words
        self.operation = call.operation.name
        self.method = call.operation.method
        self.path = call.path
        self.status = status
        self.request_id = request_id or call.request_id
        self.retry_after = retry_after
        self.remedy = remedy
        super().__init__(f"{call}: {message} (request id {self.request_id})")

    @property
    def with_remedy(self) -> str:
        """For a log or a page, where nobody prints the remedy in a line of its own."""
        return f"{self}; remedy: {self.remedy}"


_NAMED = "Willow named what it does not accept; correct the record or the enumeration settings."
_NOT_WILLOW = "willow.base_url points to something that is not Willow's API v3; correct it."
_PERMISSIONS = "Willow: User Management, Applications, Public API v3, Clients"
_STATUS_REMEDIES: dict[int, str] = {
    400: _NAMED,
    401: f"A renewed token is refused as well: check the client's assignments ({_PERMISSIONS}).",
    403: f"Give the client the permission, or widen its location ({_PERMISSIONS}, Assignments).",
    404: "What the path names does not exist for this client; if every call ends so, willow.base_url is wrong.",
    405: _NOT_WILLOW,
    409: "Read it back and compare; another writer may have changed it.",
    413: "The record is too large for Willow; shorten its texts.",
    415: "Something between here and Willow changed the content type; look at the proxies.",
    422: _NAMED,
    429: "Willow's rate limit: set willow.requests_per_second below it.",
}
_CLASS_REMEDIES: dict[int, str] = {
    3: "Set willow.base_url to the address that Willow redirects to; redirects are not followed.",
    4: "Willow refuses the request; see its words.",
    5: "A fault on Willow's side; wait, and give its support the request id if it stays.",
}


class Refused(WillowError):
    """Willow answered with ``status`` ≥ 300. ``text`` is the raw body, at most 1 KiB; ``problem`` its
    reading where it was a problem document. A 401 here is the second one: the token was renewed in
    between."""

    status: int

    def __init__(
        self,
        call: Call,
        status: int,
        *,
        problem: Problem | None = None,
        text: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.problem = problem
        self.text = text
        words = (str(problem) if problem else "") or text.strip()
        super().__init__(
            call,
            f"Willow answered {status}: {words or 'no words'}",
            remedy=_STATUS_REMEDIES.get(status) or _CLASS_REMEDIES[min(status // 100, 5)],
            status=status,
            words=words,
            request_id=request_id,
            retry_after=retry_after,
        )

    @property
    def errors(self) -> Mapping[str, tuple[str, ...]]:
        """Path of a property → messages, as Willow spelled them; ``PROPERTIES`` has the properties' fields."""
        return self.problem.errors if self.problem else {}


class Invalid(Refused):
    """What was sent is not what Willow takes; ``errors`` names the properties where Willow did."""


class Unauthorized(Refused):
    """A bearer that was just renewed is refused as well."""


class Forbidden(Refused):
    """The client may not do this, or not at this place."""


class NotFound(Refused):
    """What the path names does not exist for this client."""


class Conflict(Refused):
    """It contradicts what Willow holds."""


class TooManyRequests(Refused):
    """Over the rate limit; the groups with a published limit are kept below it by the client itself."""


class Unavailable(Refused):
    """A fault on Willow's side, or of a proxy before it. A write may have been executed all the same."""


_KINDS: dict[int, type[Refused]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: TooManyRequests,
}


def refused_kind(status: int) -> type[Refused]:
    """The class for a refusal's status; Refused itself where the tree has none."""
    return _KINDS.get(status) or (Unavailable if status >= 500 else Refused)


class NotSentReason(StrEnum):
    """Why a call was never executed. DNS, TLS and TOKEN_REFUSED are faults of the set-up, the rest of the
    moment."""

    CONNECTION = "connection"
    """Nobody listens, or the network is down."""
    DNS = "dns"
    TLS = "tls"
    BUSY = "busy"
    """The deadline passed before a connection was free."""
    TOKEN = "token"
    """There was no bearer to send, for a reason of the moment."""
    TOKEN_REFUSED = "token_refused"
    HELD = "held"
    """The client's ``gate`` let nothing through."""


_NOT_SENT_REMEDIES: dict[NotSentReason, str] = {
    NotSentReason.CONNECTION: "Check that willow.base_url can be reached from here (firewall, port).",
    NotSentReason.DNS: "Check the host name in willow.base_url, and this machine's name resolution.",
    NotSentReason.TLS: "Check that willow.base_url is an https address of Willow and that its certificate is "
    "trusted here (SSL_CERT_FILE names a file of further authorities).",
    NotSentReason.BUSY: "Willow is too slow for willow.max_in_flight: lower it, or raise request_timeout.",
    NotSentReason.TOKEN: "Willow's token endpoint gave no token; it is asked again with the next call.",
    NotSentReason.HELD: "It is sent later, once calls may go again.",
    NotSentReason.TOKEN_REFUSED: "Check willow.client_id, willow.client_secret (expired? rotated?) and "
    f"willow.base_url ({_PERMISSIONS}).",
}


class NotSent(WillowError):
    """Proof that Willow never executed the call: it may be made again without a second ticket."""

    def __init__(
        self,
        call: Call,
        reason: NotSentReason,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.reason = reason
        super().__init__(
            call,
            message,
            remedy=_NOT_SENT_REMEDIES[reason],
            status=status,
            request_id=request_id,
            retry_after=retry_after,
        )


class TokenRefused(NotSent):
    """Willow's token endpoint refused the client's credentials, or is none (``status`` is its answer's)."""

    def __init__(self, call: Call, message: str, *, status: int | None, request_id: str | None = None) -> None:
        super().__init__(call, NotSentReason.TOKEN_REFUSED, message, status=status, request_id=request_id)


class NoAnswer(WillowError):
    """The call may have been executed, now or later: a create after this is in doubt (delivery.md §2).

    ``status`` is set where a 2xx arrived whose body could not be read."""

    def __init__(self, call: Call, message: str, *, status: int | None = None, request_id: str | None = None) -> None:
        remedy = "Look in Willow whether it was executed before it is sent again."
        if call.operation.repeatable or call.operation.method == "GET":
            remedy = "Nothing was changed by it; try again."
        super().__init__(call, message, remedy=remedy, status=status, request_id=request_id)


class Incomplete(WillowError):
    """Raised after the last item of a list that Willow handed out in part: for ``failed`` it had no answer.

    Everything else of the list has been handed on."""

    def __init__(self, call: Call, failed: tuple[str, ...], words: str) -> None:
        self.failed = failed
        super().__init__(
            call,
            f"Willow has no answer for {len(failed)} of the ids ({', '.join(failed[:5])}): {words or 'no words'}",
            remedy="Check these ids (POST /twins/ids says which exist); the other ids were answered.",
            words=words,
        )
