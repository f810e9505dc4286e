"""``willow.insights``."""

from collections.abc import AsyncGenerator, Sequence

from streams.willow import operations, wire
from streams.willow.groups.base import PAGE_SIZE, GroupOfCalls
from streams.willow.models.insights import Insight, InsightQuery, InsightsQuery


class Insights(GroupOfCalls):
    def find(
        self,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (),
        page_size: int = PAGE_SIZE,
        *,
        add_floor: bool = False,
    ) -> AsyncGenerator[Insight, None]:
        """List insights, every one once. Willow's pages count root insights only, and bring their children along
        (seed 002): a page may be longer than ``page_size``. ``add_floor`` fills ``floor_id``."""
        query = InsightsQuery(add_floor=True) if add_floor else None
        return self._calls.pages(operations.LIST_INSIGHTS, _id, filters, sort, page_size, query)

    async def get(self, insight_id: str, *, ignore_query_filters: bool = True) -> Insight:
        """``ignore_query_filters`` False: as Willow's global filter shows it, which may hide it."""
        query = None if ignore_query_filters else InsightQuery(ignore_query_filters=False)
        return await self._calls.one(operations.GET_INSIGHT, query=query, insight_id=insight_id)


def _id(insight: Insight) -> str:
    return insight.id
