"""What a twin is to Mapped, by its model's ancestry."""

import json

import pytest

from streams.planning.places import PlaceKind
from streams.pulling.models import Kinds, NoModels, kinds_of, name_of
from streams.willow import TwinModel


def dtmi(name: str) -> str:
    return f"dtmi:com:willowinc:{name};1"


def model(name: str, *above: str) -> TwinModel:
    definition = {"@id": dtmi(name), "extends": [dtmi(one) for one in above]}
    return TwinModel.model_validate({"id": dtmi(name), "modelDefinition": json.dumps(definition)})


KINDS: Kinds = kinds_of(
    [
        model("Space"),
        model("Land", "Space"),
        model("Level", "Space"),
        model("Zone", "Space"),
        model("HVACZone", "Zone"),
        model("SmokeZone", "HVACZone", "Space"),
        model("Structure", "Space"),
        model("Building", "Structure"),
        model("Tower", "Structure"),
        model("Asset"),
        model("Pump", "Equipment"),
        model("Equipment", "Asset"),
        model("Sensor", "Capability"),
        model("Capability"),
        model("Loop", "Pool"),
        model("Pool", "Loop"),
    ]
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Land", PlaceKind.SITE),
        ("Building", PlaceKind.BUILDING),
        ("Tower", PlaceKind.SUB_BUILDING),
        ("Level", PlaceKind.FLOOR),
        ("SmokeZone", PlaceKind.ZONE),
        ("Space", PlaceKind.SPACE),
        ("Pump", PlaceKind.THING),
        ("Room", PlaceKind.SPACE),  # not listed, but its own name says it
        ("Sensor", None),
        ("Loop", None),
        ("Nowhere", None),
    ],
)
def test_the_nearest_model_with_a_kind_counts(name: str, kind: PlaceKind | None) -> None:
    assert KINDS.of(dtmi(name)) is kind


def test_only_roots_are_asked_for_since_subclasses_come_with_them() -> None:
    assert KINDS.place_roots == (dtmi("Space"),)
    assert KINDS.thing_roots == (dtmi("Asset"),)


def test_without_a_place_among_the_models_nothing_can_be_pulled() -> None:
    with pytest.raises(NoModels, match="lists 1 models, and none of a place") as raised:
        kinds_of([model("Sensor")])
    assert "check" in raised.value.remedy


def test_names() -> None:
    assert name_of("dtmi:com:willowinc:airport:GateZone;12") == "GateZone"
    assert name_of("GateZone") == "GateZone"
