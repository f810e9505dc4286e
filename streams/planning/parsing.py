"""JSON as it is found on topics: parsed once, in a string, or not at all."""

from typing import Any

import orjson

MAX_LAYERS = 6
"""How often JSON may be wrapped (string, Connect wrapper, CloudEvent, envelope) before it is taken for
nonsense."""

MEND = "Correct the record at its source and produce it again; the dead letter holds the original bytes."


class Poison(Exception):
    """A record that can't be read. Never leaves this package: ``decode`` turns it into ``Undecodable``."""

    def __init__(self, message: str, remedy: str = MEND) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def shown(value: Any, limit: int = 80) -> str:
    """A value as a message shows it. A dead letter's headers must stay under 4 KiB (contract §2)."""
    text = str(value) if isinstance(value, str | int | float) else _compact(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _compact(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # orjson reads deeper nesting than it writes.
        return type(value).__name__


def parse(raw: bytes | str, what: str) -> Any:
    """JSON → Python. NaN, infinities, lone surrogates and more than 1,024 levels are not JSON to orjson.

    Raises Poison naming ``what``."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
        raise Poison(f"{what} is not JSON ({error.msg}): {shown(text)!r}") from None


def parse_text_layers(value: Any, what: str) -> Any:
    """JSON inside a JSON string → the inner value; a blank string is null. Raises Poison."""
    if type(value) is not str:
        return value
    for _ in range(MAX_LAYERS):
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        value = parse(value, what)
    raise Poison(f"{what} holds JSON in strings more than {MAX_LAYERS} levels deep")


def wrong_shape(name: str, value: Any, expected: str) -> Poison:
    return Poison(f"field {name}: found {shown(value)!r}, expected {expected}")
