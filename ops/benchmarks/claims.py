"""The claims' cost: tickets a second with claims, and by a worker that writes and reads none."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops.benchmarks import sample, unclaimed
from ops.benchmarks.creates import answers
from ops.benchmarks.figures import Figure, Steady, steady_part, together
from ops.benchmarks.rig import Rig, Step, rig, worker_command
from ops.demo.processes import DemoFailed
from ops.kafka import KafkaRuntime

GOAL = 0.90
RUNS = (True, False, False, True)
"""With claims or without. In this order a machine that grows slower, or faster, does not decide."""
WARM_UP = 2_000
"""Orders, at most: a broker that has just started is slower than it will be."""


@dataclass(frozen=True, slots=True)
class Run:
    claimed: bool
    steady: Steady
    used: float | None
    """Seconds of the worker's processor time in the steady part."""


def measure(runtime: KafkaRuntime, step: Step, count: int) -> Figure:
    """Backlogs of ``count / 2`` new orders, each for a worker process of its own.

    Raises DemoFailed, KafkaSetupError, ValueError."""
    with rig(runtime) as bench:
        each = count // 2
        bench.send("entities", sample.entities(sample.ESTATE))
        step("warming up")
        _run(bench, "WARM", True, min(each, WARM_UP))
        runs = []
        for number, claimed in enumerate(RUNS):
            step(f"{each} new orders {'with' if claimed else 'without'} claims")
            runs.append(_run(bench, f"RUN{number}", claimed, each))
        return _figure(runs)


def _run(bench: Rig, prefix: str, claimed: bool, count: int) -> Run:
    before, decided = bench.count("create_claims"), bench.count("outcomes")
    bench.send("work_orders", sample.orders(count, prefix=prefix))
    meter = bench.start_worker(worker_command if claimed else unclaimed.command)
    bench.until_decided(decided + count, meter)
    bench.worker.stop()
    require_claims(bench.count("create_claims") - before, claimed, count)
    steady = steady_part(answers(bench, count, f"{prefix}-"))
    return Run(claimed, steady, meter.used(steady.start, steady.end))


def require_claims(written: int, claimed: bool, count: int) -> None:
    # One to open each claim, one to end it. A patch that no longer patches would compare a worker with itself.
    if (written < 2 * count) if claimed else written:
        raise DemoFailed(
            f"the worker {'with' if claimed else 'without'} claims wrote {written} of them for {count} orders",
            "compare ops/benchmarks/unclaimed.py with the claim step of streams/agents/creates.py",
        )


def _figure(runs: Sequence[Run]) -> Figure:
    claimed, free = (together([run.steady for run in runs if run.claimed is kind]) for kind in (True, False))
    said = ", ".join(f"{run.steady.rate:.0f}{'' if run.claimed else ' without'}" for run in runs)
    dear, cheap = _cost(runs, True), _cost(runs, False)
    cost = f"; {dear:.0f} and {cheap:.0f} µs of the worker's processor time each" if dear and cheap else ""
    return Figure(
        "claims",
        "tickets/s with claims ÷ without",
        claimed / free,
        "",
        GOAL,
        note=f"{claimed:.0f} and {free:.0f} tickets/s; the runs: {said}{cost}",
    )


def _cost(runs: Sequence[Run], claimed: bool) -> float | None:
    """Microseconds of processor time a ticket."""
    mine = [run for run in runs if run.claimed is claimed]
    used = [run.used for run in mine if run.used is not None]
    return sum(used) / sum(run.steady.count for run in mine) * 1e6 if len(used) == len(mine) else None
