"""Pages of both styles, and the request of the paged lists."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from streams.willow.models.base import Write

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; ``before`` and ``after`` count the items around it. Each figure is None where it was not
    given."""

    items: tuple[T, ...]
    before: int | None
    after: int | None
    total: int | None

    @property
    def adds_up(self) -> bool:
        """The figures agree with the items: only then do they say anything about the page base or the end."""
        figures = (self.before, self.after, self.total)
        if any(figure is None or figure < 0 for figure in figures):
            return False
        return (self.before or 0) + len(self.items) + (self.after or 0) == self.total


@dataclass(frozen=True, slots=True)
class TokenPage(Generic[T]):
    """One page of a list that goes on by a token; ``token`` is None on the last one.

    ``failed`` are ids for which Willow has no answer, ``failure`` its words (time series only)."""

    items: tuple[T, ...]
    token: str | None
    failed: tuple[str, ...] = ()
    failure: str | None = None


Joined = Literal["And", "Or", "and", "or"]
"""How conditions are joined; seed 001 spells it both ways."""

Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class SortSpecification(Write):
    field: str | None = None
    sort: str | None = None


class FilterSpecification(Write):
    field: str | None = None
    operator: str | None = None
    value: Any = None
    filter_condition_operator: Joined | None = None


class ListRequest(Write):
    """The body of every list in pages (seed 001)."""

    sort_specifications: list[SortSpecification] | None = None
    filter_specifications: list[FilterSpecification] | None = None
    page: Int32 | None = None
    page_size: Int32 | None = None
