"""``willow-sync produce``: a file of changes onto an input topic."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

import click

from streams.cli.common import Advance, CliError, progress, with_settings
from streams.cli.ndjson import BadLine, Line, parse_line
from streams.cli.sending import Refused, Sender, must_exist
from streams.settings import Settings
from streams.words import counted

SHOWN_PROBLEMS = 20


@dataclass(slots=True)
class _Tally:
    problems: int = 0

    def problem(self, text: str) -> None:
        self.problems += 1
        if self.problems <= SHOWN_PROBLEMS:
            click.echo(text, err=True)


@click.command("produce", epilog="Example: willow-sync produce changes.ndjson --topic entities")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--topic",
    default="work-orders",
    show_default=True,
    help="work-orders or entities (the input topics of the settings), or a topic's name.",
)
@with_settings
def command(settings: Settings, file: IO[bytes], topic: str) -> None:
    """Send a file of changes (NDJSON; - is stdin) to an input topic.

    A line is the entity or envelope itself (the key is its id), or {"key": …, "value": …, "headers": {…}};
    a value of null is a tombstone. Wrong lines are reported by number and left out, the others are sent, and
    the exit code says that something was wrong.
    """
    name = _topic_name(settings, topic)
    must_exist(settings, name, "Create it with `willow-sync topics`, or correct --topic.")
    sender = Sender(settings, again="send the file again")
    tally = _Tally()
    with progress(None, f"to {name}") as advance:
        _send_all(sender, name, file, tally, advance)
    click.echo(f"{counted(sender.sent, 'record')} acknowledged by {name}")
    if not sender.sent and not tally.problems:
        raise CliError("the file holds no records", "Give a file with one record a line.")
    if tally.problems:
        raise CliError(
            f"{tally.problems} {'line was' if tally.problems == 1 else 'lines were'} not sent "
            f"(up to {SHOWN_PROBLEMS} are named above)",
            "Correct those lines and send them again; sending a change twice does no harm.",
        )


def _topic_name(settings: Settings, topic: str) -> str:
    return {"work-orders": settings.topics.work_orders, "entities": settings.topics.entities}.get(topic, topic)


def _send_all(sender: Sender, topic: str, lines: Iterable[bytes], tally: _Tally, advance: Advance) -> None:
    for number, text in enumerate(lines, start=1):
        text = text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text
        if not text.strip():
            continue
        try:
            _send(sender, topic, parse_line(text), number, tally, advance)
        except BadLine as error:
            tally.problem(f"line {number}: {error}")
    sender.flush()


def _send(sender: Sender, topic: str, line: Line, number: int, tally: _Tally, advance: Advance) -> None:
    def failed(why: str) -> None:
        tally.problem(f"line {number}: not delivered: {why}")

    try:
        sender.send(topic, line.key, line.value, line.headers, acknowledged=advance, failed=failed)
    except Refused as error:
        raise BadLine(f"refused: {error}") from None
