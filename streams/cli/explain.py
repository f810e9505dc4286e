"""``willow-sync explain``: why an order is, or is not, a ticket as it should be."""

import asyncio
import json

import click

from streams.cli.common import CliError, json_option, printable, progress_if_long, with_settings
from streams.cli.explain_text import story_lines
from streams.reading.document import story_document
from streams.reading.story import story_of
from streams.settings import Settings


@click.command("explain", epilog="Example: willow-sync explain WO1 --config willow-sync.yml")
@click.argument("order")
@with_settings
@json_option
def command(settings: Settings, order: str, as_json: bool) -> None:
    """Tell the whole story of a work order, and what to do.

    Its history from the outcomes, its state, its newest record, a fresh plan step by step (admission, place chain,
    the twin and why, each enumeration with its source, each field), and what Willow has now. Changes nothing.
    """
    if not order.strip():
        raise CliError("no work order's id was given", "Give the order's id as its records have it.")
    story = asyncio.run(story_of(settings, order, watch=progress_if_long))
    if not story.known:
        raise CliError(
            f"work order {order} is unknown: no record in {settings.topics.work_orders}, no outcome, no state",
            "Give the order's id as its records have it (letters count). If it is right, the change feed has not "
            f"sent it, or its records are older than what {settings.topics.work_orders} keeps.",
        )
    if as_json:
        click.echo(json.dumps(story_document(story, settings), ensure_ascii=False, indent=2))
    else:
        for line in story_lines(story, settings):
            click.echo(printable(line))
