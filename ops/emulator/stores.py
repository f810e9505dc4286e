"""What the emulator holds beside tickets and their lists: the twin graph, time series, insights, events, files."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.emulator.clock import Clock, utc_text
from ops.emulator.graph import Graph, Model, Relationship, Twin
from ops.emulator.problems import EmulatorError
from ops.emulator.series import Series
from ops.emulator.twins import Twins
from ops.emulator.world_file import INSIGHT_FIELDS, SCENARIO, GivenAttachment, WorldFile
from streams.willow.models.base import plain
from streams.willow.models.events import Event, EventWrite
from streams.willow.models.time_series import PointWrite
from streams.willow.models.twins import TwinWrite

EVENT_FIELDS = tuple(field.alias or name for name, field in Event.model_fields.items())


@dataclass(slots=True)
class Events:
    """By id, in the order of their creation; each a document as the API shows it."""

    types: Mapping[int, str]
    new_id: Callable[[], str]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, event: EventWrite) -> dict[str, Any]:
        """Creates, or replaces the one with the same id or, where it has none, the same external id."""
        given = plain(event)
        event_id = event.id or self._known(event.external_id) or self.new_id()
        document = {name: given.get(name) for name in EVENT_FIELDS} | {"id": event_id}
        self.documents[event_id] = document
        return document

    def _known(self, external_id: str | None) -> str | None:
        if external_id is None:
            return None
        found = (item["id"] for item in self.documents.values() if item["externalId"] == external_id)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Stores:
    graph: Graph
    series: Series
    insights: tuple[dict[str, Any], ...]
    """With every field of the API, and the parent's id."""
    events: Events
    attachments: tuple[GivenAttachment, ...]

    def attachment(self, external_id: str | None, attachment_id: str) -> GivenAttachment | None:
        return next((a for a in self.attachments if (a.external_id, a.id) == (external_id, attachment_id)), None)


def stores_of(file: WorldFile, known: Twins, clock: Clock, new_id: Callable[[], str]) -> Stores:
    """The file's twins become known; what they hold is taken as it stands there. Raises EmulatorError for a time
    series of a twin that is not there."""
    graph = _graph(file, Graph(known, clock.instant()), clock.instant())
    series = Series()
    for number, point in enumerate(file.time_series):
        try:
            add_point(series, graph, point, clock.instant(), point.data_quality)
        except LookupError as error:
            remedy = "add the twin to the file's twins, or correct the point's dtId or externalId"
            raise EmulatorError(f"timeSeries.{number} of the world file: {error}", remedy) from error
    events = Events({item.id: item.name for item in file.event_types}, new_id)
    for event in file.events:
        events.put(event)
    insights = tuple({name: item.get(name) for name in (*INSIGHT_FIELDS, SCENARIO)} for item in file.insights)
    return Stores(graph, series, insights, events, file.attachments)


def twin_of(given: TwinWrite, at: str) -> Twin:
    updated = utc_text(given.last_update_time) if given.last_update_time else at
    return Twin(given.id, given.model_id, updated, given.contents or {})


def add_point(
    series: Series, graph: Graph, point: PointWrite, at: str, quality: Mapping[str, bool] | None = None
) -> None:
    """Under the twin that the point names. Raises LookupError when there is none."""
    twin = named_twin(graph, point.dt_id or point.twin_id, point.external_id)
    if twin is None:
        raise LookupError(f"there is no twin {point.dt_id or point.twin_id or point.external_id!r}")
    series.add(
        twin.id,
        point.source_timestamp,
        point.scalar_value,
        at,
        connector_id=point.connector_id,
        external_id=point.external_id or twin.contents.get("externalID"),
        properties=point.properties,
        quality=quality,
    )


def named_twin(graph: Graph, twin_id: str | None, external_id: str | None) -> Twin | None:
    if twin_id is not None:
        return graph.twin(twin_id)
    return graph.with_external_id(external_id) if external_id is not None else None


def _graph(file: WorldFile, graph: Graph, at: str) -> Graph:
    for model in file.models:
        uploaded = utc_text(model.upload_time) if model.upload_time else at
        graph.put_model(Model(model.id, model.display_name, model.description, model.model_definition, uploaded))
    for twin in file.twins:
        graph.put_twin(twin_of(twin, at))
    for item in file.relationships:
        graph.put_relationship(Relationship(item.source_id, item.target_id, item.name, item.properties or {}))
    return graph


def insight_families(insights: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each root with its children, for pages count roots only (seed 002)."""
    by_id = {insight["id"]: insight for insight in insights}
    children: dict[str, list[dict[str, Any]]] = {}
    for insight in by_id.values():
        if insight[SCENARIO] in by_id:
            children.setdefault(insight[SCENARIO], []).append(insight)
    roots = [insight for insight in by_id.values() if insight[SCENARIO] not in by_id]
    return [(root, children.get(root["id"], [])) for root in roots]
