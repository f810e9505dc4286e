"""Dataclasses as JSON: camelCase as all JSON of this software."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pydantic.alias_generators import to_camel


def plain(value: Any) -> Any:
    """Names of fields become camelCase; keys of mappings, which are data, stay as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {to_camel(item.name): plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
