"""Creates: how much of what C calls in flight at latency L allow is reached, with distinct keys."""

import time

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure, steady_part
from ops.benchmarks.processor import ProcessorMeter
from ops.benchmarks.rig import IN_FLIGHT, LATENCY, Rig, Step, rig
from ops.demo.evidence import read_journal
from ops.demo.processes import DemoFailed
from ops.kafka import KafkaRuntime

GOAL = 0.95
IDEAL = IN_FLIGHT / LATENCY
"""Tickets a second that C calls of L seconds each come to."""


def measure(runtime: KafkaRuntime, step: Step, count: int) -> Figure:
    """A backlog of ``count`` new orders, one worker; the rate is that of the steady middle of the answers.

    Raises DemoFailed, KafkaSetupError, ValueError."""
    with rig(runtime) as bench:
        step(f"producing {count} new orders")
        bench.send("entities", sample.entities(sample.ESTATE))
        bench.send("work_orders", sample.orders(count))
        step("the worker makes their tickets")
        meter = bench.start_worker()
        bench.until_decided(count, meter)
        return _figure(bench, meter, count)


def answers(bench: Rig, count: int, prefix: str = "") -> list[float]:
    """When Willow answered the creates of ``count`` orders whose ids start with ``prefix``: the machine's monotonic
    seconds. Raises DemoFailed unless each order got one ticket."""
    creates = [
        entry
        for entry in read_journal(bench.journal)
        if entry["method"] == "PUT" and entry["status"] == 201 and entry["externalId"].startswith(prefix)
    ]
    if len({entry["externalId"] for entry in creates}) != count or len(creates) != count:
        raise DemoFailed(
            f"{len(creates)} tickets were made for {count} orders; a figure of that would say nothing",
            "run `willow-sync demo`, whose judge names what went wrong",
        )
    return [entry["answeredMonotonic"] for entry in creates]


def _figure(bench: Rig, meter: ProcessorMeter, count: int) -> Figure:
    answered = answers(bench, count)
    steady = steady_part(answered)
    used = meter.used(steady.start, steady.end)
    # The planner runs ahead of the sink: with a backlog, the steady part may hold none of its work.
    took = max(answered) - _first_plan(bench)
    cost = "" if used is None else f"; {used / steady.count * 1e6:.0f} µs of the worker's processor time each"
    return Figure(
        "creates",
        f"tickets/s ÷ (C/L), C = {IN_FLIGHT}, L = {LATENCY * 1000:g} ms",
        steady.rate / IDEAL,
        "",
        GOAL,
        note=f"{steady.rate:.0f} tickets/s of {IDEAL:.0f}; {count / took:.0f} from first plan to last ticket{cost}",
    )


def _first_plan(bench: Rig) -> float:
    """When the planner wrote its first intent, on the machine's monotonic clock."""
    return bench.instants("ticket_intents")[0] - (time.time() - time.monotonic())
