"""Reading what Willow answered: bodies, problem documents, ``Retry-After``, request ids."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from streams.willow.errors import Call, NoAnswer, NotSentReason, Problem, Refused, refused_kind

MAX_TEXT_BYTES = 1024
"""Of a refusal's body, what an error keeps: a proxy's error page must not flood outcomes and logs."""

MASK = "***"
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "x-ms-request-id")

Scrub = Callable[[str], str]
"""Takes secrets out of a text from outside: an error page may repeat the request's headers or form."""


@dataclass(slots=True)
class Exchange:
    """One request and as much of its answer as has arrived; it outlives a deadline, so that what is known
    counts."""

    call: Call
    waits_for: NotSentReason | None = NotSentReason.TOKEN
    """What it waits for before it is sent; None once it was handed to the HTTP stack: silence proves nothing
    then."""
    bearer: str = field(default="", repr=False)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    body: bytearray = field(default_factory=bytearray)

    def again(self) -> None:
        """After a 401, which proves that nothing was executed: as if nothing had been sent yet."""
        self.waits_for = NotSentReason.TOKEN
        self.status = None
        self.headers = {}
        self.body = bytearray()

    @property
    def request_id(self) -> str | None:
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx with its whole body."""

    call: Call
    status: int
    body: bytes
    request_id: str | None

    def json(self) -> Any:
        """Raises NoAnswer when the body is no JSON: a truncated 201 says nothing about what was stored."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise self.unreadable(f"{len(self.body)} bytes that are no JSON ({error})") from None

    def unreadable(self, found: str) -> NoAnswer:
        # The body itself stays out: it may hold a bearer or people's data.
        return NoAnswer(
            self.call,
            f"the answer {self.status} could not be read: {found}",
            status=self.status,
            request_id=self.request_id,
        )


def refusal(exchange: Exchange, status: int, *, now: float, scrub: Scrub) -> Refused:
    """``now`` is the wall clock (seconds since 1970), against which a ``Retry-After`` date is read."""
    text = scrub(bytes(exchange.body[: 2 * MAX_TEXT_BYTES]).decode(errors="replace"))
    if 300 <= status < 400:
        text = f"redirects to {scrub(exchange.headers.get('location', 'nowhere'))}"
    return refused_kind(status)(
        exchange.call,
        status,
        problem=read_problem(bytes(exchange.body), scrub),
        text=text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore"),
        request_id=exchange.request_id,
        retry_after=read_retry_after(exchange.headers.get("retry-after"), now),
    )


def read_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, from a number of seconds or an HTTP date (RFC 9110 §10.2.3); None when it says
    neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def read_problem(body: bytes, scrub: Scrub) -> Problem | None:
    """A problem document as far as it can be read, whatever its content type says; None when it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    problem = Problem(
        **{name: _text(document.get(name), scrub) for name in ("title", "detail", "type", "instance")},
        errors=_errors(document.get("errors"), scrub),
    )
    return problem if problem.title or problem.detail or problem.errors else None


def _text(value: Any, scrub: Scrub) -> str | None:
    return scrub(value)[:MAX_TEXT_BYTES] if isinstance(value, str) and value else None


_MAX_ERRORS = 32
_MAX_MESSAGE = 256


def _errors(value: Any, scrub: Scrub) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, messages in list(value.items())[:_MAX_ERRORS]:
        listed = messages if isinstance(messages, list) else [messages]
        found[scrub(name)[:_MAX_MESSAGE]] = tuple(scrub(str(item))[:_MAX_MESSAGE] for item in listed[:_MAX_ERRORS])
    return found
