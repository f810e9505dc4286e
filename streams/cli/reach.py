"""What the commands share that ask Willow and read the newest records: a client, and ``--last``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from streams.settings import Settings
from streams.willow import WillowClient

_F = TypeVar("_F", bound=Callable[..., Any])

DEFAULT_LAST = 100_000
"""Records: read in some ten seconds, and more than a year of a large portfolio's changes of status."""


def willow_client(settings: Settings) -> WillowClient:
    """To be entered: ``async with willow_client(settings) as willow``."""
    willow = settings.willow
    return WillowClient(
        willow.base_url,
        willow.client_id,
        willow.client_secret.get_secret_value(),
        request_timeout=willow.request_timeout.total_seconds(),
        max_connections=willow.max_in_flight,
    )


def with_last(function: _F) -> _F:
    """Adds ``--last`` and ``--all``; the command receives ``last: int`` and ``every: bool``."""
    last = click.option(
        "--last",
        type=click.IntRange(1),
        default=DEFAULT_LAST,
        show_default=True,
        metavar="N",
        help="Read the newest N records of the work order topic.",
    )
    return last(click.option("--all", "every", is_flag=True, help="Read the whole topic, however long.")(function))
