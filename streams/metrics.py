"""What the worker counts (contract §9), for Prometheus."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streams.delivery.outcomes import DUPLICATE

PREFIX = "willow_sync_"

# ``…_created`` beside each counter reads like a count of what was created, and is a time.
disable_created_metrics()  # type: ignore[no-untyped-call]  # has no annotations


class Metrics:
    """One registry per worker, so that tests and several workers in one process don't share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._outcomes = Counter(
            PREFIX + "outcomes", "Outcomes written, parked ones too.", ["outcome", "reason"], registry=self.registry
        )
        self._duplicates = Counter(
            PREFIX + "duplicates_in_willow",
            "Outcomes that warn of a further ticket of their order.",
            registry=self.registry,
        )
        self._calls = Histogram(
            PREFIX + "willow_request_seconds",
            "Calls to Willow by operation and status class (2xx, 4xx, 5xx, none).",
            ["operation", "status_class"],
            registry=self.registry,
        )
        # The children are few, and to look one up costs more than to count.
        self._outcome = cache(self._outcomes.labels)
        self._call = cache(self._calls.labels)
        self._paused = Gauge(
            PREFIX + "sink_paused", "1 while calls are held back, by cause.", ["cause"], registry=self.registry
        )

    def outcome(self, outcome: Mapping[str, Any]) -> None:
        reason = outcome.get("reason")
        self._outcome(outcome["outcome"], reason["code"] if reason else "").inc()
        if any(warning.startswith(DUPLICATE) for warning in outcome.get("warnings", ())):
            self._duplicates.inc()

    def outcomes(self) -> dict[tuple[str, str], int]:
        """How many were written since the start, by outcome and reason code ("" where there is none)."""
        samples = [sample for family in self._outcomes.collect() for sample in family.samples]
        return {
            (sample.labels["outcome"], sample.labels["reason"]): int(sample.value)
            for sample in samples
            if sample.name.endswith("_total")
        }

    def call(self, operation: str, status: int | None, seconds: float) -> None:
        status_class = "none" if status is None else f"{status // 100}xx"
        self._call(operation, status_class).observe(seconds)

    def paused(self, causes: Iterable[str]) -> None:
        self._paused.clear()
        for cause in causes:
            self._paused.labels(cause).set(1)

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """A figure that is asked for when it is scraped."""
        Gauge(PREFIX + name, documentation, registry=self.registry).set_function(value)

    def by_labels(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        values: Callable[[], Mapping[tuple[str, ...], float]],
    ) -> None:
        """Figures by the values of labels, asked for when they are scraped."""

        class Scrape(Collector):
            def collect(self) -> Iterator[Metric]:
                family = GaugeMetricFamily(PREFIX + name, documentation, labels=labels)
                for told, figure in values().items():
                    family.add_metric(told, figure)
                yield family

        self.registry.register(Scrape())

    def text(self) -> bytes:
        return generate_latest(self.registry)
