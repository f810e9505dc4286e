"""Mapped's answer → rows, or the error that it means.

A refusal comes as GraphQL errors under 200 or under 400, depending on the server; both are read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streams.mapped.errors import (
    MAX_WORDS,
    AnswerTooLarge,
    MappedError,
    NotMapped,
    Passing,
    QueryRefused,
    TokenRefused,
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """``faulty``: rows that Mapped could not give whole, by id or place in the list, with its words. They
    are not among ``rows``."""

    rows: tuple[Row, ...]
    faulty: tuple[str, ...] = ()


_TOKEN_CODES = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED"})

_GRAPHQL_STATUSES = frozenset({200, 400, 401, 403, 422})
"""Under others the errors are those of a gateway, and the status says more."""

_LATER = "Mapped is busy or down: run the command again later; it goes on where it stopped."
_STATUSES: dict[int, Callable[[str], MappedError]] = {
    401: TokenRefused,
    403: TokenRefused,
    404: NotMapped,
    405: NotMapped,
    413: AnswerTooLarge,
}
"""Status → error; the rest by its class, below."""


def refusal(status: int, words: str, retry_after: float | None) -> MappedError:
    """What a status other than 200 means, where no GraphQL errors came with it."""
    message = f"Mapped answered {status}" + (f": {words}" if words else "")
    if status in _STATUSES:
        return _STATUSES[status](message)
    if status == 429:
        remedy = "Lower mapped.requests_per_second, and run the command again: it goes on where it stopped."
        return Passing(message, remedy, retry_after=retry_after)
    if status == 408 or status >= 500:
        return Passing(message, _LATER, retry_after=retry_after)
    return NotMapped(message)


def read_rows(name: str, status: int, body: bytes, *, retry_after: float | None, scrub: Callable[[str], str]) -> Rows:
    """The rows of the list ``name``. ``scrub`` takes the token out of a text. Raises MappedError."""
    document = _document(body)
    errors = document.get("errors") if document is not None else None
    if status in _GRAPHQL_STATUSES and isinstance(errors, list) and errors:
        return _with_errors(name, status, document or {}, errors, scrub)
    if status != 200:
        raise refusal(status, scrub(body[:MAX_WORDS].decode(errors="replace").strip()), retry_after)
    data = document.get("data") if document is not None else None
    if not isinstance(data, dict) or name not in data:
        raise NotMapped(f"Mapped answered 200 with something that is no GraphQL answer ({_shown(body, scrub)})")
    return Rows(_objects(name, data[name]))


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _with_errors(
    name: str, status: int, document: Mapping[str, Any], errors: list[Any], scrub: Callable[[str], str]
) -> Rows:
    faults = [_Fault.of(error, scrub) for error in errors]
    if status in (401, 403) or any(fault.code in _TOKEN_CODES for fault in faults):
        raise TokenRefused(f"Mapped refused the token: {faults[0].message}")
    data = document.get("data")
    rows = data.get(name) if isinstance(data, dict) else None
    places = [fault.place(name) for fault in faults]
    if not isinstance(rows, list) or None in places:
        raise QueryRefused([fault.message for fault in faults])
    # Some rows only: a row without the field that failed would clear it downstream, so it is not handed on.
    failed = {place: fault.message for place, fault in zip(places, faults, strict=True)}
    whole = tuple(row for place, row in enumerate(rows) if place not in failed and isinstance(row, dict))
    return Rows(whole, tuple(f"{_name_of(rows, place)}: {words}" for place, words in failed.items()))


@dataclass(frozen=True, slots=True)
class _Fault:
    message: str
    code: str | None
    path: tuple[Any, ...]

    @classmethod
    def of(cls, error: Any, scrub: Callable[[str], str]) -> "_Fault":
        error = error if isinstance(error, dict) else {"message": str(error)}
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        path = error.get("path")
        words = scrub(str(error.get("message") or "no words"))[:MAX_WORDS]
        return cls(words, code if isinstance(code, str) else None, tuple(path) if isinstance(path, list) else ())

    def place(self, name: str) -> int | None:
        """Which row of the list it speaks of; None: not of one row."""
        if len(self.path) >= 2 and self.path[0] == name and isinstance(self.path[1], int):
            return self.path[1]
        return None


def _name_of(rows: list[Any], place: int | None) -> str:
    row = rows[place] if place is not None and place < len(rows) else None
    return str(row["id"]) if isinstance(row, dict) and row.get("id") else f"row {place}"


def _objects(name: str, rows: Any) -> tuple[Row, ...]:
    if rows is None:
        return ()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotMapped(f"Mapped answered 200, but {name} is no list of objects")
    return tuple(rows)


def _shown(body: bytes, scrub: Callable[[str], str]) -> str:
    return scrub(body[:80].decode(errors="replace").strip().replace("\n", " ")) or "an empty body"
