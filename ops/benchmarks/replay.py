"""Unchanged orders: events a second that one worker decides without a call to Willow."""

import time
from collections import Counter

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure
from ops.benchmarks.processor import ProcessorMeter
from ops.benchmarks.rig import TOPICS, Rig, Step, rig
from ops.demo.evidence import outcomes_of, read_topic
from ops.demo.processes import DemoFailed
from ops.kafka import KafkaRuntime

GOAL = 3_000.0
ROUNDS = 10
"""How often each order's record comes again."""


def measure(runtime: KafkaRuntime, step: Step, count: int) -> Figure:
    """``count`` records, each a repetition of one of ``count / ROUNDS`` orders, as a backlog for one worker.

    Conflation is off: else the waiting records of an order would be decided as one. Raises DemoFailed,
    KafkaSetupError, ValueError."""
    with rig(runtime, conflate="off") as bench:
        orders = sample.orders(max(1, count // ROUNDS))
        step(f"making the tickets of {len(orders)} orders")
        bench.send("entities", sample.entities(sample.ESTATE))
        bench.send("work_orders", orders)
        bench.until_decided(len(orders), bench.start_worker())
        bench.worker.stop()
        step(f"producing their unchanged records {ROUNDS} times")
        for _ in range(ROUNDS):
            bench.send("work_orders", orders)
        step("the worker decides them")
        meter = bench.start_worker()
        bench.until_decided(len(orders) * (1 + ROUNDS), meter)
        return _figure(bench, meter, len(orders) * ROUNDS)


def _figure(bench: Rig, meter: ProcessorMeter, count: int) -> Figure:
    outcomes = outcomes_of(read_topic(bench.broker.bootstrap_servers, TOPICS["outcomes"]))
    kinds = Counter(outcome["outcome"] for outcome in outcomes)
    if kinds["unchanged"] != count:
        raise DemoFailed(
            f"of {count} repeated records {kinds['unchanged']} came out as unchanged; all outcomes: {dict(kinds)}",
            "run `willow-sync demo`, whose judge names what went wrong",
        )
    # From the first plan to the last outcome: the planner runs ahead of the sink, and both are part of the work.
    start = bench.instants("ticket_intents")[-count]
    end = bench.instants("outcomes")[-1]
    # Records carry the wall clock, the meter reads the monotonic one.
    apart = time.time() - time.monotonic()
    used = meter.used(start - apart, end - apart)
    cost = "" if used is None else f"; {used / count * 1e6:.0f} µs of the worker's processor time each"
    took = end - start
    return Figure(
        "replay",
        "unchanged records decided",
        count / took,
        "records/s",
        GOAL,
        note=f"{count} in {took:.1f} s, planning included{cost}",
    )
