"""``willow-sync outcomes``: what became of the records, by outcome and reason."""

import json
from collections.abc import Iterator

import click

from streams.cli.common import CliError, json_option, printable, progress_if_long, with_settings
from streams.cli.reach import with_last
from streams.reading.outcomes import Group, OutcomesSeen, outcomes_of
from streams.reading.plain import plain
from streams.settings import Settings


@click.command("outcomes", epilog="Example: willow-sync outcomes --topic willow-sync.shadow-outcomes")
@with_settings
@click.option("--topic", metavar="NAME", help="Another topic of outcomes, as that of `worker --shadow`.")
@with_last
@json_option
def command(settings: Settings, topic: str | None, last: int, every: bool, as_json: bool) -> None:
    """Count what became of the newest records: each outcome and reason with an example, its words and its remedy.

    Reads the outcomes topic; changes nothing, and does not call Willow.
    """
    name = topic or settings.topics.name("outcomes")
    found = outcomes_of(settings, name, None if every else last, watch=progress_if_long)
    if found.unreadable and not found.records:
        raise CliError(f"{name} holds no outcomes", "Name a topic of outcomes with --topic.")
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
        return
    for line in _lines(found):
        click.echo(printable(line))


def _lines(found: OutcomesSeen) -> Iterator[str]:
    yield f"{found.records} outcomes in {found.topic}"
    for group in found.groups:
        yield f"{group.records:>7,} {_title(group)}"
        if group.message:
            yield f"        for example {group.example}: {group.message}"
        if group.remedy:
            yield f"        remedy: {group.remedy}"


def _title(group: Group) -> str:
    if group.code is not None:
        return f"{group.outcome} {group.code}"
    return f"{group.outcome}, for example {group.example}"
