"""From a 2xx answer to models. Whatever can't be read is NoAnswer: what Willow did is not known then."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from streams.willow.answers import Answer
from streams.willow.models import (
    Category,
    JobType,
    Page,
    Priority,
    ServiceNeeded,
    Status,
    Ticket,
    Twin,
    read_ticket,
)

T = TypeVar("T")


def ticket(answer: Answer) -> Ticket:
    try:
        return read_ticket(answer.json(), answer.status)
    except ValueError as error:
        raise answer.unreadable(str(error)) from None


def tickets(answer: Answer) -> Page[Ticket]:
    return _page(answer, lambda items: tuple(read_ticket(item) for item in items))


def _page(answer: Answer, read_items: Callable[[Any], tuple[T, ...]]) -> Page[T]:
    document = answer.json()
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise answer.unreadable("expected an object with items, before, after and total")
    figures = (document.get(name) for name in ("before", "after", "total"))
    before, after, total = (figure if isinstance(figure, int) else None for figure in figures)
    try:
        return Page(read_items(document["items"]), before, after, total)
    except ValueError as error:
        raise answer.unreadable(_found(error)) from None


def _page_of(items: "TypeAdapter[tuple[T, ...]]") -> Callable[[Answer], Page[T]]:
    return lambda answer: _page(answer, items.validate_python)


def _array_of(items: "TypeAdapter[list[T]]") -> Callable[[Answer], list[T]]:
    def read(answer: Answer) -> list[T]:
        try:
            return items.validate_python(answer.json())
        except ValidationError as error:
            raise answer.unreadable(_found(error)) from None

    return read


def _found(error: ValueError) -> str:
    # Without the input, which pydantic would quote: it may be people's data.
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
    return str(error)


CATEGORIES = _page_of(TypeAdapter(tuple[Category, ...]))
JOB_TYPES = _page_of(TypeAdapter(tuple[JobType, ...]))
SERVICES_NEEDED = _page_of(TypeAdapter(tuple[ServiceNeeded, ...]))
STATUSES = _array_of(TypeAdapter(list[Status]))
PRIORITIES = _array_of(TypeAdapter(list[Priority]))
TWINS = _array_of(TypeAdapter(list[Twin]))
