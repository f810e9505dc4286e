"""The settings as a flat table: one row per leaf, with its dotted name and its environment variable."""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from streams.config.types import Section
from streams.settings import Settings

ENV_PREFIX = "WILLOW_SYNC_"

Path = tuple[str, ...]


class Shape(Enum):
    """How a leaf is written as text."""

    SCALAR = auto()
    LIST = auto()
    MAP = auto()
    SECRET = auto()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: its path from the root, what it may hold, and pydantic's field."""

    path: Path
    shape: Shape
    field: FieldInfo

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        return variable_of(self.path)


def variable_of(path: Path) -> str:
    """``("willow", "client_id")`` → ``WILLOW_SYNC_WILLOW__CLIENT_ID``."""
    return ENV_PREFIX + "__".join(path).upper()


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section class that a field holds, or None for a leaf."""
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _shape(annotation: Any) -> Shape:
    parts = {annotation, *typing.get_args(annotation)}
    if SecretStr in parts:
        return Shape.SECRET
    origin = typing.get_origin(annotation)
    return {list: Shape.LIST, dict: Shape.MAP}.get(origin, Shape.SCALAR) if origin else Shape.SCALAR


def _walk(model: type[Section], path: Path) -> Iterator[tuple[Path, FieldInfo, type[Section] | None]]:
    for name, field in model.model_fields.items():
        section = section_of(field)
        yield (*path, name), field, section
        if section is not None:
            yield from _walk(section, (*path, name))


SECTIONS: dict[Path, type[Section]] = {path: section for path, _, section in _walk(Settings, ()) if section is not None}
LEAVES: dict[Path, Leaf] = {
    path: Leaf(path, _shape(field.annotation), field) for path, field, section in _walk(Settings, ()) if section is None
}
"""Every setting, in the order of the classes."""
