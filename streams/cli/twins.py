"""``willow-sync twins``: places and things from Willow."""

import asyncio
import json
from collections.abc import Iterator

import click

from streams.cli.common import CliError, Interrupted, json_option, printable, progress_if_long, with_settings
from streams.cli.sending import must_take_flat
from streams.cli.twins_run import Run, Tally
from streams.planning.places import PlaceKind
from streams.pulling import Walk
from streams.reading.log import Log
from streams.reading.plain import plain
from streams.reading.states import read_twins
from streams.reading.survey import client_of
from streams.settings import Settings
from streams.words import counted, one_or_more

_SHOWN = 5


@click.group("twins", epilog="Example: willow-sync twins pull --dry-run --config willow-sync.yml")
def command() -> None:
    """Places and things of the building graph, from Willow's twins."""


@command.command("pull", epilog="Example: willow-sync twins pull --dry-run --config willow-sync.yml")
@with_settings
@click.option("--dry-run", is_flag=True, help="Read all of it, write nothing, and say what would be written.")
@click.option("--rewrite", is_flag=True, help="Write also what the topic has already as it is.")
@click.option("--restart", is_flag=True, help="Begin anew, also where an interrupted run could go on.")
@json_option
def pull(settings: Settings, dry_run: bool, rewrite: bool, restart: bool, as_json: bool) -> None:
    """Write Willow's buildings, floors, rooms and assets to the entity topic, each under the Mapped id that its twin
    carries as externalID, at its place, and with its Willow twin.

    For tenants whose twins Mapped feeds, where no change feed of places brings their Willow identities. Only what
    differs from the topic is written, so it may be repeated at any time. Willow takes 20 of these calls in 10 s,
    500 twins each. The same command, given again, goes on where an interrupted run stopped.
    """
    must_take_flat(settings, "entities", "twins pull")
    with Log(settings, watch=progress_if_long) as log:
        present = read_twins(log, settings)
    run = Run(settings, present, dry_run=dry_run, rewrite=rewrite)
    try:
        tally = asyncio.run(_run(settings, run, restart=restart))
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted after {counted(run.written, 'record')}",
            "Run the same command again: it goes on where this one stopped.",
        ) from None
    if as_json:
        click.echo(json.dumps({"dryRun": dry_run, "topic": settings.topics.entities, **plain(tally)}, indent=2))
    else:
        for line in _lines(tally, settings, dry_run=dry_run):
            click.echo(printable(line))
    if not any(tally.written.values()) and not tally.unchanged:
        raise CliError(
            f"none of the {tally.read} twins has an externalID: they are not tied to Mapped's ids",
            "Bring the entities from Mapped (`willow-sync backfill --entities`), after Mapped's Willow Import has "
            "written the twins' ids onto them.",
        )


async def _run(settings: Settings, run: Run, *, restart: bool) -> Tally:
    async with client_of(settings) as willow:
        return await run(Walk(willow, settings.org_id), restart=restart)


def _lines(tally: Tally, settings: Settings, *, dry_run: bool) -> Iterator[str]:
    verb = "would be written" if dry_run else "written"
    for kind in PlaceKind:
        if count := tally.written.get(kind.value, 0):
            yield f"{count:>9,} {one_or_more(count, kind.value)} {verb} to {settings.topics.entities}"
    if not any(tally.written.values()):
        yield f"        0 {verb} to {settings.topics.entities}"
    if tally.unchanged:
        yield f"{tally.unchanged:>9,} are there already as they are"
    yield from _told(tally.nameless_count, "without an externalID, so no entity of Mapped's", tally.nameless)
    yield from _told(tally.unplaced_count, "in no place that is known: orders on them alone will wait", tally.unplaced)
    pairs = [f"{twin} (as {owner})" for twin, owner in tally.doubled]
    yield from _told(tally.doubled_count, "left out, for another twin has their externalID", pairs)


def _told(count: int, what: str, examples: list[str]) -> Iterator[str]:
    if count:
        more = ", …" if count > _SHOWN else ""
        yield f"{count:>9,} {what}: {', '.join(examples[:_SHOWN])}{more}"
