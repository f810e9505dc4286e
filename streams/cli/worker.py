"""``willow-sync worker``: run a worker until a signal ends it."""

import sys

import click

from streams.cli.common import with_settings
from streams.settings import Settings


@click.command(epilog="Example: willow-sync worker --config willow-sync.yml")
@with_settings
def command(settings: Settings) -> None:
    """Run a worker: plan each change and bring Willow's tickets in step.

    Start as many as you like; each needs its own data_dir and, on one machine, its own web.port. SIGTERM or Ctrl-C
    stops it in order: creates under way are waited for, offsets are committed."""
    # Faust and its friends take a second to import; --help must not.
    from streams.worker import main

    sys.exit(main(settings))
