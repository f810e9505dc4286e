"""The models that twins are made of (DTDL interfaces)."""

from typing import Any

import orjson
from pydantic import Field

from schemas.base import Text
from streams.willow.models.base import Query, Read, ReadInstant


class TwinModel(Read):
    """``display_name`` and ``description`` are language → text. ``model_definition`` is JSON text, None unless asked
    for."""

    id: Text
    display_name: dict[str, Text | None] = Field(default_factory=dict)
    description: dict[str, Text | None] = Field(default_factory=dict)
    model_definition: str | None = None
    upload_time: ReadInstant = None

    @property
    def definition(self) -> dict[str, Any] | None:
        """The DTDL interface, None where it was not shown or is no JSON object."""
        try:
            found = orjson.loads(self.model_definition or "null")
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None

    @property
    def extends(self) -> tuple[str, ...]:
        """The models that this one is a kind of, as its definition names them."""
        found = (self.definition or {}).get("extends") or []
        return tuple(str(item) for item in (found if isinstance(found, list) else [found]))


class ModelsQuery(Query):
    root_model: str | None = None
    include_model_definitions: bool | None = None
