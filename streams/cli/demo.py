"""``willow-sync demo``: a portfolio becomes Willow tickets before your eyes, and a judge looks at it."""

import json
import sys

import click
from rich.console import Console

from ops.demo.processes import ended_by_signals
from ops.demo.report import print_report, to_dict
from ops.demo.run import Result, run_demo
from streams.cli.broker import prepare_with_progress
from streams.cli.common import json_option

_WIDE = 160
"""Columns where no terminal says how wide it is: a report in a CI log must not be cut at 80."""


@click.command(short_help="Watch a sample portfolio become Willow tickets.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Another seed, other data.")
@click.option("--keep", is_flag=True, help="Leave all running after the report, until Ctrl-C.")
@json_option
def command(seed: int, keep: bool, as_json: bool) -> None:
    """Runs the whole path on this machine: Apache Kafka, a Willow emulator and two workers.

    Some 300 work orders and service requests arrive as a Debezium connector would send them. Some twins
    come late, some orders must not sync, some records are poison, and in the middle a worker is killed
    with SIGKILL and started again. At the end everything is checked against what Willow was asked: no
    duplicate, no stale write, no lost update, one outcome for each record. The exit code is 0 only if all
    of it holds.

    Takes a minute or so, after Apache Kafka was fetched once (45 MB). Nothing is left running, nor on
    disk unless --keep was given or something failed.

    \b
    Example:
      willow-sync demo
      willow-sync demo --keep --seed 12
    """
    console, progress = _console(stderr=False), _console(stderr=True)

    def finish(result: Result) -> None:
        parts = (result.verdict, result.played, result.setup_seconds, result.where)
        if as_json:
            click.echo(json.dumps(to_dict(*parts), indent=2, ensure_ascii=False))
        else:
            print_report(console, *parts)
        if keep:
            progress.print("All of it keeps running until Ctrl-C.")

    try:
        with ended_by_signals():
            ok = run_demo(prepare_with_progress(), seed, finish, keep=keep, progress=progress)
    except KeyboardInterrupt:
        click.echo("stopped; nothing is left running", err=True)
        sys.exit(130)
    sys.exit(0 if ok else 1)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_WIDE)
