"""The documents name commands and options that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from streams.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def typed(file: Path) -> Iterator[str]:
    """What a reader is shown to type: after a ``$``, in a line of its own, or between back-ticks."""
    text = file.read_text(encoding="utf-8")
    yield from re.findall(r"^(?:\$ )?(willow-sync [a-z].*)$", text, re.MULTILINE)
    yield from re.findall(r"`(willow-sync [^`\n]+)`", text)


@pytest.mark.parametrize("file", sorted(DOCS.glob("*.md")), ids=lambda file: file.name)
def test_what_is_to_be_typed_exists(file: Path) -> None:
    for line in typed(file):
        words = shlex.split(re.sub(r"\[|\]…?", " ", line).partition("#")[0].partition(" > ")[0])
        context = click.Context(main)
        command: click.Command = main
        rest = words[1:]
        while rest and isinstance(command, click.Group):
            found = command.get_command(context, rest[0])
            assert found is not None, line
            command, rest = found, rest[1:]
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        named = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert named <= known, f"{line}: {sorted(named - known)}"
