"""Instants: ISO 8601 or numbers of any size in, UTC text with ``Z`` out (contract §2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Below this size → microseconds a unit. Days end in the year 4707, each other unit where the next begins
#: in 5138;
#: Debezium alone sends days, ms, µs or ns by the column's type, and nothing in the record says which.
_UNITS: tuple[tuple[float, float], ...] = (
    (1e6, 86_400e6),
    (1e11, 1e6),
    (1e14, 1e3),
    (1e17, 1.0),
    (float("inf"), 1e-3),
)


def instant_text(value: Any) -> str | None:
    """``2026-11-02T08:00:00Z`` (up to microseconds) from ISO 8601 text or days, s, ms, µs, ns since 1970.

    A time without a zone is UTC; null and blank text are None. Raises ValueError."""
    if isinstance(value, str):
        if not value.strip():
            return None
        return to_text(_from_text(value.strip()))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return to_text(_from_number(value))
    if value is None:
        return None
    raise ValueError("neither text nor a number")


def to_text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def to_datetime(text: str) -> datetime:
    """The reverse of ``instant_text``."""
    return datetime.fromisoformat(text)


def _from_text(text: str) -> datetime:
    digits = text.removeprefix("-")
    # Eight digits are ISO's basic date and four a year, which says too little; any other row of digits is a
    # number that a converter turned into text.
    if digits.isascii() and digits.isdigit() and len(digits) > 4 and len(digits) != 8:
        return _from_number(int(text)) if len(digits) < 20 else _refuse(text)
    instant = datetime.fromisoformat(text)
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return _refuse(text)


def _from_number(value: float) -> datetime:
    size = abs(value)
    scale = next(scale for limit, scale in _UNITS if size < limit)
    # Integers stay integers: a float has too few digits for microseconds since 1970 times a thousand.
    exact = isinstance(value, int) and scale >= 1
    micros = value * int(scale) if exact else value // 1000 if isinstance(value, int) else round(value * scale)
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return _refuse(value)


def _refuse(value: object) -> datetime:
    raise ValueError(f"{value} lies outside the years 1 to 9999")
