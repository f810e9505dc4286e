"""``willow-sync pause``: hold all workers' calls to Willow."""

import click

from schemas.control import PauseState
from streams.cli.common import json_option, with_settings
from streams.cli.controls import note_option, tell
from streams.settings import Settings


@click.command("pause", epilog='Example: willow-sync pause --note "mapping is being corrected"')
@note_option
@with_settings
@json_option
def command(settings: Settings, note: str | None, as_json: bool) -> None:
    """Hold the calls of all workers to Willow until `resume`, also of those that start later.

    Nothing is lost or rejected meanwhile: planning goes on, calls under way end, and all else waits. While it lasts
    each worker's /readyz answers 503 and says why."""
    meaning = "each worker holds its calls to Willow as soon as it reads this; `willow-sync resume` lifts it"
    tell(settings, PauseState.PAUSED, note, as_json=as_json, meaning=meaning)
