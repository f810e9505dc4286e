"""``willow-sync status``: how far everything is, and what waits."""

import json
from collections.abc import Iterator

import click

from streams.cli.common import json_option, progress_if_long, shadow_option, with_settings
from streams.reading.overview import Overview, overview_of
from streams.reading.plain import plain
from streams.reading.workers import WorkerFacts, addresses_of, ask_workers
from streams.settings import Settings
from streams.shadow_settings import ShadowSettings
from streams.words import counted


def _addresses(_: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for address in given:
        if not address.startswith(("http://", "https://")):
            raise click.BadParameter(
                f"{address!r} is no address of a worker's pages: give http://host:port", param=option
            )
    return given


@click.command("status", epilog="Example: willow-sync status --config willow-sync.yml")
@with_settings
@shadow_option("What `worker --shadow` has come to, instead of the real workers.")
@click.option(
    "--worker",
    "addresses",
    multiple=True,
    callback=_addresses,
    metavar="URL",
    help="A worker's pages, as http://host:8087; may be given more than once. Default: web.host and web.port.",
)
@json_option
def command(settings: Settings, addresses: tuple[str, ...], as_json: bool) -> None:
    """Show lag, what waits and why, doubts, tables, sites; and of workers that answer: readiness, breaker, token.

    Reads topics and the workers' pages; changes nothing and does not call Willow.
    """
    overview = overview_of(settings, watch=progress_if_long)
    workers = ask_workers(addresses or addresses_of(settings.web))
    if as_json:
        document = {**plain(overview), "lagRecords": overview.lag_records, "workers": plain(workers)}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for line in (*_overview(overview, shadow=isinstance(settings, ShadowSettings)), *_workers(workers)):
        click.echo(line)


def _overview(found: Overview, *, shadow: bool) -> Iterator[str]:
    group, option = found.group, " --shadow" if shadow else ""
    yield f"group {group.name}: {group.state}, {counted(group.members, 'member')}"
    if group.members == 0:
        yield f"    remedy: no worker runs; start one with `willow-sync worker{option}`"
    yield f"lag: {counted(found.lag_records, 'record')}"
    for item in found.lag:
        at = "nothing committed" if item.committed is None else f"at {item.committed}"
        yield f"    {item.topic}[{item.partition}] {at} of {item.end}: {item.records}"
    oldest = found.oldest_unsynced_seconds
    yield "oldest unsynced: " + ("none" if oldest is None else f"{oldest:g} s old")
    yield f"orders: {found.orders}, tickets: {found.tickets}"
    parked = ", ".join(f"{count} {code}" for code, count in found.parked.items())
    since = f" (longest since {found.oldest_parked})" if found.oldest_parked else ""
    yield f"parked: {parked or 'none'}{since if parked else ''}"
    if parked:
        yield f"    remedy: `willow-sync parked{option}` says what each waits for"
    yield f"creates in doubt: {found.in_doubt}, open claims: {found.open_claims}"
    yield f"left the scope with a ticket: {found.left}, ticket gone in Willow: {found.gone}"
    if found.gone:
        yield "    remedy: `willow-sync replay --reason ticket_not_found --dry-run` names them; `resolve` each"
    yield f"twin table: {counted(found.entities, 'entity')}, {found.entities_with_twin} with a Willow twin"
    yield from _sites(found)


def _sites(found: Overview) -> Iterator[str]:
    if not found.sites:
        yield "sites: all"
    for site in found.sites:
        if site.entity_id is None:
            yield f"site {site.selected}: not in the twin table"
            yield "    remedy: correct selected_sites, or send the site to the entity topic"
        else:
            called = f" ({site.name})" if site.name else ""
            yield f"site {site.selected}{called}: known" + (
                "" if site.entity_id == site.selected else f" as {site.entity_id}"
            )


def _workers(workers: list[WorkerFacts]) -> Iterator[str]:
    if not workers:
        yield "worker: web.port names no port; give --worker http://host:port for breaker and token"
    for worker in workers:
        if worker.problem is not None:
            yield f"worker {worker.address}: no answer ({worker.problem})"
            yield "    remedy: name the pages of one that runs with --worker; its breaker and token are not known here"
            continue
        yield f"worker {worker.address}: " + ("ready" if worker.ready else "not ready")
        yield from (f"    {text}" for text in worker.missing)
        yield f"    breaker: {'open (' + ', '.join(worker.paused) + ')' if worker.paused else 'closed'}"
        yield f"    calls under way: {_figure(worker.in_flight)}, records in work: {_figure(worker.pending_records)}"
        # 0 is what the metric says without a token, too.
        token = _figure(worker.token_expires_seconds)
        yield "    token: none that is good" if token == "0" else f"    token good for: {token} s"


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"
