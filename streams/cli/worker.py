"""``willow-sync worker``: run a worker until a signal ends it."""

import sys

import click

from streams.cli.common import with_settings
from streams.settings import Settings
from streams.shadow_settings import ShadowSettings


@click.command(epilog="Example: willow-sync worker --config willow-sync.yml")
@click.option(
    "--accept-gap",
    is_flag=True,
    help="Go on although records were deleted before they were read; each gap is written down.",
)
@click.option(
    "--shadow",
    is_flag=True,
    help="Change nothing: say what would be done, in topics of its own (make them with `topics --shadow`).",
)
@with_settings
def command(settings: Settings, accept_gap: bool, shadow: bool) -> None:
    """Run a worker: plan each change and bring Willow's tickets in step.

    Start as many as you like; each needs its own data_dir and, on one machine, its own web.port. SIGTERM or Ctrl-C
    stops it in order: creates under way are waited for, offsets are committed.

    With --shadow it plans and decides as ever under a group, intents, states and outcomes of its own, and writes no
    ticket, claim, identity or dead letter: what it would do stands in the topic shadow-outcomes."""
    # Faust and its friends take a second to import; --help must not.
    from streams.worker import main

    if shadow:
        from streams.shadow import ShadowApp

        sys.exit(main(ShadowSettings.of(settings), accept_gap=accept_gap, app=ShadowApp))
    sys.exit(main(settings, accept_gap=accept_gap))
