"""Many changes of few orders are waiting: how soon their tickets are as they have to be, and after how many calls."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure
from ops.benchmarks.landed import require_final_state
from ops.benchmarks.processor import ProcessorMeter
from ops.benchmarks.rig import Rig, Step, rig
from ops.benchmarks.sample import Sample
from ops.demo.evidence import read_journal
from ops.demo.processes import DemoFailed
from ops.kafka import KafkaRuntime

CHANGES = 10_000
"""What the goals are for; other numbers have theirs in proportion."""
MOST = 20_000
"""A worker takes no more on (max_pending_records)."""
PER_ORDER = 10
_CALLS = ("put_ticket", "patch_ticket", "get_ticket", "list_tickets")


@dataclass(frozen=True, slots=True)
class Case:
    """``conflate``: the setting. ``paused``: the changes wait in the sink, planned, because calls are held; else in
    the log, because no worker runs. ``seconds`` and ``calls`` are the goals for CHANGES."""

    conflate: str
    paused: bool
    seconds: float
    calls: int

    @property
    def name(self) -> str:
        return f"conflate {self.conflate}, {'calls were paused' if self.paused else 'no worker ran'}"


CASES = (
    Case("latest", True, 1.8, 1_500),
    Case("latest", False, 1.8, 1_500),
    # What a consumer comes to that sends each change, 64 at a time.
    Case("off", True, 8.8, CHANGES),
)


def measure(runtime: KafkaRuntime, step: Step, changes: int) -> list[Figure]:
    """``changes`` of ``changes / 10`` orders that have tickets, each order's first change, then each one's second, and
    so on. Raises DemoFailed, KafkaSetupError."""
    return [figure for case in CASES for figure in _measure(runtime, step, max(1, changes // PER_ORDER), case)]


def _measure(runtime: KafkaRuntime, step: Step, count: int, case: Case) -> list[Figure]:
    with rig(runtime, conflate=case.conflate, web={"port": 0}) as bench:
        step(f"{case.name}: making the tickets of {count} orders")
        bench.send("entities", sample.entities(sample.ESTATE))
        bench.send("work_orders", sample.orders(count))
        meter = bench.start_worker()
        bench.until_decided(count, meter)
        made = time.monotonic()
        step(f"{case.name}: {PER_ORDER} changes of each")
        if case.paused:
            newest = _behind_a_pause(bench, count)
        else:
            bench.worker.stop()
            newest = _changes(bench, count)
        began = time.monotonic()
        if case.paused:
            bench.run("resume")
        else:
            meter = bench.start_worker()
        bench.until_decided(count * (1 + PER_ORDER), meter)
        journal = [entry for entry in read_journal(bench.journal) if entry["operation"] in _CALLS]
        require_final_state(journal, {item.id: item for item in newest})
        if early := sum(made < entry["arrivedMonotonic"] < began for entry in journal):
            raise DemoFailed(f"{early} calls were made before the backlog stood", f"read {bench.worker.log}")
        return _figures(bench, [entry for entry in journal if entry["arrivedMonotonic"] > began], meter, count, case)


def _changes(bench: Rig, count: int) -> list[Sample]:
    """Sends them all; returns each order's last."""
    newest: list[Sample] = []
    for number in range(1, PER_ORDER + 1):
        newest = sample.orders(count, change=number)
        bench.send("work_orders", newest)
    return newest


def _behind_a_pause(bench: Rig, count: int) -> list[Sample]:
    bench.run("pause")
    newest = _changes(bench, count)
    # An intent that is read only after its order's first call can't be conflated with it.
    bench.until_taken(count * PER_ORDER)
    return newest


def _figures(
    bench: Rig, calls: Sequence[Mapping[str, Any]], meter: ProcessorMeter, count: int, case: Case
) -> list[Figure]:
    changes = count * PER_ORDER
    # Records carry the wall clock, the meter and the journal read the monotonic one.
    apart = time.time() - time.monotonic()
    start, since = min(entry["arrivedMonotonic"] for entry in calls), "the first call"
    if not case.paused:
        start, since = bench.instants("ticket_intents")[count] - apart, "the first plan"
    last_outcome = bench.instants("outcomes")[-1] - apart
    took = max(entry["answeredMonotonic"] for entry in calls if entry["committed"]) - start
    used = meter.used(start, last_outcome)
    cost = "" if used is None else f"; {used / changes * 1e6:.0f} µs of the worker's processor time a change"
    what = f"{changes} changes of {count} orders, {case.name}"
    note = f"from {since} to the last write; to the last outcome {last_outcome - start:.1f} s{cost}"
    share = changes / CHANGES
    return [
        Figure("backlog", f"{what}: to the final state", took, "s", case.seconds * share, True, note),
        Figure("backlog", f"{what}: calls to Willow", len(calls), "", case.calls * share, True),
    ]
