"""``willow-sync enumerations``: what to write for the six, and what Willow lacks for them."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import click

from streams.agents.lists import read_lists
from streams.cli.common import CliError, json_option, printable, progress_if_long, with_settings
from streams.cli.creating import Creation, create, plan_of, shown_plan
from streams.cli.enumerations_text import block_lines
from streams.cli.newest import with_last
from streams.planning.lists import WillowLists
from streams.planning.suggesting import Suggested, Suggestion, suggest
from streams.reading.log import Log
from streams.reading.plain import plain
from streams.reading.survey import client_of
from streams.reading.values import ValuesSeen, values_seen
from streams.settings import EnumerationMode, Settings
from streams.words import counted


@click.group("enumerations", epilog="Example: willow-sync enumerations suggest > enumerations.yml")
def command() -> None:
    """Find Willow's value for each value of the work orders, and add to Willow what it lacks."""


@command.command("suggest", epilog="Example: willow-sync enumerations suggest --last 20000 > enumerations.yml")
@with_settings
@with_last
@json_option
def suggest_command(settings: Settings, last: int, every: bool, as_json: bool) -> None:
    """Print the `enumerations` block of the settings, ready to be pasted.

    Counts the values in the newest records of the work order topic and looks each one up in Willow's lists: as the
    settings have it already, by its exact name (case and spacing do not count), then by form (IN_PROGRESS is In
    Progress). What has no match stands there as a comment, to be completed. Changes nothing.
    """
    seen = _seen(settings, None if every else last)
    suggestions = suggest(_counts(seen), asyncio.run(_lists(settings)), settings.enumerations)
    if as_json:
        click.echo(json.dumps(_document(seen, suggestions), ensure_ascii=False, indent=2))
        return
    for line in (f"# {_read(settings, seen)}", *block_lines(suggestions, seen)):
        click.echo(printable(line))
    lacking = [one for item in suggestions if item.mode is not EnumerationMode.OMIT for one in item.unmatched]
    if lacking:
        click.echo(_to_complete(lacking), err=True)


def _to_complete(lacking: Sequence[Suggested]) -> str:
    """Statuses and priorities can't be added to Willow, and what is ambiguous is not missing there."""
    count, creatable = len(lacking), sum(one.creatable for one in lacking)
    said = (
        "1 value has no match: complete its line"
        if count == 1
        else f"{count} values have no match: complete their lines"
    )
    said += " (the right side is a Willow id or name)"
    if creatable:
        said += f"; for {creatable} of them `willow-sync enumerations create-missing` can add entries to Willow instead"
    return said


@command.command("create-missing", epilog="Example: willow-sync enumerations create-missing --only job_type --yes")
@with_settings
@click.option(
    "--only",
    "only",
    multiple=True,
    type=click.Choice(["job_type", "sector", "services_needed"]),
    help="Only entries for this enumeration; may be given more than once. Default: those that are not `mode: omit`.",
)
@click.option(
    "--min-records",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Only for values that at least so many records have.",
)
@click.option("--yes", is_flag=True, help="Create them. Without it the plan is shown and nothing is done.")
@with_last
@json_option
def create_command(
    settings: Settings, only: tuple[str, ...], min_records: int, yes: bool, last: int, every: bool, as_json: bool
) -> None:
    """Add job types (job_type), categories (sector) and services needed to Willow for values that have no match.

    Shows the plan first; --yes carries it out. Statuses and priorities cannot be created through Willow's API. An
    entry is never deleted there, only retired: look at the plan. Given again it creates nothing twice.
    """
    seen = _seen(settings, None if every else last)
    created = asyncio.run(_create(settings, seen, only, min_records, yes=yes, as_json=as_json))
    if as_json:
        document = {"applied": yes, "entries": plain(created), "read": _read_document(seen)}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    elif not created:
        click.echo("nothing to create: every value has its match, or a reason that a new entry does not mend")
    elif not yes:
        click.echo("nothing was created; --yes creates them")
    else:
        made = sum(item.id is not None for item in created)
        click.echo(f"{made} created; running workers see them within ten minutes")


async def _create(
    settings: Settings, seen: ValuesSeen, only: tuple[str, ...], min_records: int, *, yes: bool, as_json: bool
) -> list[Creation]:
    async with client_of(settings) as willow:
        # Of this very moment: an entry that another run made a minute ago must not be made again.
        lists = await read_lists(willow)
        planned = plan_of(suggest(_counts(seen), lists, settings.enumerations), only, min_records)
        if not as_json:
            for line in shown_plan(planned, settings):
                click.echo(printable(line))
        return await create(willow, planned) if yes and planned else planned


async def _lists(settings: Settings) -> WillowLists:
    async with client_of(settings) as willow:
        return await read_lists(willow)


def _seen(settings: Settings, last: int | None) -> ValuesSeen:
    with Log(settings, watch=progress_if_long) as log:
        seen = values_seen(log, settings, last)
    if seen.counted == 0:
        why = (
            f"{counted(seen.records, 'record')}, none of an order that may become a ticket"
            if seen.records
            else "no record"
        )
        raise CliError(
            f"no value to look at: {settings.topics.work_orders} holds {why}",
            "Let the change feed take a snapshot, or run `willow-sync backfill`; then run this again.",
        )
    return seen


def _counts(seen: ValuesSeen) -> dict[str, dict[str, int]]:
    return {setting: dict(values.counts) for setting, values in seen.fields.items()}


def _read(settings: Settings, seen: ValuesSeen) -> str:
    others = ", ".join(f"{count} {code}" for code, count in seen.left_out.most_common())
    return f"{counted(seen.counted, 'record')} of {settings.topics.work_orders} counted" + (
        f"; left out: {others}" if others else ""
    )


def _read_document(seen: ValuesSeen) -> dict[str, Any]:
    return {"records": seen.records, "counted": seen.counted, "leftOut": dict(seen.left_out)}


def _document(seen: ValuesSeen, suggestions: tuple[Suggestion, ...]) -> dict[str, Any]:
    fields = {
        found.field.setting: {
            "source": found.field.source,
            "mode": found.mode.value,
            "default": found.present.default,
            "required": found.present.required,
            "willowEntries": found.entries,
            "empty": seen.fields[found.field.setting].empty,
            "prose": seen.fields[found.field.setting].prose,
            "values": plain(found.values),
        }
        for found in suggestions
    }
    return {"read": _read_document(seen), "enumerations": fields}
