"""Many changes of few orders are waiting: how soon their tickets are as they have to be, and after how many calls."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure
from ops.benchmarks.landed import require_final_state
from ops.benchmarks.rig import Rig, Step, rig
from ops.demo.evidence import read_journal
from ops.kafka import KafkaRuntime

CHANGES = 10_000
"""What the goals are for; other numbers have theirs in proportion."""
PER_ORDER = 10
GOALS: Mapping[str, tuple[float, int]] = {"latest": (1.8, 1_500), "off": (8.8, CHANGES)}
"""``conflate`` → seconds, calls. Those of ``off`` are a consumer's that sends each change: 64 at a time, 50 ms each."""
_CALLS = ("put_ticket", "patch_ticket", "get_ticket", "list_tickets")


def measure(runtime: KafkaRuntime, step: Step, changes: int) -> list[Figure]:
    """``changes`` of ``changes / 10`` orders that have tickets, each order's first change, then each one's second, and
    so on. Raises DemoFailed, KafkaSetupError."""
    return [figure for mode in GOALS for figure in _measure(runtime, step, changes, mode)]


def _measure(runtime: KafkaRuntime, step: Step, changes: int, mode: str) -> list[Figure]:
    with rig(runtime, conflate=mode) as bench:
        count = max(1, changes // PER_ORDER)
        step(f"conflate {mode}: making the tickets of {count} orders")
        bench.send("entities", sample.entities(sample.ESTATE))
        bench.send("work_orders", sample.orders(count))
        bench.until_decided(count, bench.start_worker())
        bench.worker.stop()
        step(f"conflate {mode}: {PER_ORDER} changes of each are waiting")
        newest = []
        for number in range(1, PER_ORDER + 1):
            newest = sample.orders(count, change=number)
            bench.send("work_orders", newest)
        began = time.monotonic()
        bench.until_decided(count * (1 + PER_ORDER), bench.start_worker())
        journal = read_journal(bench.journal)
        require_final_state(journal, {item.id: item for item in newest})
        return _figures(bench, [entry for entry in journal if entry["arrivedMonotonic"] > began], count, mode)


def _figures(bench: Rig, journal: Sequence[Mapping[str, Any]], count: int, mode: str) -> list[Figure]:
    changes = count * PER_ORDER
    first_plan = bench.instants("ticket_intents")[count] - (time.time() - time.monotonic())
    last_write = max(entry["answeredMonotonic"] for entry in journal if entry["committed"])
    last_outcome = bench.instants("outcomes")[-1] - (time.time() - time.monotonic())
    calls = sum(entry["operation"] in _CALLS for entry in journal)
    seconds, most = (goal * changes / CHANGES for goal in GOALS[mode])
    what = f"{changes} changes of {count} orders, conflate {mode}"
    note = f"from the first plan to the last write; to the last outcome {last_outcome - first_plan:.1f} s"
    return [
        Figure("backlog", f"{what}: to the final state", last_write - first_plan, "s", seconds, True, note),
        Figure("backlog", f"{what}: calls to Willow", calls, "", most, True),
    ]
