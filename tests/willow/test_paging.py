"""A list is read whole whatever the page base, and whatever the figures say."""

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.willow.errors import Call, Refused
from streams.willow.models import Page
from streams.willow.operations import LIST_TICKETS
from streams.willow.paging import PageBase, PagingStuck, walk

Fetch = Callable[[int], Awaitable[Page[str]]]
FIGURES = ("true", "missing", "zeros", "before by page size")
PAGE_ZERO = ("clamped", "refused")


def server(count: int, *, size: int, base: int, figures: str, page_zero: str) -> Fetch:
    items = [f"T{number}" for number in range(count)]

    async def fetch(page: int) -> Page[str]:
        if page < base and page_zero == "refused":
            raise Refused(Call(LIST_TICKETS, "/tickets", "ws-1"), 400)
        offset = max(0, page - base) * size
        cut = tuple(items[offset : offset + size])
        before = min(offset, count)
        if figures == "missing":
            return Page(cut, None, None, None)
        if figures == "zeros":
            return Page(cut, 0, 0, 0)
        after = count - before - len(cut)
        return Page(cut, offset if figures == "before by page size" else before, after, count)

    return fetch


def itself(item: str) -> str:
    return item


async def read(fetch: Fetch, base: PageBase) -> list[str]:
    return [item async for item in walk(fetch, base, itself)]


@given(
    st.integers(0, 12),
    st.integers(1, 5),
    st.sampled_from([0, 1]),
    st.sampled_from(FIGURES),
    st.sampled_from(PAGE_ZERO),
)
async def test_every_item_once_and_in_order(count: int, size: int, base: int, figures: str, page_zero: str) -> None:
    fetch = server(count, size=size, base=base, figures=figures, page_zero=page_zero)
    memory = PageBase()

    for _ in range(2):
        assert await read(fetch, memory) == [f"T{number}" for number in range(count)]
    assert memory.value in (None, base)


@pytest.mark.parametrize("base", [0, 1])
async def test_the_base_is_learnt_once(base: int) -> None:
    asked: list[int] = []
    fetch = server(5, size=2, base=base, figures="true", page_zero="refused")

    async def noted(page: int) -> Page[str]:
        asked.append(page)
        return await fetch(page)

    memory = PageBase()
    await read(noted, memory)
    asked.clear()
    await read(noted, memory)

    assert asked == [base, base + 1, base + 2]


async def test_pages_that_shift_while_they_are_read_give_no_item_twice() -> None:
    pages = {1: Page(("a", "b"), 0, 2, 4), 2: Page(("b", "c"), 2, 1, 5), 3: Page(("d",), 4, 0, 5)}

    async def fetch(page: int) -> Page[str]:
        return pages[page]

    assert await read(fetch, PageBase()) == ["a", "b", "c", "d"]


async def test_a_server_that_ignores_the_page_is_an_error_not_a_short_list() -> None:
    async def fetch(page: int) -> Page[str]:
        return Page(("a", "b"), 0, 7, 9)

    with pytest.raises(PagingStuck, match="nothing new"):
        await read(fetch, PageBase())


async def test_a_refusal_in_the_middle_is_an_error() -> None:
    fetch = server(5, size=2, base=1, figures="true", page_zero="refused")

    async def failing(page: int) -> Page[str]:
        if page == 2:
            raise Refused(Call(LIST_TICKETS, "/tickets", "ws-1"), 400)
        return await fetch(page)

    with pytest.raises(Refused):
        await read(failing, PageBase())
