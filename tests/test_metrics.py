"""What ``/metrics`` says, and that its document names all of it."""

import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from streams.app import SyncApp
from streams.health import measure
from streams.metrics import PREFIX, Metrics

DOCUMENT = Path(__file__).parents[1] / "docs" / "metrics.md"


class Recorder:
    """Takes the gauges that a worker declares."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[str, tuple[str, ...], str]] = {}

    def gauge(self, name: str, documentation: str, value: Any) -> None:
        self.seen[PREFIX + name] = ("gauge", (), documentation)

    def by_labels(self, name: str, documentation: str, labels: Sequence[str], values: Any) -> None:
        self.seen[PREFIX + name] = ("gauge", tuple(labels), documentation)


def test_the_document_names_each_metric_with_its_type_labels_and_meaning() -> None:
    recorder, metrics = Recorder(), Metrics()
    measure(cast(SyncApp, SimpleNamespace(metrics=recorder)))
    metrics.outcome({"outcome": "created", "reason": None})
    metrics.call("PUT", 201, 0.1)
    metrics.paused(["rate"])
    for family in metrics.registry.collect():
        labels = tuple(name for name in family.samples[0].labels if name != "le")
        name = family.name + ("_total" if family.type == "counter" else "")
        recorder.seen[name] = (family.type, labels, family.documentation)
    rows = re.findall(
        r"^\| `(willow_sync_\w+)` \| (\w+) \| (.*?) ?\| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    said = {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), words) for name, kind, labels, words in rows}
    assert said == recorder.seen


def test_no_creation_times_are_told() -> None:
    metrics = Metrics()
    metrics.outcome({"outcome": "created", "reason": None})
    metrics.call("PUT", 201, 0.1)
    assert b"_created{" not in metrics.text()
