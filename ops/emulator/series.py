"""Time series in memory: what was given or sent, each twin's points in the order of their time."""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ops.emulator.clock import utc_text

_QUALITY = ("offline", "valueOutOfRange", "sparse", "flatline", "delayed")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    at: datetime
    number: int
    """Tells apart points of one instant: the later one comes later."""
    value: float = field(compare=False)
    connector_id: str | None = field(compare=False)
    external_id: str | None = field(compare=False)
    properties: Mapping[str, Any] = field(compare=False)
    enqueued: str = field(compare=False)
    quality: Mapping[str, bool] = field(compare=False, default_factory=dict)

    def document(self, twin_id: str, *, quality: bool, latest: bool = False) -> dict[str, Any]:
        """As seed 001 shows it; the newest values are shown with two fields more."""
        more = {
            "trendId": str(uuid5(NAMESPACE_URL, f"urn:willow-sync:emulator:trend:{twin_id}")),
            "enqueuedTimestamp": self.enqueued,
        }
        return {
            "connectorId": self.connector_id,
            "twinId": twin_id,
            "externalId": self.external_id,
            "sourceTimestamp": utc_text(self.at),
            "scalarValue": self.value,
            "properties": dict(self.properties),
            "dataQuality": {name: self.quality.get(name, False) for name in _QUALITY} if quality else None,
            **(more if latest else {}),
        }


class Series:
    def __init__(self) -> None:
        self._points: dict[str, list[Point]] = {}
        self.count = 0

    def add(
        self,
        twin_id: str,
        at: datetime,
        value: float,
        enqueued: str,
        *,
        connector_id: str | None = None,
        external_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        quality: Mapping[str, bool] | None = None,
    ) -> None:
        self.count += 1
        point = Point(at, self.count, value, connector_id, external_id, properties or {}, enqueued, quality or {})
        insort(self._points.setdefault(twin_id, []), point)

    def between(self, twin_ids: Iterable[str], start: datetime, end: datetime) -> list[tuple[str, Point]]:
        """Both ends included; twin by twin, in the order of time."""
        return [
            (twin_id, point)
            for twin_id in twin_ids
            for point in self._points.get(twin_id, ())
            if start <= point.at <= end
        ]

    def latest(self, twin_id: str, start: datetime | None, end: datetime | None) -> Point | None:
        for point in reversed(self._points.get(twin_id, [])):
            if (start is None or point.at >= start) and (end is None or point.at <= end):
                return point
        return None
