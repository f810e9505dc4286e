"""``willow-sync resume``: let all workers call Willow again."""

import click

from schemas.control import PauseState
from streams.cli.common import json_option, with_settings
from streams.cli.controls import tell
from streams.settings import Settings


@click.command("resume", epilog="Example: willow-sync resume --config willow-sync.yml")
@click.option("--note", metavar="TEXT", help="Why; kept in the record that lifts the pause.")
@with_settings
@json_option
def command(settings: Settings, note: str | None, as_json: bool) -> None:
    """Lift what `pause` began, and the brake of every worker that pulled it after too many rejections.

    A pause that Willow causes (an outage, a refused token, its rate limit) ends by itself, as soon as a probe
    succeeds; this does not lift it."""
    meaning = "the pause is lifted, and the brake of every worker that pulled it before it reads this"
    tell(settings, PauseState.RESUMED, note, as_json=as_json, meaning=meaning)
