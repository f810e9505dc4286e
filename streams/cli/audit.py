"""``willow-sync audit``: every order held against its ticket, with evidence."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from streams.cli.common import CliError, json_option, printable, progress, progress_if_long, with_settings
from streams.cli.known_orders import must_be_known
from streams.reading.audit import Audit, Scope, audit
from streams.reading.findings import ENTRIES, Difference, Finding, Kind, exit_code
from streams.reading.ledger import Ledger
from streams.reading.log import Log
from streams.reading.plain import plain
from streams.reading.survey import Survey, client_of, take_survey
from streams.settings import Settings
from streams.words import counted

_SHOWN = 200
"""Findings that are listed for people; ``--json`` has all."""
_KEYS = 10
"""Orders that a command line for replay names."""
_VALUE = 60
"""Characters of a value: a description may be pages long."""

_CODES = ", ".join(f"{entry.exit_code} {kind.value}" for kind, entry in ENTRIES.items())


@click.command(
    "audit",
    epilog=f"Exit code: that of the worst finding, 0 if there is none ({_CODES}). "
    "Example: willow-sync audit --site BLDG1 --config willow-sync.yml",
)
@with_settings
@click.option("--order", "orders", metavar="ORDER", multiple=True, help="This work order; may be given more than once.")
@click.option("--site", metavar="ID", help="Orders in this selected site: its Mapped id or its Willow twin id.")
@json_option
def command(settings: Settings, orders: tuple[str, ...], site: str | None, as_json: bool) -> None:
    """Hold every order against its ticket in Willow, field by field, and every ticket against its order.

    What the order asks for comes from its newest records and the settings, twins and lists of now; what was sent last
    from its state. Lists Willow's tickets once. Changes nothing.
    """
    with Ledger() as ledger:
        with Log(settings, watch=progress_if_long) as log:
            survey = take_survey(log, settings, ledger, only=set(orders) or None)
        must_be_known(survey, orders)
        scope = Scope(orders or None, _site_in(survey, site))
        found = asyncio.run(_run(survey, scope))
    counts = Counter(item.kind for item in found.findings)
    if as_json:
        click.echo(json.dumps(_document(found, counts), ensure_ascii=False, indent=2))
    else:
        for line in (*_totals(found), *_table(found.findings), *_put_right(found.findings)):
            click.echo(printable(line))
    sys.exit(exit_code(counts))


async def _run(survey: Survey, scope: Scope) -> Audit:
    with progress(None, "Willow's tickets", unit="ticket") as advance:
        async with client_of(survey.settings) as client:
            return await audit(survey, client, scope, advance)


def _site_in(survey: Survey, site: str | None) -> str | None:
    if site is None:
        return None
    entity = site if survey.twins.get(site) is not None else survey.twins.by_twin(site)
    if entity is None:
        raise CliError(
            f"{site} is neither an entity nor the twin of one",
            "Take a site's Mapped id or Willow twin id; `willow-sync status` shows the selected ones.",
        )
    return entity


def _totals(found: Audit) -> Iterator[str]:
    totals, counts = found.totals, Counter(item.kind for item in found.findings)
    orders, tickets = counted(totals.orders, "order"), counted(totals.tickets, "ticket")
    yield f"{orders}, {tickets} in Willow; {totals.compared} compared with their orders"
    if totals.by_hash:
        yield f"    {totals.by_hash} of them with what was sent last: the input asks for no ticket, or holds no record"
    if totals.waiting or totals.under_way:
        yield f"    not settled yet: {totals.under_way} under way, {totals.waiting} waiting"
    if totals.others:
        ours = "names no order and is not ours" if totals.others == 1 else "name no order and are not ours"
        yield f"    {counted(totals.others, 'ticket')} that {ours}"
    for name, count in sorted(totals.hidden.items()):
        yield f"    not shown by Willow, so not compared: {name} of {counted(count, 'ticket')}"
    if totals.twins_problem:
        yield f"    {counted(totals.twins, 'twin')} not asked for: {totals.twins_problem}"
    if not counts:
        yield "no findings"
        return
    listed = ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])
    yield f"{counted(counts.total(), 'finding')}: {listed}"


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    shown = findings[:_SHOWN]
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_cells, shown), strict=True)]
    told: set[Kind] = set()
    for item in shown:
        if item.kind not in told:
            told.add(item.kind)
            yield ""
            yield f"{item.kind.value}: {ENTRIES[item.kind].meaning}"
            remedy = ENTRIES[item.kind].remedy.format(order="ORDER", ticket="TICKET")
            yield f"remedy: {remedy}"
        order, ticket = (text.ljust(width) for text, width in zip(_cells(item), widths, strict=True))
        yield f"    {order}  {ticket}  {item.evidence}"
        for difference in item.differences:
            yield f"        {difference.field}: {_difference(difference)}"
    if len(findings) > _SHOWN:
        yield f"and {len(findings) - _SHOWN} more: --json lists all, --order and --site narrow"


def _cells(item: Finding) -> tuple[str, str]:
    return item.order_id or "-", item.ticket_id or "-"


def _difference(item: Difference) -> str:
    wanted = _value(item.wanted, item.wanted_name)
    if item.only_hash:
        wanted = "what was sent last (only its hash is known)"
    return f"Willow has {_value(item.in_willow, item.in_willow_name)}, expected {wanted}"


def _value(value: Any, name: str | None) -> str:
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"
    return text if name is None else f"{text} ({name})"


def _put_right(findings: Sequence[Finding]) -> Iterator[str]:
    """The replays that put things right, ready to be typed."""
    rows = (
        ("force", " --force", "overwrites what was changed in Willow"),
        ("plain", "", "sends what was not sent"),
    )
    for replay, option, what in rows:
        orders = list(dict.fromkeys(item.order_id for item in findings if item.replay == replay and item.order_id))
        if orders:
            keys = " ".join(f"--key {order}" for order in orders[:_KEYS])
            more = f" (and {len(orders) - _KEYS} more)" if len(orders) > _KEYS else ""
            yield ""
            yield f"{what} ({counted(len(orders), 'order')}): willow-sync replay {keys}{option}{more}"


def _document(found: Audit, counts: Mapping[Kind, int]) -> dict[str, Any]:
    listed = [{**plain(item), "remedy": item.remedy, "replay": item.replay} for item in found.findings]
    return {
        "exitCode": exit_code(counts),
        "totals": plain(found.totals),
        "counts": {kind.value: counts[kind] for kind in Kind if counts.get(kind)},
        "findings": listed,
    }
