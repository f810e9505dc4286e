"""What Willow holds of the portfolio's buildings: models, twins with the Mapped id as externalID, relationships."""

from collections.abc import Iterator
from typing import Any

from ops.portfolio.estate import THINGS, Estate, Node

_EXTENDS: dict[str, str | None] = {
    "Space": None,
    "Land": "Space",
    "Building": "Space",
    "SubBuilding": "Space",
    "Tower": "SubBuilding",
    "Level": "Space",
    "Room": "Space",
    "Zone": "Space",
    "HVACZone": "Zone",
    "Asset": None,
    **{exact_type: "Asset" for exact_type, _, _ in THINGS},
}
"""Model → the one that it is a kind of."""

_MODELS = {"Site": "Land", "Building": "Building", "SubBuilding": "Tower", "Floor": "Level", "Space": "Room"}


def model_id(name: str) -> str:
    return f"dtmi:com:willowinc:{name};1"


def world(estate: Estate, known: frozenset[str]) -> dict[str, Any]:
    """As the emulator's ``--world`` file has it: of the entities' twins those that Willow ``known``s."""
    nodes = [node for node in estate.nodes.values() if node.twin in known]
    return {
        "models": [_model(name, above) for name, above in _EXTENDS.items()],
        "twins": [_twin(node) for node in nodes],
        "relationships": list(_relationships(estate, nodes)),
    }


def _model(name: str, above: str | None) -> dict[str, Any]:
    extends = {"extends": [model_id(above)]} if above else {}
    definition = {"@id": model_id(name), "@type": "Interface", "displayName": {"en": name}, **extends}
    return {"id": model_id(name), "displayName": {"en": name}, "modelDefinition": definition}


def _twin(node: Node) -> dict[str, Any]:
    codes = [dict(item) for item in node.identities if item["exactType"] != "ExternalIdentity"]
    return {
        "id": node.twin,
        "modelId": model_id(_MODELS.get(node.kind, node.exact_type)),
        "contents": {"name": node.name, "externalID": node.id, **({"mappedIds": codes} if codes else {})},
    }


def _relationships(estate: Estate, nodes: list[Node]) -> Iterator[dict[str, Any]]:
    there = {node.twin for node in nodes}
    for node in nodes:
        above = estate.nodes.get(node.parent or "")
        while above is not None and above.twin not in there:
            # A room that Willow has no twin of: what stands in it is known by its floor.
            above = estate.nodes.get(above.parent or "")
        if above is not None:
            name = "locatedIn" if node.kind == "Thing" else "isPartOf"
            yield {"sourceId": node.twin, "targetId": above.twin, "name": name}
