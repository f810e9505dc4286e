"""The twin view: how long a worker needs to read the building graph, and how much memory that takes."""

import json

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure
from ops.benchmarks.reader import command
from ops.benchmarks.rig import START_SECONDS, TOPICS, Rig, Step, rig
from ops.benchmarks.sample import Form
from ops.demo.processes import Child, DemoFailed, run_to_end
from ops.kafka import KafkaRuntime

GOAL_PER_ENTITY = 10.0 / 1_000_000
"""Seconds: a million twins in ten."""


def measure(runtime: KafkaRuntime, step: Step, count: int, form: Form) -> Figure:
    """``count`` entities, read by a process that does nothing else. Raises DemoFailed, KafkaSetupError."""
    with rig(runtime) as bench:
        step(f"producing {count} entities ({form.value})")
        bench.send("entities", sample.entities(count, form))
        step("reading them")
        return _read(bench, count, form)


def _read(bench: Rig, count: int, form: Form) -> Figure:
    log = bench.folder / "reader.log"
    reader = Child("the reader of the view", command(bench.broker.bootstrap_servers, TOPICS["entities"]), log)
    run_to_end(reader, START_SECONDS + count * GOAL_PER_ENTITY * 10)
    said = json.loads(reader.last_words())
    if said["entities"] != count:
        raise DemoFailed(f"the view holds {said['entities']} of {count} entities", f"read {log}")
    memory = said["residentMiB"] - said["residentBeforeMiB"]
    return Figure(
        "view",
        f"{count} entities ({form.value}) until ready",
        said["seconds"],
        "s",
        count * GOAL_PER_ENTITY,
        at_most=True,
        note=f"{said['residentMiB']:.0f} MiB resident, {memory:.0f} MiB of it the view's "
        f"({memory * 2**20 / count:.0f} B an entity); {said['processorSeconds']:.1f} s of processor time",
    )
