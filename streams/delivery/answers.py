"""Whose fault an answer is, and what happens: the table of delivery.md §3 as data.

Nothing here knows HTTP libraries: the caller says what came back as an ``Answer``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Operation(StrEnum):
    PUT = "put"
    PATCH = "patch"
    READ = "read"


class Failure(StrEnum):
    """Why there is no status."""

    NOT_CONNECTED = "not_connected"
    """Refused or no route: proof that it was not executed; the moment's fault."""
    UNREACHABLE = "unreachable"
    """No such host, or TLS: proof that it was not executed; the tenant's set-up."""
    TOKEN_REFUSED = "token_refused"
    NO_ANSWER = "no_answer"
    """Time-out, reset, or an answer that can't be read: it may have been executed."""


class Fault(StrEnum):
    RECORD = "record"
    TICKET_GONE = "ticket_gone"
    TENANT = "tenant"
    MOMENT = "moment"
    CONFLICT = "conflict"
    SITE = "site"
    """The record's if one site only is forbidden, else the tenant's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call that did not succeed."""

    operation: Operation
    status: int | None = None
    failure: Failure | None = None
    detail: str = ""
    """Willow's own words, or the library's; never a secret."""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Validation errors by field, as problem details give them."""
    retry_after: float | None = None
    """Seconds, from either form of Retry-After."""
    remedy: str = ""


_BETWEEN_STEPS = re.compile(r"[./$\[\]]+")
#: No operation has more places; and a number of thousands of digits is refused by ``int``.
_INDEX = re.compile(r"[0-9]{1,4}")

_PUT, _PATCH, _READ = Operation.PUT, Operation.PATCH, Operation.READ
_ANY = (_PUT, _PATCH, _READ)

#: status → operations → fault. What no row names is the moment's (5xx, and codes nobody documented).
_STATUS: tuple[tuple[tuple[int, ...], tuple[Operation, ...], Fault], ...] = (
    ((400, 413, 422), _ANY, Fault.RECORD),
    ((404,), (_PATCH, _READ), Fault.TICKET_GONE),
    ((404, 405), (_PUT,), Fault.TENANT),
    ((405,), (_PATCH, _READ), Fault.TENANT),
    ((401, 415), _ANY, Fault.TENANT),
    ((403,), _ANY, Fault.SITE),
    ((409,), _ANY, Fault.CONFLICT),
    ((408, 425, 429), _ANY, Fault.MOMENT),
)
_BY_STATUS = {(status, op): fault for statuses, ops, fault in _STATUS for status in statuses for op in ops}

_BY_FAILURE = {
    Failure.NOT_CONNECTED: Fault.MOMENT,
    Failure.UNREACHABLE: Fault.TENANT,
    Failure.TOKEN_REFUSED: Fault.TENANT,
    Failure.NO_ANSWER: Fault.MOMENT,
}

#: A PUT answered so was not executed (delivery.md §2): the claim may be released.
_NOT_EXECUTED_STATUS = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429})
_NOT_EXECUTED_FAILURE = frozenset({Failure.NOT_CONNECTED, Failure.UNREACHABLE, Failure.TOKEN_REFUSED})


def fault_of(answer: Answer) -> Fault:
    if answer.failure is not None:
        return _BY_FAILURE[answer.failure]
    assert answer.status is not None
    return _BY_STATUS.get((answer.status, answer.operation), Fault.MOMENT)


def proves_not_executed(answer: Answer) -> bool:
    """True if a PUT with this answer made no ticket; all else leaves the order in doubt."""
    if answer.failure is not None:
        return answer.failure in _NOT_EXECUTED_FAILURE
    return answer.status in _NOT_EXECUTED_STATUS


def refused_fields(
    errors: Iterable[str], sent: Sequence[str], properties: Mapping[str, str], *, listed: bool
) -> list[str]:
    """Of the fields that were sent, those that the paths of a 400's ``errors`` name. ``properties``: case-folded
    property → field. ``listed``: they were sent as a list, a JSON Patch in the order of ``sent``.

    ``twinId``, ``TwinId``, ``/twinId``, ``$.reporter.email`` and ``request.TwinId`` are all understood; of a list also
    ``[0].value``, ``0.value`` and ``/0/value``."""
    refused = {_refused(path, sent, properties, listed) for path in errors}
    return [name for name in sent if name in refused]


def _refused(path: str, sent: Sequence[str], properties: Mapping[str, str], listed: bool) -> str | None:
    steps = [step.strip() for step in _BETWEEN_STEPS.split(path)]
    named = next((properties[step.casefold()] for step in steps if step.casefold() in properties), None)
    if named is not None or not listed:
        return named
    place = next((int(step) for step in steps if _INDEX.fullmatch(step)), len(sent))
    return sent[place] if place < len(sent) else None


class ForbiddenSites:
    """403 on one site is the record's fault; on more than one, with no success since, the tenant's."""

    def __init__(self) -> None:
        self._sites: set[str] = set()

    def forbidden(self, site: str) -> Fault:
        self._sites.add(site)
        return Fault.TENANT if len(self._sites) > 1 else Fault.RECORD

    def allowed(self, site: str) -> None:
        self._sites.discard(site)
