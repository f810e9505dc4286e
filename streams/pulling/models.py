"""What a twin is to Mapped, by its model and those that its model is a kind of (facts §8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.planning.places import PlaceKind
from streams.willow import TwinModel

MODELS: dict[str, PlaceKind] = {
    "Land": PlaceKind.SITE,
    "Building": PlaceKind.BUILDING,
    "SubBuilding": PlaceKind.SUB_BUILDING,
    "Structure": PlaceKind.SUB_BUILDING,
    "Substructure": PlaceKind.SUB_BUILDING,
    "Level": PlaceKind.FLOOR,
    "Zone": PlaceKind.ZONE,
    "Room": PlaceKind.SPACE,
    "Space": PlaceKind.SPACE,
    "Asset": PlaceKind.THING,
}
"""Willow's model → Mapped's kind: the public mapping of both, read backwards. A Structure that is no Building (a tower,
a wing) is taken for a part of one: an assumption."""

EVERY_PLACE = "Space"
"""All models of places are this one too."""


class NoModels(Exception):
    """Willow lists no model that a place could have."""

    remedy = (
        "May this client read models and twins (Willow: User Management, Assignments)? See `willow-sync check`. "
        "An emulator has models if started with --portfolio or --world."
    )


def name_of(model_id: str) -> str:
    """``dtmi:com:willowinc:HVACZone;1`` → ``HVACZone``."""
    return model_id.rpartition(";")[0].rpartition(":")[2] or model_id


@dataclass(frozen=True, slots=True)
class Kinds:
    """``roots``: the models to ask for, whose subclasses come with them, by whether they are things."""

    place_roots: tuple[str, ...]
    thing_roots: tuple[str, ...]
    extends: Mapping[str, tuple[str, ...]]

    def of(self, model_id: str | None) -> PlaceKind | None:
        """The kind of the nearest model that has one; None for points, documents, people and the like."""
        waiting, seen = [model_id] if model_id else [], set[str]()
        found: PlaceKind | None = None
        while waiting:
            one = waiting.pop(0)
            if one in seen:
                continue
            seen.add(one)
            name = name_of(one)
            if name in MODELS and name != EVERY_PLACE:
                return MODELS[name]
            # What is a Space directly and a Zone by another parent is a Zone.
            found = found or MODELS.get(name)
            waiting += self.extends.get(one, ())
        return found


def kinds_of(models: Iterable[TwinModel]) -> Kinds:
    """``models`` with their definitions. Raises NoModels."""
    extends = {model.id: model.extends for model in models}
    bare = Kinds((), (), extends)
    roots = {
        model_id: MODELS[name_of(model_id)]
        for model_id, above in extends.items()
        if name_of(model_id) in MODELS and not any(bare.of(one) for one in above)
    }
    places = tuple(sorted(one for one, kind in roots.items() if kind is not PlaceKind.THING))
    if not places:
        raise NoModels(f"Willow lists {len(extends)} models, and none of a place ({', '.join(MODELS)})")
    return Kinds(places, tuple(sorted(one for one, kind in roots.items() if kind is PlaceKind.THING)), extends)
