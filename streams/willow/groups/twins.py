"""``willow.twins``. All calls share Willow's limit of 20 in 10 s with ``willow.relationships``, and wait for it."""

from collections.abc import AsyncGenerator, Sequence

from streams.willow import operations
from streams.willow.calls import Turn
from streams.willow.groups.base import GroupOfCalls
from streams.willow.models.base import Query
from streams.willow.models.paging import TokenPage
from streams.willow.models.twins import (
    MAX_TWIN_IDS,
    CountTwins,
    ListTwins,
    RelationshipsQuery,
    Twin,
    TwinGraph,
    TwinGraphRequest,
    TwinPatch,
    TwinWrite,
)

_EVERY_TWIN = ListTwins()
_ALL = CountTwins()


class Twins(GroupOfCalls):
    def find(self, which: ListTwins = _EVERY_TWIN) -> AsyncGenerator[Twin, None]:
        """List twins: every one that the filters let through, page after page (``page_size`` up to 1,000). A
        ``continuation_token`` in ``which`` goes on where another list stopped."""
        return self._calls.token_items(operations.LIST_TWINS, _turn(which))

    def pages(self, which: ListTwins = _EVERY_TWIN) -> AsyncGenerator[TokenPage[Twin], None]:
        """As ``find``, page by page, each with the token that goes on after it."""
        return self._calls.token_pages(operations.LIST_TWINS, _turn(which))

    async def count(self, which: CountTwins = _ALL) -> int:
        return await self._calls.one(operations.COUNT_TWINS, which)

    async def get(self, twin_id: str, *, include_relationships: bool = False) -> Twin:
        query = RelationshipsQuery(include_relationships=True) if include_relationships else None
        return await self._calls.one(operations.GET_TWIN, query=query, id=twin_id)

    async def by_ids(self, twin_ids: Sequence[str], *, include_relationships: bool = False) -> list[Twin]:
        """The twins among these ids that exist; Willow is silent about the others. 100 a call."""
        query = RelationshipsQuery(include_relationships=True) if include_relationships else None
        found: list[Twin] = []
        for start in range(0, len(twin_ids), MAX_TWIN_IDS):
            ids = list(twin_ids[start : start + MAX_TWIN_IDS])
            there = await self._calls.one(operations.TWINS_BY_IDS, ids, query)
            found += there
        return found

    async def graph(self, request: TwinGraphRequest) -> TwinGraph:
        """A twin and those around it: alias → twins. A step that finds none leaves the others as they are."""
        return await self._calls.one(operations.TWIN_GRAPH, request)

    async def put(self, twin: TwinWrite) -> Twin:
        """Create or replace. What was there before under this id is gone, ``contents`` included."""
        return await self._calls.one(operations.PUT_TWIN, twin)

    async def patch(self, twin_id: str, changes: Sequence[TwinPatch]) -> None:
        """JSON Patch operations, like ``TwinPatch(op="replace", path="/contents/name", value="Level 1")``."""
        await self._calls.done(operations.PATCH_TWIN, list(changes), id=twin_id)


def _turn(which: ListTwins) -> Turn:
    def turn(token: str | None) -> tuple[ListTwins, Query | None]:
        return (which if token is None else which.model_copy(update={"continuation_token": token})), None

    return turn
