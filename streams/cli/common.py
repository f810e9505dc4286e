"""What the commands share: settings, errors with a remedy, ``--json`` and progress."""

import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import click

from streams.entry import INTERRUPTED
from streams.words import counted, plural

_R = TypeVar("_R")

LONG = 20_000
"""Records from which on a read is long enough to be shown: fewer take less than a second."""

PLAIN_INTERVAL = 5.0
"""Seconds between two progress lines where no terminal is: a CI log or a pod's log stays readable."""


class CliError(click.ClickException):
    """Ends a command: ``error:`` and ``remedy:`` on stderr, exit code 1."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def show(self, file: IO[Any] | None = None) -> None:
        stream = file or click.get_text_stream("stderr")
        click.echo(f"error: {self.message}", file=stream)
        click.echo(f"remedy: {self.remedy}", file=stream)


class Interrupted(CliError):
    """Ctrl-C ended a command that has something to say of how far it came."""

    exit_code = INTERRUPTED


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file (YAML). Default: $WILLOW_SYNC_CONFIG, else ./willow-sync.yml if there is one.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Machine-readable output (JSON) on stdout instead of text."
)
"""Adds ``--json``; the command receives ``as_json: bool``."""


def with_settings(function: Callable[..., _R]) -> Callable[..., _R]:
    """Adds ``--config`` and passes the loaded settings as ``settings``.

    Raises ``SettingsError`` (it has a remedy, so the group prints it) before the command's own code runs."""

    @config_option
    @functools.wraps(function)
    def wrapper(*args: Any, config: Path | None, **kwargs: Any) -> _R:
        # Reading settings costs YAML and pydantic; `willow-sync --help` must not pay for it.
        from streams.settings_source import load_settings

        return function(*args, settings=load_settings(config, os.environ).settings, **kwargs)

    return wrapper


def shadow_option(text: str) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Adds ``--shadow``, with this help; with it ``settings`` are those of the shadow. Goes below ``with_settings``."""

    def adds(function: Callable[..., _R]) -> Callable[..., _R]:
        @click.option("--shadow", is_flag=True, help=text)
        @functools.wraps(function)
        def wrapper(*args: Any, settings: Any, shadow: bool, **kwargs: Any) -> _R:
            if shadow:
                from streams.shadow_settings import ShadowSettings

                settings = ShadowSettings.of(settings)
            return function(*args, settings=settings, **kwargs)

        return wrapper

    return adds


def printable(text: str) -> str:
    """What came from a topic or from Willow must not steer the operator's terminal."""
    if text.isprintable():
        return text
    return "".join(char if char == "\n" or char.isprintable() else repr(char)[1:-1] for char in text)


class Advance(Protocol):
    """Tells the progress display that ``count`` more units are done."""

    def __call__(self, count: int = 1) -> None: ...


@contextmanager
def progress(
    total: int | None,
    label: str,
    *,
    unit: str = "record",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Advance]:
    """Shows how far long work is: a bar on a terminal, else a line at most every ``PLAIN_INTERVAL`` seconds.

    It goes to stderr, so that stdout stays the command's result. ``total`` None: the end is not known. ``unit``: one
    of what is counted."""
    if sys.stderr.isatty():
        with _bar(total, label, unit) as advance:
            yield advance
    else:
        with _lines(total, label, unit, clock) as advance:
            yield advance


@contextmanager
def progress_if_long(total: int | None, label: str) -> Iterator[Advance]:
    """As ``progress``, silent for what takes a moment: a command that reads eight small topics has nothing to show."""
    if total is not None and total < LONG:
        yield _unseen
    else:
        with progress(total, label) as advance:
            yield advance


def _unseen(count: int = 1) -> None:
    return None


@contextmanager
def _bar(total: int | None, label: str, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(plural(unit)))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)

        def advance(count: int = 1) -> None:
            bar.advance(task, count)

        yield advance


@contextmanager
def _lines(total: int | None, label: str, unit: str, clock: Callable[[], float]) -> Iterator[Advance]:
    done = 0
    shown = clock()

    def line() -> None:
        said = counted(done, unit) if total is None else f"{done} of {total} {plural(unit)}"
        click.echo(f"{label}: {said}", err=True)

    def advance(count: int = 1) -> None:
        nonlocal done, shown
        done += count
        if clock() - shown >= PLAIN_INTERVAL:
            shown = clock()
            line()

    try:
        yield advance
    finally:
        line()
