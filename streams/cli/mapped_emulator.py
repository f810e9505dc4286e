"""``willow-sync mapped-emulator``: a Mapped to read from, until Ctrl-C or SIGTERM."""

import asyncio
from pathlib import Path

import click

from ops.mapped import DEFAULT_TOKEN, MappedEmulator, load_graph, portfolio_graph
from ops.portfolio import build_portfolio
from streams.cli.serving import serve

DEFAULT_PORT = 8089


@click.command("mapped-emulator", short_help="Run a Mapped emulator (GraphQL).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to bind; 0 takes any free one.",
)
@click.option("--token", default=DEFAULT_TOKEN, show_default=True, help="The personal access token that is known.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON object of lists (workOrders, floors, things, …). Default: the sample portfolio of the demo.",
)
@click.option(
    "--published-only", is_flag=True, help="Refuse what is only guessed at (serviceRequests, jobSubStatus, dueDate, …)."
)
def command(*, host: str, port: int, token: str, data: Path | None, published_only: bool) -> None:
    """Run a Mapped to try `backfill` against: its GraphQL API as far as it is published, read-only, strict.

    Reads queries of literals; a field or filter that is not in the schema refuses the query.

    \b
    Example:
      willow-sync mapped-emulator --port 8089
      WILLOW_SYNC_MAPPED__URL=http://127.0.0.1:8089/graphql WILLOW_SYNC_MAPPED__TOKEN=emulator-token \\
        willow-sync backfill --from mapped --dry-run
    """
    graph = portfolio_graph(build_portfolio()) if data is None else load_graph(data)
    emulator = MappedEmulator(graph, token=token, published_only=published_only)
    asyncio.run(serve(emulator, host, port, greeting=lambda: f"Mapped emulator: {emulator.url}"))
