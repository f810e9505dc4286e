"""What the commands share that read the newest records: ``--last`` and ``--all``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])

DEFAULT_LAST = 100_000
"""Records: read in some seconds, and more than a year of a large portfolio's changes of status."""


def with_last(function: _F) -> _F:
    """Adds ``--last`` and ``--all``; the command receives ``last: int`` and ``every: bool``."""
    last = click.option(
        "--last",
        type=click.IntRange(1),
        default=DEFAULT_LAST,
        show_default=True,
        metavar="N",
        help="Read the newest N records of the topic that the command reads.",
    )
    return last(click.option("--all", "every", is_flag=True, help="Read the whole topic, however long.")(function))
