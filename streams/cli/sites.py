"""``willow-sync sites``: what can be selected, and what is."""

import json
from collections.abc import Iterator

import click

from streams.cli.common import CliError, json_option, printable, progress_if_long, with_settings
from streams.cli.newest import with_last
from streams.reading.plain import plain
from streams.reading.sites import Candidate, SitesFound, Unknown, sites_of
from streams.settings import Settings
from streams.words import counted


@click.command("sites", epilog="Example: willow-sync sites --config willow-sync.yml")
@with_settings
@with_last
@json_option
def command(settings: Settings, last: int, every: bool, as_json: bool) -> None:
    """List the sites and buildings of the entity topic: id, Willow twin, what lies in them, how many orders, and
    whether selected_sites takes them in.

    Orders are those of the newest records of the work order topic. The exit code is 1 if a selected id is not in
    the entity topic: every order outside the known sites waits for it. Changes nothing, and does not call Willow.
    """
    found = sites_of(settings, None if every else last, watch=progress_if_long)
    topic = settings.topics.entities
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
    elif found.entities:
        for line in _lines(found, settings):
            click.echo(printable(line))
    if not found.entities:
        raise CliError(
            f"{topic} holds no entity",
            "Let the change feed take a snapshot of places and things, or run `willow-sync backfill --entities` (from "
            "Mapped) or `willow-sync twins pull` (from Willow).",
        )
    if found.unknown:
        raise CliError(
            f"selected, and not in {topic}: {printable(', '.join(repr(item.selected) for item in found.unknown))}",
            "".join(_meant(item) for item in found.unknown)
            + "Correct selected_sites (a Mapped id or a Willow site twin id), or send the site to the topic.",
        )


def _meant(item: Unknown) -> str:
    return printable(f"{item.selected!r}: is it {item.meant}? ") if item.meant is not None else ""


def _lines(found: SitesFound, settings: Settings) -> Iterator[str]:
    topic = settings.topics.entities
    orders, records = counted(found.orders, "order"), counted(found.records, "record")
    yield f"{counted(found.entities, 'entity')} in {topic}; {orders} in the newest {records}"
    wide = max((len(item.id) + 2 * bool(item.within) for item in found.candidates), default=0)
    yield from (_line(item, wide) for item in found.candidates)
    if found.placeless:
        relate = "relates" if found.placeless == 1 else "relate"
        yield f"{counted(found.placeless, 'order')} {relate} to nothing that lies in one of these"
    yield _selection(found)


def _line(item: Candidate, wide: int) -> str:
    mark = "✓" if item.selected_by is not None else "-"
    by = f", by {item.selected_by}" if item.selected_by not in (None, "*", item.id) else ""
    indented = f"{'  ' if item.within else ''}{item.id}"
    called = f" {item.name}" if item.name else ""
    twin = f"twin {item.twin_id}" if item.twin_id else "no Willow twin"
    return (
        f"{mark} {indented:<{wide}}  {item.kind}{called}: {twin}, {counted(item.orders, 'order')}, "
        f"{counted(item.entities, 'entity')} in it ({item.with_twin} with a twin){by}"
    )


def _selection(found: SitesFound) -> str:
    taken = [item for item in found.candidates if item.selected_by is not None]
    if found.every:
        return 'selected_sites: ["*"], every site'
    return f"selected_sites takes in {len(taken)} of these {len(found.candidates)}"
