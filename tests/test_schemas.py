"""The generated schemas: current, true to the models, and AsyncAPI's names those of the settings."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from schemas import Outcome, OutcomeKind, Source
from schemas.asyncapi import MESSAGES
from schemas.generate import FOLDER, render, stale
from streams.config.kafka import NO_TOPICS
from streams.settings import TopicSettings


def test_what_is_checked_in_is_what_the_models_say() -> None:
    assert stale() == [], "run: python -m schemas.generate"


def test_the_same_models_give_the_same_bytes() -> None:
    assert render() == render()


def test_names_are_those_of_the_wire() -> None:
    schema = json.loads((FOLDER / "outcome.schema.json").read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    source = Source(topic="t", partition=0, offset=1)
    outcome = Outcome(
        outcome_id="x",
        work_order_id="WO1",
        entity_type=None,
        outcome=OutcomeKind.UPDATED,
        final=True,
        source=source,
        time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert json.loads(outcome.to_json()).keys() == schema["properties"].keys()


@pytest.fixture(scope="module")
def asyncapi() -> Any:
    return yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))


def test_topics_are_the_settings_defaults(asyncapi: Any) -> None:
    topics = TopicSettings()
    kinds = [kind for kind in TopicSettings.model_fields if kind not in NO_TOPICS]
    addresses = {channel["address"] for channel in asyncapi["channels"].values()}
    assert addresses == {topics.name(kind) for kind in kinds}
    assert len(MESSAGES) == len(kinds)


def test_every_reference_leads_somewhere(asyncapi: Any) -> None:
    references = list(_references(asyncapi))
    assert references
    for reference in references:
        if reference.startswith("./"):
            assert (FOLDER / reference).is_file()
        else:
            _follow(asyncapi, reference)


def _references(node: Any) -> Any:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _follow(document: Any, reference: str) -> None:
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
