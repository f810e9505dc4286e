"""Telemetry of capability twins."""

from typing import Annotated, Any

from pydantic import Field

from schemas.base import Text
from streams.willow.models.base import Instant, Query, Read, ReadInstant, Write

PageSize = Annotated[int, Field(ge=1, lt=2**31)]


class DataQuality(Read):
    offline: bool | None = None
    value_out_of_range: bool | None = None
    sparse: bool | None = None
    flatline: bool | None = None
    delayed: bool | None = None


class Point(Read):
    """One value. ``data_quality`` is None unless asked for."""

    twin_id: Text | None = None
    connector_id: Text | None = None
    external_id: Text | None = None
    trend_id: Text | None = None
    source_timestamp: ReadInstant = None
    enqueued_timestamp: ReadInstant = None
    scalar_value: float | None = None
    properties: dict[str, Any] = Field(default_factory=dict)
    data_quality: DataQuality | None = None


class PointWrite(Write):
    """A value to insert; the twin is named by ``dt_id`` (its id) or by ``external_id``.

    Seed 001 names the field ``dtId`` and shows ``twinId`` in its sample: both are understood, ``dtId`` is sent."""

    connector_id: str | None
    dt_id: str | None = None
    twin_id: str | None = None
    external_id: str | None = None
    source_timestamp: Instant
    scalar_value: float
    properties: dict[str, Any] | None = None


class SeriesQuery(Query):
    """From ``start`` to ``end``, ``page_size`` values a page."""

    start: Instant
    end: Instant
    page_size: PageSize
    continuation_token: str | None = None
    include_data_quality: bool | None = None


class SeriesByIdsQuery(SeriesQuery):
    # Required by seed 001, on the first page too, where there is none yet.
    continuation_token: str


class LatestQuery(Query):
    start: Instant | None = None
    end: Instant | None = None
    include_data_quality: bool | None = None
