"""``willow-sync worker``: run a worker until a signal ends it."""

import sys

import click

from streams.cli.common import with_settings
from streams.settings import Settings


@click.command(epilog="Example: willow-sync worker --config willow-sync.yml")
@click.option(
    "--accept-gap",
    is_flag=True,
    help="Go on although records were deleted before they were read; each gap is written down.",
)
@with_settings
def command(settings: Settings, accept_gap: bool) -> None:
    """Run a worker: plan each change and bring Willow's tickets in step.

    Start as many as you like; each needs its own data_dir and, on one machine, its own web.port. SIGTERM or Ctrl-C
    stops it in order: creates under way are waited for, offsets are committed."""
    # Faust and its friends take a second to import; --help must not.
    from streams.worker import main

    sys.exit(main(settings, accept_gap=accept_gap))
