"""Building blocks of the settings: durations, null as text, names, the base of a section."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: Any) -> Any:
    """``30s``, ``5m``, ``14d`` or ``1500ms`` → timedelta. A number without a unit is refused: which one was meant?

    Raises ValueError with the forms that are allowed."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", str(value))
    if not match:
        raise ValueError("allowed: a number and ms, s, m, h or d, as in 30s")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError("allowed: a shorter duration, as in 14d") from None


def format_duration(value: timedelta) -> str:
    """The shortest form that ``parse_duration`` reads back: ``14d``, ``30s``, ``1500ms``."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{int(seconds / _UNITS[unit])}{unit}"
    return f"{round(seconds * 1000)}ms" if seconds else "0s"


def _null(value: Any) -> Any:
    # An environment variable has no null of its own, and an empty one is what `${NAME:-}` leaves behind.
    return None if isinstance(value, str) and value.strip().lower() in {"null", "~", ""} else value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
Optional = BeforeValidator(_null)
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
TopicName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
"""Kafka refuses other characters and longer names."""


class Section(BaseModel):
    """A group of settings: unknown ones are refused, and nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)
