"""Added latency: from the producer's hand-over of a new order to the arrival of its create at Willow."""

import time
from collections.abc import Sequence

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure, percentile
from ops.benchmarks.rig import Rig, Step, rig
from ops.benchmarks.sample import Sample
from ops.demo.evidence import read_journal
from ops.demo.processes import DemoFailed
from ops.kafka import KafkaRuntime

RATE = 100.0
"""New orders a second."""
GOALS = ((0.50, 15.0), (0.99, 60.0))
"""Share of the orders, and the milliseconds that they may take."""
WARM_UP = 500
"""Orders before the measured ones: connections are open then, and the worker has its partitions."""


def measure(runtime: KafkaRuntime, step: Step, seconds: float) -> list[Figure]:
    """p50 and p99 over ``seconds`` of new orders. Raises DemoFailed, KafkaSetupError, ValueError."""
    with rig(runtime) as bench:
        step("warming up")
        bench.send("entities", sample.entities(sample.ESTATE))
        meter = bench.start_worker()
        bench.send("work_orders", sample.orders(WARM_UP, prefix="WARM"))
        bench.until_decided(WARM_UP, meter)
        orders = sample.orders(int(RATE * seconds))
        step(f"{RATE:g} new orders a second for {seconds:g} s")
        sent = _paced(bench, orders)
        bench.until_decided(WARM_UP + len(orders), meter)
        return _figures(_waits(bench, sent))


def _paced(bench: Rig, orders: Sequence[Sample]) -> dict[str, float]:
    """Order id → when it was handed to the producer, in seconds of the machine's monotonic clock."""
    sent: dict[str, float] = {}
    start = time.monotonic()
    for number, order in enumerate(orders):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        sent[order.id] = time.monotonic()
        bench.send_one("work_orders", order)
    return sent


def _waits(bench: Rig, sent: dict[str, float]) -> list[float]:
    """Milliseconds from hand-over to arrival, of each order. The emulator reads the same clock."""
    arrived = {
        entry["externalId"]: entry["arrivedMonotonic"]
        for entry in read_journal(bench.journal)
        if entry["method"] == "PUT" and entry["status"] == 201
    }
    missing = sent.keys() - arrived.keys()
    if missing:
        raise DemoFailed(
            f"{len(missing)} of {len(sent)} orders got no ticket, {min(missing)} for one",
            "run `willow-sync demo`, whose judge names what went wrong",
        )
    return [(arrived[order_id] - at) * 1000 for order_id, at in sent.items()]


def _figures(waits: Sequence[float]) -> list[Figure]:
    note = f"{len(waits)} orders at {RATE:g}/s, longest {max(waits):.0f} ms"
    return [
        Figure("latency", f"produce to Willow, p{share * 100:.0f}", percentile(waits, share), "ms", goal, True, note)
        for share, goal in GOALS
    ]
