"""The world file: what a Willow holds from the start, as JSON. Every list is optional.

``models`` (``id``, ``displayName``, ``description``, ``modelDefinition`` as an object or as JSON text), ``twins``,
``relationships``, ``timeSeries``, ``events`` and ``insights`` have the form of Willow's own API (seed 001).
``eventTypes`` are ``{id, name}``. ``attachments`` belong to every ticket with their ``externalId``, for tickets are
made while the emulator runs: ``{id, externalId, name, contentType, base64}``.
"""

from pathlib import Path
from typing import Any

import orjson
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from ops.emulator.problems import EmulatorError
from streams.willow.models.base import Instant, Uuid
from streams.willow.models.events import EventWrite
from streams.willow.models.insights import Insight
from streams.willow.models.relationships import RelationshipWrite
from streams.willow.models.time_series import PointWrite
from streams.willow.models.twins import TwinWrite


class _Given(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class GivenModel(_Given):
    id: str
    display_name: dict[str, str] = Field(default_factory=dict)
    description: dict[str, str] = Field(default_factory=dict)
    model_definition: dict[str, Any] = Field(default_factory=dict)
    upload_time: Instant | None = None

    @field_validator("model_definition", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        # Willow shows it as text.
        return orjson.loads(value) if isinstance(value, str) else value


class GivenPoint(PointWrite):
    data_quality: dict[str, bool] | None = None


class GivenEventType(_Given):
    id: int
    name: str


class GivenAttachment(_Given):
    id: Uuid
    external_id: str
    name: str
    content_type: str = "application/octet-stream"
    base64: Base64Bytes


class WorldFile(_Given):
    models: tuple[GivenModel, ...] = ()
    twins: tuple[TwinWrite, ...] = ()
    relationships: tuple[RelationshipWrite, ...] = ()
    time_series: tuple[GivenPoint, ...] = ()
    event_types: tuple[GivenEventType, ...] = (
        GivenEventType(id=1, name="CalendarEvent"),
        GivenEventType(id=2, name="WeatherForecast"),
        GivenEventType(id=3, name="UtilityBill"),
    )
    events: tuple[EventWrite, ...] = ()
    insights: tuple[dict[str, Any], ...] = ()
    attachments: tuple[GivenAttachment, ...] = ()

    @field_validator("insights")
    @classmethod
    def _readable(cls, insights: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for insight in insights:
            unknown = insight.keys() - _INSIGHT_FIELDS
            if unknown:
                raise ValueError(f"unknown insight fields {', '.join(sorted(unknown))}")
            Insight.model_validate(insight)
        return insights


INSIGHT_FIELDS = tuple(field.alias or name for name, field in Insight.model_fields.items())
SCENARIO = "scenarioId"
"""Names an insight's parent (seed 002: only roots are counted in pages)."""

_INSIGHT_FIELDS = frozenset((*INSIGHT_FIELDS, SCENARIO))


def load_world(file: Path) -> WorldFile:
    """Raises EmulatorError when the file can't be read or is none."""
    try:
        return WorldFile.model_validate_json(file.read_bytes())
    except OSError as error:
        raise EmulatorError(f"can't read the world file {file}: {error.strerror}", "check --world") from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:5])
        raise EmulatorError(
            f"the world file {file} is not usable: {said}",
            "its lists have the form of Willow's API; see docs/client.md for an example",
        ) from error
