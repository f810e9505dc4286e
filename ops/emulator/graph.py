"""The twin graph: models, twins and relationships, as they were given or put.

A twin that is known by its id only (``twins.Twins``) is shown too, bare: the sync's portfolio names twins, it does
not describe them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ops.emulator.twins import Twins

BARE_MODEL = "dtmi:com:willowinc:Space;1"
"""The model of a twin of which nothing but the id is known."""

# Relationships that lead from a twin to what holds it.
_UPWARDS = frozenset({"isPartOf", "locatedIn", "isCapabilityOf", "includedIn", "hostedBy"})
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Model:
    """``definition`` is the DTDL interface."""

    id: str
    display_name: Mapping[str, str]
    description: Mapping[str, str]
    definition: Mapping[str, Any]
    upload_time: str

    @property
    def extends(self) -> tuple[str, ...]:
        found = self.definition.get("extends") or []
        return tuple(found) if isinstance(found, list) else (found,)

    def document(self, with_definition: bool) -> dict[str, Any]:
        return {
            "id": self.id,
            "displayName": self.display_name,
            "description": self.description,
            "modelDefinition": orjson.dumps(self.definition).decode() if with_definition else None,
            "uploadTime": self.upload_time,
        }


@dataclass(frozen=True, slots=True)
class Twin:
    id: str
    model_id: str
    updated: str
    contents: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its id where the contents name none."""
        return str(self.contents.get("name") or self.id)


@dataclass(frozen=True, slots=True)
class Relationship:
    source: str
    target: str
    name: str
    properties: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Derived as in seed 001's sample: ``AHU-1_isFedBy_substance_ChilledWater_Chiller-1``."""
        details = [f"{name}_{value}" for name, value in sorted(self.properties.items())]
        return "_".join((self.source, self.name, *details, self.target))

    def document(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "Id": self.id,
            "targetId": self.target,
            "sourceId": self.source,
            "name": self.name,
        }
        return {**shown, "properties": dict(self.properties)} if self.properties else shown


class Graph:
    def __init__(self, known: Twins, started: str) -> None:
        """``started`` is the update time that bare twins show."""
        self._known = known
        self._started = started
        self.models: dict[str, Model] = {}
        self._twins: dict[str, Twin] = {}
        self._relationships: dict[str, Relationship] = {}
        self._outgoing: dict[str, dict[str, Relationship]] = {}
        self._incoming: dict[str, dict[str, Relationship]] = {}

    def __iter__(self) -> Iterator[Twin]:
        """Every twin that is described or was named, once."""
        yield from self._twins.values()
        yield from (self._bare(twin_id) for twin_id in self._known if twin_id not in self._twins)

    def twin(self, twin_id: str) -> Twin | None:
        found = self._twins.get(twin_id)
        return self._bare(twin_id) if found is None and twin_id in self._known else found

    def described(self, twin_id: str) -> Twin | None:
        """The twin, if more than its id is known."""
        return self._twins.get(twin_id)

    def with_external_id(self, external_id: str) -> Twin | None:
        return next((twin for twin in self._twins.values() if twin.contents.get("externalID") == external_id), None)

    def put_twin(self, twin: Twin) -> None:
        self._twins[twin.id] = twin
        self._known.add([twin.id])

    def put_model(self, model: Model) -> None:
        self.models[model.id] = model

    def is_a(self, model_id: str, ancestor: str) -> bool:
        return model_id == ancestor or ancestor in self.dependencies(model_id)

    def dependencies(self, model_id: str) -> tuple[str, ...]:
        """The models that this one extends, directly or not, each once; itself first."""
        found: dict[str, None] = {}
        waiting = [model_id]
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = None
                waiting += self.models[one].extends if one in self.models else ()
        return tuple(found)

    def relationship(self, relationship_id: str) -> Relationship | None:
        return self._relationships.get(relationship_id)

    def put_relationship(self, relationship: Relationship) -> None:
        self._relationships[relationship.id] = relationship
        self._outgoing.setdefault(relationship.source, {})[relationship.id] = relationship
        self._incoming.setdefault(relationship.target, {})[relationship.id] = relationship

    def drop_relationship(self, relationship: Relationship) -> None:
        del self._relationships[relationship.id]
        del self._outgoing[relationship.source][relationship.id]
        del self._incoming[relationship.target][relationship.id]

    def outgoing(self, twin_id: str) -> Iterable[Relationship]:
        return self._outgoing.get(twin_id, {}).values()

    def incoming(self, twin_id: str) -> Iterable[Relationship]:
        return self._incoming.get(twin_id, {}).values()

    def holders(self, twin_id: str) -> tuple[Twin, ...]:
        """The twins that hold this one, the nearest first; without itself."""
        found: dict[str, Twin] = {}
        level = [twin_id]
        for _ in range(_MAX_DEPTH):
            level = [up.target for one in level for up in self.outgoing(one) if up.name in _UPWARDS]
            level = [one for one in level if one not in found and one != twin_id]
            if not level:
                break
            found |= {one: twin for one in level if (twin := self.twin(one)) is not None}
        return tuple(found.values())

    def document(self, twin: Twin, *, incoming: bool = False, outgoing: bool = False) -> dict[str, Any]:
        """As seed 001 shows a twin; relationships only where they are asked for."""
        shown: dict[str, Any] = {
            "id": twin.id,
            "modelId": twin.model_id,
            "lastUpdateTime": twin.updated,
            "contents": twin.contents,
        }
        if incoming:
            shown["incomingRelationships"] = [item.document() for item in self.incoming(twin.id)]
        if outgoing:
            shown["outgoingRelationships"] = [item.document() for item in self.outgoing(twin.id)]
        return shown

    def _bare(self, twin_id: str) -> Twin:
        return Twin(twin_id, BARE_MODEL, self._started, {"name": twin_id})
