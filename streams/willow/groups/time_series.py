"""``willow.time_series``. All calls share Willow's limit of 20 in 10 s, and wait for it: ask in bulk."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

from streams.willow import operations, wire
from streams.willow.groups.base import GroupOfCalls
from streams.willow.models.base import Query
from streams.willow.models.time_series import LatestQuery, Point, PointWrite, SeriesByIdsQuery, SeriesQuery

POINTS_PER_PAGE = 1000


class TimeSeries(GroupOfCalls):
    async def insert(self, points: Sequence[PointWrite]) -> None:
        """Willow takes them in later (202). Whether it refuses points of an unknown twin is not documented."""
        await self._calls.done(operations.POST_TIME_SERIES, list(points))

    def points(
        self,
        twin_id: str,
        start: datetime,
        end: datetime,
        *,
        page_size: int = POINTS_PER_PAGE,
        include_data_quality: bool = False,
    ) -> AsyncGenerator[Point, None]:
        """Every value of a capability twin between two instants (with offsets). Raises Incomplete after the last
        one if Willow had no answer for a part."""
        query = _asked(SeriesQuery, start, end, include_data_quality, page_size=page_size)

        def turn(token: str | None) -> tuple[None, Query]:
            return None, query if token is None else query.model_copy(update={"continuation_token": token})

        return self._calls.token_items(operations.GET_TIME_SERIES, turn, twin_id=twin_id)

    def points_by_ids(
        self,
        twin_ids: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        page_size: int = POINTS_PER_PAGE,
        include_data_quality: bool = False,
    ) -> AsyncGenerator[Point, None]:
        """The same of several twins in one call a page. Raises Incomplete after the last one, naming the ids for
        which Willow had no answer."""
        query = _asked(
            SeriesByIdsQuery,
            start,
            end,
            include_data_quality,
            page_size=page_size,
            continuation_token=wire.FIRST_TOKEN,
        )

        def turn(token: str | None) -> tuple[list[str], Query]:
            return list(twin_ids), query if token is None else query.model_copy(update={"continuation_token": token})

        return self._calls.token_items(operations.TIME_SERIES_BY_IDS, turn)

    async def latest(
        self,
        twin_id: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        include_data_quality: bool = False,
    ) -> list[Point]:
        """The newest value, of those between two instants where they are given."""
        query = _asked(LatestQuery, start, end, include_data_quality)
        return await self._calls.one(operations.LATEST_TIME_SERIES, query=query, twin_id=twin_id)

    async def latest_by_ids(
        self,
        twin_ids: Sequence[str],
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        include_data_quality: bool = False,
    ) -> list[Point]:
        """The newest value of each twin that has one."""
        query = _asked(LatestQuery, start, end, include_data_quality)
        return await self._calls.one(operations.LATEST_BY_IDS, list(twin_ids), query)


def _asked(
    kind: type[Query], start: datetime | None, end: datetime | None, include_data_quality: bool, **more: Any
) -> Query:
    """Only what differs from Willow's defaults. Raises pydantic.ValidationError (a ValueError)."""
    given = {"start": start, "end": end, "include_data_quality": include_data_quality or None, **more}
    return kind.model_validate({name: value for name, value in given.items() if value is not None})
