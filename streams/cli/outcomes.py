"""``willow-sync outcomes``: what became of the records, by outcome and reason."""

import json
from collections.abc import Iterator

import click

from streams.cli.common import json_option, printable, progress_if_long, shadow_option, with_settings
from streams.cli.newest import with_last
from streams.reading.outcomes import Group, OutcomesSeen, outcomes_of
from streams.reading.plain import plain
from streams.settings import Settings
from streams.words import counted


@click.command("outcomes", epilog="Example: willow-sync outcomes --shadow --config willow-sync.yml")
@with_settings
@shadow_option("What `worker --shadow` would have done, instead of what the real workers did.")
@click.option("--history", is_flag=True, help="Count every record's outcome, also those that newer ones replaced.")
@with_last
@json_option
def command(settings: Settings, history: bool, last: int, every: bool, as_json: bool) -> None:
    """Count how orders stand, each by its newest outcome: every outcome and reason with an example, its words and its
    remedy. A record that names no order counts by itself; one that was stale or superseded says nothing of its order.

    Reads the outcomes topic; changes nothing, and does not call Willow.
    """
    found = outcomes_of(settings, None if every else last, history=history, watch=progress_if_long)
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
        return
    for line in lines_of(found):
        click.echo(printable(line))


def lines_of(found: OutcomesSeen) -> Iterator[str]:
    if found.history:
        yield f"{counted(found.records, 'outcome')} in {found.topic}"
    else:
        yield f"{counted(found.records - found.nameless, 'order')} in {found.topic}, each by its newest outcome"
        if found.nameless:
            yield f"{counted(found.nameless, 'record')} without an order's name"
    if found.unreadable:
        are = "is" if found.unreadable == 1 else "are"
        yield f"{counted(found.unreadable, 'record')} there {are} none: see who else writes to {found.topic}"
    for group in found.groups:
        yield f"{group.records:>7,} {_title(group)}"
        if group.message:
            yield "        for example" + (f" {group.example}: " if group.example else ": ") + group.message
        if group.remedy:
            yield f"        remedy: {group.remedy}"


def _title(group: Group) -> str:
    if group.code is not None:
        return f"{group.outcome} {group.code}"
    return group.outcome if group.example is None else f"{group.outcome}, for example {group.example}"
