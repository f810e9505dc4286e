"""``python -m ops.benchmarks``: all figures, or some; each beside its goal."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import click

from ops.benchmarks import backlog, claims, creates, latency, replay, slow_order, storm, view
from ops.benchmarks.figures import Figure
from ops.benchmarks.rig import Step
from ops.benchmarks.sample import Form
from ops.demo.processes import DemoFailed, ended_by_signals
from ops.kafka import KafkaRuntime, KafkaSetupError, prepare


@dataclass(frozen=True, slots=True)
class Sizes:
    orders: int
    records: int
    entities: int
    entities_as: Form
    seconds: float
    changes: int
    minutes: float


PARTS: dict[str, Callable[[KafkaRuntime, Step, Sizes], Sequence[Figure]]] = {
    "creates": lambda runtime, step, sizes: [creates.measure(runtime, step, sizes.orders)],
    "replay": lambda runtime, step, sizes: [replay.measure(runtime, step, sizes.records)],
    "view": lambda runtime, step, sizes: [view.measure(runtime, step, sizes.entities, sizes.entities_as)],
    "latency": lambda runtime, step, sizes: latency.measure(runtime, step, sizes.seconds),
    "claims": lambda runtime, step, sizes: [claims.measure(runtime, step, sizes.orders)],
    "slow-order": lambda runtime, step, sizes: [slow_order.measure(runtime, step, sizes.orders)],
    "backlog": lambda runtime, step, sizes: backlog.measure(runtime, step, sizes.changes),
    "storm": lambda runtime, step, sizes: storm.measure(runtime, step, sizes.minutes),
}
LONG = {"storm"}
"""Only when named: what lasts as long as it is told to."""


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice(list(PARTS)), help="This part; may be repeated. Default: all but storm."
)
@click.option(
    "--orders",
    type=click.IntRange(500),
    default=15_000,
    show_default=True,
    help="creates, claims, slow-order: new orders.",
)
@click.option(
    "--records", type=click.IntRange(500), default=30_000, show_default=True, help="replay: unchanged records."
)
@click.option("--entities", type=click.IntRange(1), default=1_000_000, show_default=True, help="view: entities.")
@click.option(
    "--entities-as", type=click.Choice(list(Form)), default=Form.FLAT, show_default=True, help="view: their form."
)
@click.option("--seconds", type=click.FloatRange(1), default=30.0, show_default=True, help="latency: how long.")
@click.option(
    "--changes",
    type=click.IntRange(100, backlog.MOST),
    default=backlog.CHANGES,
    show_default=True,
    help="backlog: changes, ten an order.",
)
@click.option(
    "--minutes", type=click.FloatRange(0.1), default=10.0, show_default=True, help="storm: of 429, and of the outage."
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output (JSON) on stdout instead of text.")
def main(
    *,
    only: tuple[str, ...],
    orders: int,
    records: int,
    entities: int,
    entities_as: Form,
    seconds: float,
    changes: int,
    minutes: float,
    as_json: bool,
) -> None:
    """Measures speed and memory on this machine: Apache Kafka, the Willow emulator and one worker as real processes.

    A ratio of 1 is the goal, more is better. Other work on the machine makes every figure worse: look at the ratios,
    and run it twice. A missed goal is no error. Nothing is left running.

    \b
    Example:
      python -m ops.benchmarks
      python -m ops.benchmarks --only creates --orders 5000 --json
      python -m ops.benchmarks --only storm --minutes 2
    """
    sizes = Sizes(orders, records, entities, Form(entities_as), seconds, changes, minutes)
    figures: list[Figure] = []
    try:
        with ended_by_signals():
            for figure in _measured(only or [part for part in PARTS if part not in LONG], sizes):
                figures.append(figure)
                if not as_json:
                    click.echo(line(figure))
    except (DemoFailed, KafkaSetupError) as error:
        click.echo(f"error: {error}\nremedy: {error.remedy}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("stopped; nothing is left running", err=True)
        sys.exit(130)
    if as_json:
        click.echo(json.dumps([figure.to_dict() for figure in figures], indent=2, ensure_ascii=False))


def _measured(parts: Sequence[str], sizes: Sizes) -> Iterator[Figure]:
    _say("", f"this machine: {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; other work spoils the figures")
    runtime = prepare()
    for part in dict.fromkeys(parts):
        yield from PARTS[part](runtime, partial(_say, f"{part}: "), sizes)


def _say(start: str, text: str) -> None:
    click.echo(start + text, err=True)


def line(figure: Figure) -> str:
    """One figure for people: what, value, goal, ratio."""
    unit = f" {figure.unit}" if figure.unit else ""
    bound = "≤" if figure.at_most else "≥"
    value = f"{figure.value:.2f}" if figure.value < 100 else f"{figure.value:.0f}"
    note = f"  ({figure.note})" if figure.note else ""
    said = f"{figure.part}: {figure.what}: {value}{unit}, goal {bound} {figure.goal:g}{unit}"
    return f"{said}, ratio {figure.ratio:.2f}{note}"


if __name__ == "__main__":
    main()
