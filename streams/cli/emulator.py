"""``willow-sync emulator``: a Willow to work against, in one process, until Ctrl-C or SIGTERM."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import uvloop

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Emulator,
    EmulatorError,
    Faults,
    FixedLatency,
    Plan,
    ReadShape,
    WorldFile,
    load_lists,
    load_plan,
    load_twins,
    load_world,
)
from ops.emulator.lists import Lists, lists_of
from ops.portfolio import build_portfolio
from streams.cli.common import CliError
from streams.cli.serving import serve

DEFAULT_PORT = 8088

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Run a Willow emulator.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to bind; 0 takes any free one.",
)
@click.option("--page-base", type=click.Choice(["0", "1"]), default="1", show_default=True, help="First page's number.")
@click.option(
    "--filters/--no-filters", default=True, show_default=True, help="Whether lists obey filterSpecifications."
)
@click.option(
    "--read-shape",
    type=click.Choice([shape.value for shape in ReadShape]),
    default=ReadShape.NEW.value,
    show_default=True,
    help="Older (status, priority) or newer (ticketStatus, ticketPriority) shape of what is read.",
)
@click.option(
    "--latency",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Seconds that each call takes longer.",
)
@click.option(
    "--token-lifetime",
    type=click.FloatRange(1),
    default=3599.0,
    show_default=True,
    help="Seconds that a token lasts.",
)
@click.option("--client-id", default=DEFAULT_CLIENT_ID, show_default=True, help="The OAuth2 client that is known.")
@click.option("--client-secret", default=DEFAULT_CLIENT_SECRET, show_default=True, help="Its secret.")
@click.option("--portfolio", is_flag=True, help="Have the twins and lists of the demo's sample portfolio.")
@click.option("--twins", type=_FILE, help="JSON list of known twin ids. Default: any id that is not blank.")
@click.option("--lists", type=_FILE, help="JSON with own statuses, priorities, categories, jobTypes, servicesNeeded.")
@click.option("--world", type=_FILE, help="JSON with models, twins, relationships, insights, events, timeSeries.")
@click.option("--faults", type=_FILE, help="YAML or JSON with rules for what goes wrong: docs/emulator.md.")
@click.option("--journal", type=_FILE, help="New file that gets every request as a line of JSON.")
def command(
    *,
    host: str,
    port: int,
    page_base: str,
    filters: bool,
    read_shape: str,
    latency: float,
    token_lifetime: float,
    client_id: str,
    client_secret: str,
    portfolio: bool,
    twins: Path | None,
    lists: Path | None,
    world: Path | None,
    faults: Path | None,
    journal: Path | None,
) -> None:
    """Run a Willow to try things against: the whole of its public API, strict, in memory.

    A second create with the same externalId makes a second ticket, as Willow may do. The page at / shows the
    tickets; GET /_emulator/journal?since=N, /_emulator/tickets and /_emulator/stats serve judges; POST
    /_emulator/twins adds known twins; PUT /_emulator/faults replaces what goes wrong, GET shows it. All is
    gone when it ends, but for the journal file. docs/emulator.md has all of it.

    \b
    Examples:
      willow-sync emulator --port 8088 --latency 0.05 --journal journal.ndjson
      willow-sync emulator --portfolio
      willow-sync emulator --faults ops/emulator/scenarios/storm-429.yml
    """
    try:
        given = _of_the_portfolio() if portfolio else _Given()
        plan = Plan() if faults is None else load_plan(faults)
        emulator = Emulator(
            page_base=int(page_base),
            filter_support=filters,
            read_shape=ReadShape(read_shape),
            token_lifetime=token_lifetime,
            client_id=client_id,
            client_secret=client_secret,
            twins=load_twins(twins) if twins else given.twins,
            lists=load_lists(lists) if lists else given.lists,
            world=load_world(world) if world else given.world,
            journal=journal,
            behaviour=Faults(plan.rules, random.Random(plan.seed), otherwise=FixedLatency(latency)),
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(emulator, host, port, greeting=lambda: _greeting(emulator)))
    except EmulatorError as error:
        raise CliError(str(error), error.remedy) from error


@dataclass(frozen=True, slots=True)
class _Given:
    """What the emulator holds where no file says otherwise. None: its own."""

    twins: Sequence[str] | None = None
    lists: Lists | None = None
    world: WorldFile | None = None


def _of_the_portfolio() -> _Given:
    found = build_portfolio()
    return _Given(found.twins, lists_of(found.lists), WorldFile.model_validate(found.world))


def _greeting(emulator: Emulator) -> str:
    return f"Willow emulator: base URL {emulator.base_url}, page {emulator.page_url}"
