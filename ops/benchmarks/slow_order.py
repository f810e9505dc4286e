"""One order whose calls take very long: what it takes from the others' rate."""

from collections.abc import Sequence

from ops.benchmarks import sample
from ops.benchmarks.creates import answers
from ops.benchmarks.figures import Figure, Steady, steady_part, together
from ops.benchmarks.processor import ProcessorMeter
from ops.benchmarks.rig import IN_FLIGHT, Rig, Step, rig
from ops.demo.evidence import read_journal
from ops.demo.processes import DemoFailed
from ops.emulator import Plan, Rule
from ops.emulator.faults.kinds import FixedLatency
from ops.kafka import KafkaRuntime

GOAL = 0.95
CALL_SECONDS = 30.0
RUNS = (False, True, True, False)
"""With the slow order or without. In this order a machine that grows slower, or faster, does not decide."""
WARM_UP = 2_000
"""Orders, at most: a broker that has just started is slower than it will be."""
_SLOW = "SLOW"


def measure(runtime: KafkaRuntime, step: Step, count: int, call_seconds: float = CALL_SECONDS) -> Figure:
    """Backlogs of ``count / 2`` new orders for one worker, behind an order whose create takes ``call_seconds`` or
    without it. Raises DemoFailed, KafkaSetupError, ValueError."""
    # The order is slow, not in doubt: its call has to end by an answer.
    with rig(runtime, willow={"request_timeout": f"{call_seconds + 30:g}s"}) as bench:
        each = count // 2
        bench.use_faults(Plan(rules=(Rule(name="slow", orders=f"{_SLOW}*", fault=FixedLatency(seconds=call_seconds)),)))
        step("warming up")
        bench.send("entities", sample.entities(sample.ESTATE))
        meter = bench.start_worker()
        bench.send("work_orders", sample.orders(min(each, WARM_UP), prefix="WARM"))
        bench.until_decided(min(each, WARM_UP), meter)
        runs = []
        for number, slow in enumerate(RUNS):
            step(f"{each} new orders {'behind a slow one' if slow else 'alone'}")
            runs.append(_run(bench, meter, number, each, call_seconds if slow else 0.0))
        return _figure(runs, call_seconds)


def _run(bench: Rig, meter: ProcessorMeter, number: int, count: int, call_seconds: float) -> Steady:
    """``call_seconds`` 0: without the slow order."""
    slow, prefix = int(call_seconds > 0), f"RUN{number}"
    decided = bench.count("outcomes") + count
    bench.send("work_orders", sample.orders(slow, prefix=f"{_SLOW}{number}"))
    bench.send("work_orders", sample.orders(count, prefix=prefix))
    # The slow one too: it would still be under way in a run without it.
    bench.until_decided(decided + slow, meter, besides=call_seconds)
    steady = steady_part(answers(bench, count, f"{prefix}-"))
    if slow:
        _require_slow(bench, f"{_SLOW}{number}-0", steady)
    return steady


def _require_slow(bench: Rig, order_id: str, steady: Steady) -> None:
    calls = [entry for entry in read_journal(bench.journal) if entry["externalId"] == order_id]
    if len(calls) != 1 or calls[0]["arrivedMonotonic"] > steady.start or calls[0]["answeredMonotonic"] < steady.end:
        raise DemoFailed(
            f"the slow call of {order_id} did not last over the {steady.end - steady.start:.1f} s that were measured; "
            "a figure of that would say nothing",
            "take fewer --orders",
        )


def _figure(runs: Sequence[Steady], call_seconds: float) -> Figure:
    kinds = list(zip(runs, RUNS, strict=True))
    slowed, alone = (together([run for run, slow in kinds if slow is kind]) for kind in (True, False))
    said = ", ".join(f"{run.rate:.0f}{' with it' if slow else ''}" for run, slow in kinds)
    return Figure(
        "slow-order",
        f"tickets/s with an order whose call takes {call_seconds:g} s ÷ without, C = {IN_FLIGHT}",
        slowed / alone,
        "",
        GOAL,
        note=f"{slowed:.0f} and {alone:.0f} tickets/s; the runs: {said}",
    )
