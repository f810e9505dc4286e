"""Walking paged lists whole: those in numbered pages, though nobody says whether the first is 0 or 1 (contract §7,
facts §5), and those that go on by a token."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from streams.willow.errors import Refused
from streams.willow.models.paging import Page, TokenPage

T = TypeVar("T")

_NO_SUCH_PAGE = frozenset({400, 404, 422})


@dataclass(slots=True)
class PageBase:
    """The number of an operation's first page, once an answer has proved it."""

    value: int | None = None

    def learn(self, page_one: Page[T]) -> None:
        """From the answer to ``page: 1``. Figures that do not add up are placeholders and prove nothing."""
        if page_one.before and page_one.adds_up:
            self.value = 0
        elif page_one.items and page_one.adds_up:
            self.value = 1


class PagingStuck(Exception):
    """The list says that more follows, and hands out nothing new: what was read is not the whole list."""


async def walk(
    fetch: Callable[[int], Awaitable[Page[T]]], base: PageBase, key: Callable[[T], str]
) -> AsyncGenerator[T, None]:
    """Every item once, in the list's order. ``fetch`` takes a page's number; ``key`` tells items apart, for
    pages shift while they are read. Raises PagingStuck, and what ``fetch`` raises: a list is whole or it is
    an error."""
    seen: set[str] = set()
    number, pages = await _start(fetch, base)
    while True:
        fresh = 0
        for page in pages:
            for item in page.items:
                if key(item) not in seen:
                    seen.add(key(item))
                    fresh += 1
                    yield item
        last = pages[-1]
        if last.adds_up and not last.after:
            return
        if not fresh:
            if last.adds_up:
                raise PagingStuck(f"page {number} holds nothing new, and {last.after} items after it")
            return
        number += 1
        pages = [await fetch(number)]


async def _start(fetch: Callable[[int], Awaitable[Page[T]]], base: PageBase) -> tuple[int, list[Page[T]]]:
    """The number of the last page read, and the pages from the start of the list up to it."""
    if base.value is not None:
        return base.value, [await fetch(base.value)]
    one = await fetch(1)
    base.learn(one)
    if base.value == 1:
        return 1, [one]
    try:
        zero = await fetch(0)
    except Refused as error:
        if base.value is None and error.status in _NO_SUCH_PAGE:
            return 1, [one]
        raise
    return 1, [zero, one]


async def walk_tokens(fetch: Callable[[str | None], Awaitable[TokenPage[T]]]) -> AsyncGenerator[TokenPage[T], None]:
    """Every page; ``fetch`` takes the token of the page before, None for the first. A page may be empty and others
    follow. Raises PagingStuck when a token comes again, for the same pages would come for ever."""
    seen: set[str] = set()
    token: str | None = None
    while True:
        page = await fetch(token)
        yield page
        token = page.token
        if token is None:
            return
        if token in seen:
            raise PagingStuck("its continuation token leads back to a page that was read already")
        seen.add(token)
