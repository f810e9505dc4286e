"""One line of NDJSON → a Kafka record: an entity or envelope as it is, or ``{"key", "value", "headers"}``."""

import json
from dataclasses import dataclass
from typing import Any

_WRAPPED = {"key", "value", "headers"}


class BadLine(ValueError):
    """The line cannot become a record; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """``value`` None: a tombstone."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def parse_line(text: bytes) -> Line:
    """Raises BadLine. The bytes of a bare value are sent untouched, so that no number gets rounded."""
    try:
        found = json.loads(text)
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadLine(f"found {_kind(found)}, expected an object")
    try:
        if "value" in found and found.keys() <= _WRAPPED:
            return _wrapped(found)
        return Line(_key_of(found), text.strip())
    except UnicodeEncodeError:
        raise BadLine("a text holds half of a surrogate pair, which UTF-8 cannot carry") from None


def _wrapped(found: dict[str, Any]) -> Line:
    value = found["value"]
    key = found.get("key")
    headers = found.get("headers") or {}
    if not isinstance(headers, dict):
        raise BadLine(f"headers: found {_kind(headers)}, expected an object of names and texts")
    return Line(
        key=_key_of(value) if key is None else _bytes(key),
        value=None if value is None else _compact(value),
        headers=tuple((name, _bytes(text)) for name, text in headers.items()),
    )


def _key_of(value: Any) -> bytes:
    """The id, as plain text, of an entity, an envelope (bare or wrapped) or a CloudEvent."""
    identifier = _identifier(value, depth=0)
    if identifier is None:
        raise BadLine('no key and no id in the value; write {"key": …, "value": …}')
    return str(identifier).encode()


def _identifier(value: Any, depth: int) -> str | int | None:
    # payload → after → id is the deepest form there is; deeper is not ours.
    if not isinstance(value, dict) or depth > 3:
        return None
    for inner in ("payload", "after", "before", "data"):
        found = _identifier(value.get(inner), depth + 1)
        if found is not None:
            return found
    event = "specversion" in value
    identifier = value.get("subject" if event else "id")
    return identifier if isinstance(identifier, str | int) and identifier != "" else None


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else _compact(value)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
