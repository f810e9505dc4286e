"""From a 2xx answer to models. Whatever can't be read is NoAnswer: what Willow did is not known then."""

from collections.abc import Callable
from functools import cache
from types import GenericAlias
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from streams.willow.answers import Answer
from streams.willow.models.events import Event
from streams.willow.models.paging import Page, TokenPage
from streams.willow.models.tickets import Ticket, read_ticket
from streams.willow.operation import Operation

R = TypeVar("R")


def ticket(answer: Answer) -> Ticket:
    try:
        return read_ticket(answer.json(), answer.status)
    except ValueError as error:
        raise answer.unreadable(str(error)) from None


def nothing(answer: Answer) -> None:
    """Of an answer that has no content, or whose content is not documented."""


def the_event(answer: Answer) -> Event:
    """The one event of ``PUT /events``, alone or in a list of one."""
    events = events_shown(answer)
    if len(events) != 1:
        raise answer.unreadable(f"expected the event, found {len(events)}")
    return events[0]


def events_shown(answer: Answer) -> list[Event]:
    """The events of ``PUT /events``, as far as the answer shows any: it may be empty."""
    if not answer.body:
        return []
    document = answer.json()
    return _validated(answer, _EVENTS, [document] if isinstance(document, dict) else document or [])


_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


@cache
def whole(operation: Operation[R]) -> Callable[[Answer], R]:
    """Reads the operation's ``response`` from the answer."""
    adapter: TypeAdapter[R] = TypeAdapter(operation.response)

    def read(answer: Answer) -> R:
        return _validated(answer, adapter, answer.json())

    return read


@cache
def page(operation: Operation[R]) -> Callable[[Answer], Page[R]]:
    """Reads ``before, after, total, items`` (seed 001)."""
    read_items = _items_of(operation)

    def read(answer: Answer) -> Page[R]:
        document = answer.json()
        if not isinstance(document, dict) or not isinstance(document.get("items"), list):
            raise answer.unreadable("expected an object with items, before, after and total")
        figures = (document.get(name) for name in ("before", "after", "total"))
        before, after, total = (figure if isinstance(figure, int) else None for figure in figures)
        return Page(read_items(answer, document["items"]), before, after, total)

    return read


# Twins are handed out as "content", time series as "data" (seed 001).
_TOKEN_ITEMS = ("content", "data")


@cache
def token_page(operation: Operation[R]) -> Callable[[Answer], TokenPage[R]]:
    """Reads the items, ``continuationToken`` and, of time series, ``errorData`` (seed 001)."""
    read_items = _items_of(operation)

    def read(answer: Answer) -> TokenPage[R]:
        document = answer.json()
        name = next((name for name in _TOKEN_ITEMS if name in document), None) if isinstance(document, dict) else None
        if name is None or not isinstance(document[name], list):
            raise answer.unreadable(f"expected an object with {' or '.join(_TOKEN_ITEMS)}, and continuationToken")
        failed, failure = _failures(document.get("errorData"))
        token = document.get("continuationToken")
        items = read_items(answer, document[name])
        return TokenPage(items, token if isinstance(token, str) and token else None, failed, failure)

    return read


def _failures(error: Any) -> tuple[tuple[str, ...], str | None]:
    if not isinstance(error, dict):
        return (), None
    ids, message = error.get("ids"), error.get("message")
    failed = tuple(str(item) for item in ids) if isinstance(ids, list) else ()
    return failed, str(message) if message else None


def _items_of(operation: Operation[R]) -> Callable[[Answer, list[Any]], tuple[R, ...]]:
    if operation.response is Ticket:
        # A thin view, for lists of tickets are long: see models.tickets.
        return _tickets
    items: Any = GenericAlias(tuple, (operation.response, ...))
    adapter: TypeAdapter[tuple[R, ...]] = TypeAdapter(items)
    return lambda answer, items: _validated(answer, adapter, items)


def _tickets(answer: Answer, items: list[Any]) -> tuple[Any, ...]:
    try:
        return tuple(read_ticket(item) for item in items)
    except ValueError as error:
        raise answer.unreadable(str(error)) from None


def _validated(answer: Answer, adapter: TypeAdapter[R], document: Any) -> R:
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        # Without the input, which pydantic would quote: it may be people's data.
        first = error.errors(include_input=False, include_url=False)[0]
        raise answer.unreadable(f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}") from None
