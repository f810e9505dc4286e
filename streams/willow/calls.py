"""Calls by the operations table, typed: what the groups' methods are made of."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeVar

from streams.willow import reading, wire
from streams.willow.answers import Answer
from streams.willow.caller import Caller
from streams.willow.downloads import Download
from streams.willow.errors import Call, Incomplete, NoAnswer
from streams.willow.models.base import Query, plain
from streams.willow.models.paging import Page, TokenPage
from streams.willow.operation import Operation
from streams.willow.paging import PageBase, PagingStuck, walk, walk_tokens

R = TypeVar("R")
T = TypeVar("T")

Turn = Callable[[str | None], tuple[Any, Query | None]]
"""A page's token → the body and the query that ask for that page."""


class Calls:
    """All methods raise WillowError, and RuntimeError while the client is not open."""

    def __init__(self) -> None:
        self.opened: Caller | None = None
        self._bases: dict[str, PageBase] = {}

    @property
    def caller(self) -> Caller:
        if self.opened is None:
            raise RuntimeError("this WillowClient is not open; use it inside `async with`")
        return self.opened

    async def one(self, operation: Operation[R], body: Any = None, query: Query | None = None, **ids: str) -> R:
        """The answer as the operation's ``response``."""
        return await self.read(operation, reading.whole(operation), body, query, **ids)

    async def done(self, operation: Operation[None], body: Any = None, query: Query | None = None, **ids: str) -> None:
        """Any 2xx will do; nothing is read from it."""
        await self.read(operation, reading.nothing, body, query, **ids)

    async def read(
        self,
        operation: Operation[Any],
        read: Callable[[Answer], T],
        body: Any = None,
        query: Query | None = None,
        **ids: str,
    ) -> T:
        text = "" if query is None else wire.query_text(plain(query))
        return await self.caller.call(operation, read, plain(body), text, **ids)

    def stream(self, operation: Operation[bytes], **ids: str) -> AbstractAsyncContextManager[Download]:
        return self.caller.stream(operation, **ids)

    async def page(
        self,
        operation: Operation[R],
        number: int,
        filters: Sequence[wire.Filter],
        sort: Sequence[wire.Sort],
        page_size: int,
        query: Query | None = None,
    ) -> Page[R]:
        body = wire.list_body(filters, sort, number, page_size)
        return await self.read(operation, reading.page(operation), body, query)

    async def pages(
        self,
        operation: Operation[R],
        key: Callable[[R], str],
        filters: Sequence[wire.Filter],
        sort: Sequence[wire.Sort],
        page_size: int,
        query: Query | None = None,
    ) -> AsyncGenerator[R, None]:
        """Every item of a list in numbered pages, once; ``key`` tells items apart."""

        async def fetch(number: int) -> Page[R]:
            return await self.page(operation, number, filters, sort, page_size, query)

        base = self._bases.setdefault(operation.name, PageBase())
        try:
            async with aclosing(walk(fetch, base, key)) as items:
                async for item in items:
                    yield item
        except PagingStuck as error:
            raise _not_whole(operation, error) from error

    async def token_pages(self, operation: Operation[R], turn: Turn, **ids: str) -> AsyncGenerator[TokenPage[R], None]:
        """Every page of a list that goes on by a token."""
        read = reading.token_page(operation)

        async def fetch(token: str | None) -> TokenPage[R]:
            body, query = turn(token)
            return await self.read(operation, read, body, query, **ids)

        try:
            async with aclosing(walk_tokens(fetch)) as pages:
                async for page in pages:
                    yield page
        except PagingStuck as error:
            raise _not_whole(operation, error) from error

    async def token_items(self, operation: Operation[R], turn: Turn, **ids: str) -> AsyncGenerator[R, None]:
        """Every item of such a list. Raises Incomplete after the last one if Willow had no answer for some ids."""
        failed: dict[str, None] = {}
        words = ""
        async with aclosing(self.token_pages(operation, turn, **ids)) as pages:
            async for page in pages:
                for item in page.items:
                    yield item
                failed |= dict.fromkeys(page.failed)
                words = page.failure or words
        if failed or words:
            raise Incomplete(Call(operation, operation.path, "-"), tuple(failed), words)


def _not_whole(operation: Operation[Any], error: PagingStuck) -> NoAnswer:
    return NoAnswer(Call(operation, operation.path, "-"), f"the list is not whole: {error}")
