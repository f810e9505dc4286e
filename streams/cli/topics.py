"""``willow-sync topics``: creates the topics that are missing and checks the rest."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from streams.cli.common import CliError, json_option, shadow_option, with_settings
from streams.kafka.topic_checks import TopicState
from streams.kafka.topics import check_topics, ensure_topics
from streams.settings import Settings
from streams.words import counted


@click.command(short_help="Create the topics that are missing and check the rest.")
@with_settings
@shadow_option("The topics of `worker --shadow`, its own and those that it reads.")
@click.option("--check", is_flag=True, help="Change nothing: only say what is missing or wrong.")
@json_option
def command(settings: Settings, check: bool, as_json: bool) -> None:
    """Creates the topics that are missing and checks the rest: partitions, cleanup, replication.

    Safe to repeat. What exists is never changed; what is wrong gets a remedy, and the exit code is 1.

    \b
    Example:
      willow-sync topics --config willow-sync.yml
      willow-sync topics --check --json
    """
    states = check_topics(settings) if check else ensure_topics(settings)
    if as_json:
        click.echo(json.dumps([asdict(state) for state in states], indent=2))
    else:
        for state in states:
            click.echo(_line(state))
    _end(states, settings.make_topics, check=check)


def _line(state: TopicState) -> str:
    if state.usable and not state.message:
        return f"✓ {state.name}: {state.state}, {counted(state.partitions or 0, 'partition')}"
    mark = "!" if state.usable else "✗"
    return f"{mark} {state.name}: {state.state}, {state.message}\n    remedy: {state.remedy}"


def _end(states: Sequence[TopicState], make_topics: str, *, check: bool) -> None:
    bad = [state for state in states if not state.usable]
    if not bad:
        return
    remedy = "see the remedy of each above"
    if check and all(state.state == "missing" for state in bad):
        remedy = f"run {make_topics} without --check"
    counts = f"{len(bad)} of {len(states)} topics are missing or wrong"
    raise CliError(f"{counts}: {', '.join(state.name for state in bad)}", remedy)
