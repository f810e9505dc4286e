"""``willow-sync dead-letters``: list them, show one whole, send them to where they came from again."""

import base64
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import click

from streams.cli.common import CliError, json_option, printable, progress, progress_if_long, with_settings
from streams.cli.places import PLACE
from streams.cli.sending import Outgoing, send_all
from streams.planning.reasons import REASONS
from streams.reading.dead_letters import DeadLetter, dead_letters
from streams.reading.log import Log
from streams.reading.plain import plain
from streams.settings import Settings

_SHOWN = 200
"""Dead letters that are listed for people; ``--json`` has all."""


@click.group("dead-letters", epilog="Example: willow-sync dead-letters list --config willow-sync.yml")
def command() -> None:
    """List, show and retry the records that could not be read."""


@command.command("list", epilog="Example: willow-sync dead-letters list --code undecodable")
@with_settings
@click.option("--code", help="Only those of this error code.")
@json_option
def list_them(settings: Settings, code: str | None, as_json: bool) -> None:
    """List the dead letters: their place (P:OFFSET), their error, and where the original record is."""
    found = _all(settings, code)
    if as_json:
        click.echo(json.dumps([_document(letter) for letter in found], ensure_ascii=False, indent=2))
        return
    counts = ", ".join(f"{count} {name}" for name, count in Counter(letter.code for letter in found).most_common())
    click.echo(f"{len(found)} in {settings.topics.name('dead_letters')}" + (f": {counts}" if counts else ""))
    for letter in found[:_SHOWN]:
        names = f"  {letter.order_id}" if letter.order_id else ""
        line = f"{_place(letter)}  {letter.time}  {_original(letter)}{names}  {letter.code}: {letter.message}"
        click.echo(printable(line))
    if len(found) > _SHOWN:
        click.echo(f"and {len(found) - _SHOWN} more: --json lists all, --code narrows")


@command.command("show", epilog="Example: willow-sync dead-letters show 3:17")
@click.argument("place", type=PLACE)
@with_settings
@json_option
def show(settings: Settings, place: tuple[int, int], as_json: bool) -> None:
    """Show one dead letter whole: error, remedy, original key, headers and value."""
    letter = _at(settings, [place])[0]
    if as_json:
        click.echo(json.dumps(_document(letter), ensure_ascii=False, indent=2))
        return
    click.echo(printable(f"{letter.code}: {letter.message}"))
    click.echo(f"remedy: {letter.remedy}")
    click.echo(f"original: {_original(letter)}, dead-lettered {letter.time}")
    click.echo(f"key: {_text(letter.key)}")
    for name, value in letter.headers:
        click.echo(f"header {printable(name)}: {_text(value)}")
    click.echo(f"value: {_text(letter.value)}")


@command.command("retry", epilog="Example: willow-sync dead-letters retry 3:17 0:4")
@click.argument("places", type=PLACE, nargs=-1)
@with_settings
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--code", help="All of this error code.")
@json_option
def retry(
    settings: Settings, places: tuple[tuple[int, int], ...], every: bool, code: str | None, as_json: bool
) -> None:
    """Send original key, value and headers to the original topic again, once the cause is mended.

    Each gets a new offset: it counts as its order's newest record, unless its dateUpdated says that it is stale. What
    can't be read still becomes a dead letter again. The dead letter itself stays, so a second retry sends it again.
    """
    if bool(places) + every + (code is not None) != 1:
        raise CliError(
            "found none or several of P:OFFSET, --all and --code", "Say which to retry: places, --code CODE or --all."
        )
    letters = _at(settings, places) if places else _all(settings, code)
    # A redelivered record is dead-lettered twice, and is to be sent once.
    once = {(letter.topic, letter.partition, letter.offset): letter for letter in letters}
    if not once and not as_json:
        click.echo(f"nothing to retry in {settings.topics.name('dead_letters')}")
        return
    with progress(len(once), "sending") as advance:
        sent = send_all(settings, map(_outgoing, once.values()), advance, again="run the command again")
    if as_json:
        click.echo(json.dumps({"sent": sent, "originals": [_original(letter) for letter in once.values()]}, indent=2))
        return
    for letter in once.values():
        click.echo(f"{_place(letter)} sent to {letter.topic}[{letter.partition}] (was offset {letter.offset})")
    click.echo(f"{sent} sent; each has a new offset there, and what can't be read still is dead-lettered again")


def _outgoing(letter: DeadLetter) -> Outgoing:
    # Into its own partition, so that it stays behind the other records of its key whoever partitioned them.
    return Outgoing(letter.topic, letter.key, letter.value, letter.headers, letter.partition)


def _all(settings: Settings, code: str | None) -> list[DeadLetter]:
    with Log(settings, watch=progress_if_long) as log:
        found = [letter for letter in dead_letters(log, settings) if code in (None, letter.code)]
    # One that this version does not know may be an older one's.
    if code is not None and not found and code not in REASONS:
        raise CliError(f"{code!r} is no reason code", "`willow-sync dead-letters list` shows each one's.")
    return found


def _at(settings: Settings, places: Iterable[tuple[int, int]]) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    with Log(settings) as log:
        partitions = log.spans(settings.topics.name("dead_letters"))
        for place in places:
            there = list(dead_letters(log, settings, at=place)) if place[0] in partitions else []
            letter = next(iter(there), None)
            if letter is None:
                raise CliError(
                    f"there is no dead letter at {place[0]}:{place[1]}",
                    "Take a place (P:OFFSET) that `willow-sync dead-letters list` shows.",
                )
            found.append(letter)
    return found


def _place(letter: DeadLetter) -> str:
    return f"{letter.at[0]}:{letter.at[1]}"


def _original(letter: DeadLetter) -> str:
    return f"{letter.topic}[{letter.partition}]@{letter.offset}"


def _document(letter: DeadLetter) -> dict[str, Any]:
    headers = [{"name": name, "value": _bytes(value)} for name, value in letter.headers]
    original = {"key": _bytes(letter.key), "value": _bytes(letter.value), "headers": headers}
    return {**plain(letter), "at": _place(letter), "orderId": letter.order_id, **original}


def _bytes(value: bytes | None) -> str | dict[str, str] | None:
    """Text where it is text, so that no byte of the rest is lost."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _text(value: bytes | None) -> str:
    if value is None:
        return "null"
    try:
        return printable(value.decode())
    except UnicodeDecodeError:
        return repr(value)
