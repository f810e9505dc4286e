"""``willow-sync config``: the settings in force, and where each one comes from."""

import json
import os
from pathlib import Path
from typing import Any

import click

from streams.cli.common import config_option, json_option
from streams.config.fields import LEAVES, Leaf, Shape
from streams.settings_source import load_settings

MASK = "********"


@click.command("config", epilog="Example: willow-sync config --config willow-sync.yml")
@config_option
@json_option
def command(config: Path | None, as_json: bool) -> None:
    """Print the effective settings with the origin of each, secrets masked.

    Reads the settings file and the environment, and touches nothing else: neither Kafka nor Willow."""
    loaded = load_settings(config, os.environ)
    dumped = loaded.settings.model_dump(mode="json")
    for kind, name in dumped["topics"].items():
        # null is how "from the prefix" is written; in force is the name.
        dumped["topics"][kind] = loaded.settings.topics.name(kind) if name is None else name
    rows = {leaf.name: (_shown(leaf, dumped), loaded.origins[leaf.name]) for leaf in LEAVES.values()}
    if as_json:
        document = {name: {"value": value, "origin": origin} for name, (value, origin) in rows.items()}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _print_table({name: (_text(value), origin) for name, (value, origin) in rows.items()})


def _shown(leaf: Leaf, dumped: Any) -> Any:
    for key in leaf.path:
        dumped = dumped[key]
    return MASK if leaf.shape is Shape.SECRET and dumped is not None else dumped


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _print_table(rows: dict[str, tuple[str, str]]) -> None:
    name_width = max(len(name) for name in rows)
    value_width = min(48, max(len(value) for value, _ in rows.values()))
    for name, (value, origin) in rows.items():
        click.echo(f"{name:<{name_width}}  {value:<{value_width}}  {origin}")
