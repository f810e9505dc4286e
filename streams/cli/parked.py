"""``willow-sync parked``: the orders that wait, for what, since when, and what to do."""

import json
from collections import Counter

import click

from streams.cli.common import CliError, json_option, printable, progress_if_long, shadow_option, with_settings
from streams.planning.reasons import REASONS
from streams.reading.plain import plain
from streams.reading.waiting import waiting_orders
from streams.settings import Settings

_SHOWN = 200
"""Orders that are listed for people; ``--json`` has all."""


@click.command("parked", epilog="Example: willow-sync parked --reason no_willow_twin --config willow-sync.yml")
@with_settings
@shadow_option("What `worker --shadow` has come to, instead of the real workers.")
@click.option("--reason", metavar="CODE", help="Only orders that wait for this reason (docs/reasons.md).")
@json_option
def command(settings: Settings, reason: str | None, as_json: bool) -> None:
    """List the orders that wait, longest first: the reason, what they wait for, since when, and the remedy.

    Those in doubt (create_in_doubt) are among them. Each goes on by itself when what it waits for arrives.
    """
    codes = [entry.code for entry in REASONS.values() if entry.decision == "parked"]
    if reason not in (None, *codes):
        raise CliError(f"no order can be parked as {reason!r}", f"Take one of {', '.join(codes)}.")
    found = waiting_orders(settings, reason=reason, watch=progress_if_long)
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
        return
    counts = ", ".join(f"{count} {code}" for code, count in Counter(item.reason for item in found).most_common())
    click.echo(
        ("1 order waits" if len(found) == 1 else f"{len(found)} orders wait") + (f": {counts}" if counts else "")
    )
    told: set[str] = set()
    for item in found[:_SHOWN]:
        click.echo(printable(f"{item.order_id}  {item.reason} since {item.since}  {item.message}"))
        if item.waiting_for:
            click.echo(printable(f"    waits for: {', '.join(item.waiting_for)}"))
        if item.behind:
            click.echo(f"    later records behind it: {item.behind}")
        if item.remedy not in told:
            told.add(item.remedy)
            click.echo(f"    remedy: {item.remedy}")
    if len(found) > _SHOWN:
        click.echo(f"and {len(found) - _SHOWN} more: --json lists all, --reason narrows")
