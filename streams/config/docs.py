"""``docs/settings.md`` from the settings class: ``python -m streams.config.docs [--check]``.

Exits with 1 under ``--check`` when the file differs from what the code says."""

import enum
import sys
import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from streams.checked_in import renew
from streams.config.fields import LEAVES, SECTIONS, Leaf, Shape
from streams.config.fields import Path as Keys
from streams.config.types import format_duration
from streams.settings import Enumeration

FILE = Path(__file__).parents[2] / "docs" / "settings.md"

_INTRODUCTION = """\
# Settings

<!-- Made from the code by `python -m streams.config.docs`; do not edit. -->

A YAML file (`--config FILE`, else `$WILLOW_SYNC_CONFIG`, else `./willow-sync.yml`), then environment
variables: the later wins, setting by setting. `willow-sync config` prints what is in force and where each
value comes from.

- Every scalar in the file is read as text, so the keys `No`, `On` and `1` stay what they look like. A plain
  `null` means "not set". A key that is there twice, or that is no setting, stops the start.
- A variable is `WILLOW_SYNC_` and the setting's path, `__` between its parts: `WILLOW_SYNC_WILLOW__BASE_URL`.
  Lists are comma-separated or YAML (`[a, b]`), mappings are YAML (`{WIP: In Progress}`).
- A secret may come from a file instead: `client_secret_file: /run/secrets/willow` (relative to the settings
  file), or the variable with `_FILE` at its end.
- Durations are a number and `ms`, `s`, `m`, `h` or `d`.
- A complete file to start from: [ops/config/willow-sync.example.yml](../ops/config/willow-sync.example.yml).
"""


def render() -> str:
    """The whole document."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    yield from _table("At the top", "", [leaf for path, leaf in LEAVES.items() if len(path) == 1])
    for path, section in SECTIONS.items():
        if section is Enumeration:
            continue
        leaves = [leaf for at, leaf in LEAVES.items() if at[:-1] == path]
        yield from _table(f"`{'.'.join(path)}`", section.__doc__ or "", leaves)
        if any(at[:-1] == path and SECTIONS[at] is Enumeration for at in SECTIONS):
            yield from _entries(path)


def _table(title: str, about: str, leaves: list[Leaf]) -> Iterator[str]:
    yield f"## {title}\n"
    if about:
        yield f"{about}\n"
    if leaves:
        yield "| setting | allowed | default | |"
        yield "|---|---|---|---|"
        for leaf in leaves:
            yield f"| `{leaf.path[-1]}` | {_allowed(leaf)} | {_default(leaf)} | {leaf.field.description} |"
        yield ""


def _entries(path: Keys) -> Iterator[str]:
    """The six enumerations have the same settings: one table of those, one of the defaults that differ."""
    names = [at[-1] for at in SECTIONS if at[:-1] == path]
    yield f"Each of {', '.join(f'`{name}`' for name in names)} has:\n"
    yield "| setting | allowed | |"
    yield "|---|---|---|"
    for name in Enumeration.model_fields:
        leaf = LEAVES[(*path, names[0], name)]
        yield f"| `{name}` | {_allowed(leaf)} | {leaf.field.description} |"
    yield "\n| enumeration | mode | required |"
    yield "|---|---|---|"
    for name, field in SECTIONS[path].model_fields.items():
        yield f"| `{name}` | `{field.default.mode}` | {_word(field.default.required)} |"
    yield ""


def _allowed(leaf: Leaf) -> str:
    annotation = leaf.field.annotation
    kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
    nullable = type(None) in typing.get_args(annotation)
    if nullable and len(kinds) == 1:
        annotation = kinds[0]
    text = {Shape.LIST: "list", Shape.MAP: "mapping", Shape.SECRET: "secret"}.get(leaf.shape) or _scalar(annotation)
    bounds = " and ".join(_bounds(leaf.field.metadata))
    return f"{text}{', ' if bounds else ''}{bounds}{' or null' if nullable else ''}"


def _scalar(annotation: Any) -> str:
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return {bool: "`true`, `false`", int: "integer", float: "number", timedelta: "duration"}.get(annotation, "text")


def _bounds(metadata: list[Any]) -> Iterator[str]:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    for constraint in metadata:
        for name, sign in signs.items():
            bound = getattr(constraint, name, None)
            if bound is not None:
                yield f"{sign} {_word(bound)}"


def _default(leaf: Leaf) -> str:
    default = leaf.field.default
    return "**must be set**" if default is PydanticUndefined else f"`{_word(default)}`"


def _word(value: Any) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


if __name__ == "__main__":
    sys.exit(renew(FILE, render(), "streams.config.docs", sys.argv[1:]))
