"""``willow-sync backfill``: what Mapped has already, onto the input topics."""

import json
import random
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import IO, Any

import click

from streams.cli.backfill_run import Run, Tally, check_topics, topic_of
from streams.cli.common import CliError, json_option, with_settings
from streams.mapped import KINDS, MappedClient, Pace, Selection, Walk
from streams.planning.instants import instant_text, to_datetime
from streams.planning.rules import fold_type
from streams.settings import Settings
from streams.words import counted, one_or_more


class _Instant(click.ParamType):
    """ISO 8601; a date is its first moment, a time without a zone is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            text = instant_text(str(value))
        except ValueError:
            text = None
        if text is None:
            self.fail(f"{value!r} is no instant; write 2026-11-02 or 2026-11-02T09:00:00Z", param, ctx)
        return to_datetime(text)


@click.command("backfill", epilog="Example: willow-sync backfill --from mapped --since 2026-10-01 --entities --dry-run")
@click.option(
    "--from", "source", type=click.Choice(["mapped"]), default="mapped", show_default=True, help="Where it comes from."
)
@click.option("--connector", metavar="ID", help="Only orders that came in through this connector of Mapped.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this order; may be given many times.")
@click.option(
    "--ids",
    "ids_file",
    type=click.File("r", encoding="utf-8"),
    help="Only the orders of this file, one id a line (- is stdin).",
)
@click.option("--since", type=_Instant(), help="Only orders changed at or after this (by dateUpdated).")
@click.option("--until", type=_Instant(), help="Only orders changed before this.")
@click.option("--entities", is_flag=True, help="All places and things too, before the orders.")
@click.option(
    "--records-per-second",
    type=click.FloatRange(0, min_open=True),
    help="Write no more than this, so that live changes need not wait behind it.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many records of which kind would be written.")
@click.option("--restart", is_flag=True, help="Begin anew, also where an interrupted run could go on.")
@json_option
@with_settings
def command(
    settings: Settings,
    source: str,
    connector: str | None,
    ids: tuple[str, ...],
    ids_file: IO[str] | None,
    since: datetime | None,
    until: datetime | None,
    entities: bool,
    records_per_second: float | None,
    dry_run: bool,
    restart: bool,
    as_json: bool,
) -> None:
    """Write what Mapped has already to the input topics: work orders, service requests, and with --entities
    the places and things.

    Each record is the present state of its order or entity, so a worker creates what has no ticket, updates
    what differs and leaves the rest alone. The same command, given again, goes on where an interrupted run
    stopped. Needs mapped.token; at most mapped.requests_per_second queries are sent.
    """
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until")
    service_requests = fold_type("ServiceRequest") in map(fold_type, settings.entity_types)
    selection = Selection(connector, _wanted(ids, ids_file), since, until, entities, service_requests)
    tally = Tally()
    with closing(_client(settings)) as client:
        walk = Walk(client, selection, now=datetime.now(UTC), tell=lambda line: click.echo(line, err=True))
        if dry_run:
            counts = {kind.name: _count(walk, kind.name, tally) for kind in selection.kinds}
        else:
            check_topics(settings, selection)
            run = Run(settings, walk, selection, tally, records_per_second)
            counts = run(restart=restart)
        for identifier in walk.missing():
            tally.problem(f"{identifier}: Mapped has no such order, or the token or another option hides it")
    _report(settings, counts, tally, dry_run=dry_run, as_json=as_json)


def _client(settings: Settings) -> MappedClient:
    mapped = settings.mapped
    if mapped.token is None:
        raise CliError(
            "mapped.token is not set",
            "Set WILLOW_SYNC_MAPPED__TOKEN, or mapped.token_file, to a personal access token of Mapped.",
        )
    return MappedClient(
        mapped.url,
        mapped.token.get_secret_value(),
        timeout=mapped.request_timeout.total_seconds(),
        pace=Pace(mapped.requests_per_second, clock=time.monotonic, sleep=time.sleep),
        clock=time.monotonic,
        wall_clock=time.time,
        sleep=time.sleep,
        random=random.random,
    )


def _wanted(ids: tuple[str, ...], file: IO[str] | None) -> tuple[str, ...] | None:
    if not ids and file is None:
        return None
    try:
        lines = [] if file is None else [line.strip() for line in file]
    except UnicodeDecodeError:
        raise CliError("--ids: the file is not UTF-8 text", "Give a text file with one id a line.") from None
    found = tuple(sorted({identifier for identifier in (*ids, *lines) if identifier}))
    if not found:
        # An empty list must not mean "all".
        raise CliError("--ids: the file holds no id", "Give a file with one id a line, or leave --ids out.")
    return found


def _count(walk: Walk, name: str, tally: Tally) -> int:
    count = 0
    for listing in walk.listings(KINDS[name]):
        count += len(listing.ids)
        tally.problems_of(listing.faulty)
    return count


def _report(settings: Settings, counts: Mapping[str, int], tally: Tally, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        document = {"dryRun": dry_run, "records": counts, "gone": tally.gone, "problems": tally.problems}
        click.echo(json.dumps(document, indent=2))
    else:
        for name, count in counts.items():
            verb = "would be written" if dry_run else "written"
            click.echo(f"{count:>9,} {one_or_more(count, name)} {verb} to {topic_of(settings, KINDS[name].feed)}")
        if tally.gone:
            click.echo(f"{tally.gone:>9,} were gone from Mapped by the time they were read")
    if tally.problems:
        raise CliError(
            f"{counted(tally.problems, 'problem')} (the first ones are named above)",
            "All else went well. Correct what is named, and give the orders concerned with --id.",
        )
