"""The forms in which a change arrives (contract §2, *Input value forms*): what is wrapped around the row.

Everything here was seen in captures of real Debezium (tests/fixtures/debezium) or is CloudEvents 1.0.
"""

import base64
import binascii
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, NamedTuple

from streams.planning.fields import is_unavailable
from streams.planning.parsing import MAX_LAYERS, Poison, parse, parse_text_layers, shown
from streams.settings import InputFormat

Header = tuple[str, bytes]

_DELETED_TYPES = (".deleted", ".delete", ".removed")
_CONTROL_OPS = {"t": "a truncate (op t)", "m": "a logical decoding message (op m)"}
_CHANGE_OPS = frozenset("cudr")
_WRAPPING = frozenset({"op", "before", "after", "payload", "specversion"})
"""An object with none of these is a row already."""

_HEARTBEAT = frozenset({"ts_ms", "ts_us", "ts_ns", "serverName"})

USE_JSON = (
    "Use the JSON converter (org.apache.kafka.connect.json.JsonConverter) for keys and values of this"
    " topic: the schema registry's binary formats are not read."
)


class Opened(NamedTuple):
    """What was inside: a ``row`` to upsert, a delete (its ``row`` counts for the id alone), or a ``control``
    record. A tuple, since one is made for each of a million entities before a worker is ready."""

    row: Mapping[str, Any] | None = None
    deleted: bool = False
    subject: str | None = None
    """The CloudEvent's subject: the entity's id where the row has none."""
    control: str | None = None


def open_value(value: bytes | None, headers: Sequence[Header], form: InputFormat) -> Opened:
    """Unwrap a record's value until the row is bare. Raises Poison."""
    event_type, subject = _cloudevent_headers(headers) if headers else (None, None)
    if value is None:
        return Opened(deleted=True, subject=subject)
    if value[:1] == b"\0":
        raise Poison("the value begins with a zero byte: a schema registry's binary format", USE_JSON)
    layer = _inner(parse(value, "the value"))
    if form is not InputFormat.AUTO and layer is not None:
        _check_pinned(layer, form, binary_event=event_type is not None)
    bare = type(layer) is dict and (form is InputFormat.FLAT or layer.keys().isdisjoint(_WRAPPING))
    opened = _flat(layer) if bare else _unwrap(layer)
    if event_type is None and subject is None:
        return opened
    deleted = opened.deleted or (event_type or "").lower().endswith(_DELETED_TYPES)
    return Opened(opened.row, deleted, opened.subject or subject, opened.control)


def _unwrap(layer: Any) -> Opened:
    operation, deleted, subject = None, False, None
    for _ in range(MAX_LAYERS):
        layer = _inner(layer)
        if layer is None:
            return Opened(deleted=True, subject=subject)
        if type(layer) is not dict:
            raise Poison(f"the value is {shown(layer)!r}, expected an object")
        if _is_wrapped(layer):
            layer = layer["payload"]
        elif _is_cloudevent(layer):
            deleted = str(layer["type"]).lower().endswith(_DELETED_TYPES)
            subject = layer["subject"] if isinstance(layer.get("subject"), str) else None
            operation, layer = layer.get("iodebeziumop"), _data(layer)
        elif _is_envelope(layer, operation):
            return _envelope(layer, operation, deleted, subject)
        else:
            opened = _flat(layer)
            return Opened(opened.row, opened.deleted or deleted, subject, opened.control)
    raise Poison(f"the value is wrapped more than {MAX_LAYERS} times")


def _inner(layer: Any) -> Any:
    if type(layer) is dict:
        return layer
    # Blank text is null in a field; a whole value of it must not delete an order.
    if isinstance(layer, str) and not layer.strip():
        raise Poison("the value is blank text, expected an object")
    return parse_text_layers(layer, "the value")


def _is_wrapped(layer: Mapping[str, Any]) -> bool:
    return len(layer) == 2 and "schema" in layer and "payload" in layer


def _is_cloudevent(layer: Mapping[str, Any]) -> bool:
    return "specversion" in layer and "type" in layer


def _is_envelope(layer: Mapping[str, Any], operation: Any = None) -> bool:
    """Debezium's own CloudEvents name the operation beside the data, not in it."""
    if _control_op(layer.get("op")) is not None and "id" not in layer:
        return True
    has_images = "before" in layer or "after" in layer
    return has_images and ("op" in layer or (operation is not None and "id" not in layer))


def _envelope(layer: Mapping[str, Any], operation: Any, deleted: bool, subject: str | None) -> Opened:
    operation = layer.get("op", operation)
    if (control := _control_op(operation)) is not None:
        return Opened(control=control)
    if not isinstance(operation, str) or operation not in _CHANGE_OPS:
        raise Poison(f"the envelope's op is {shown(operation)!r}, expected c, u, d, r, t or m")
    deleted = deleted or operation == "d"
    # A delete's `before` holds the primary key and empty values: it says nothing about the order but its id.
    image = parse_text_layers(layer.get("before" if deleted else "after"), "the envelope's image")
    if image is None and deleted:
        return Opened(deleted=True, subject=subject)
    if type(image) is not dict:
        raise Poison(f"the envelope's after is {shown(image)!r} with op {operation}, expected an object")
    return Opened(image, deleted, subject)


def _data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        return parse(base64.b64decode(str(event["data_base64"]), validate=True), "data_base64")
    except (binascii.Error, ValueError):
        raise Poison("the CloudEvent's data_base64 is not base64") from None


def _flat(row: Mapping[str, Any]) -> Opened:
    if "id" not in row and (control := _control(row)) is not None:
        return Opened(control=control)
    if row.get("status") in ("BEGIN", "END") and "event_count" in row:
        return Opened(control="a transaction marker")
    # With `rewrite` this is the string "true", not a boolean.
    flag = row.get("__deleted", False)
    deleted = flag is True or (isinstance(flag, str) and flag.lower() == "true") or row.get("__op") == "d"
    return Opened(row, deleted)


def _control(row: Mapping[str, Any]) -> str | None:
    if row and row.keys() <= _HEARTBEAT:
        return "a heartbeat"
    if "ddl" in row or "tableChanges" in row:
        return "a schema change"
    return _control_op(row.get("__op", row.get("op")))


def _control_op(operation: Any) -> str | None:
    return _CONTROL_OPS.get(operation) if isinstance(operation, str) else None


_PINNED: dict[InputFormat, tuple[Callable[[Mapping[str, Any]], bool], str]] = {
    InputFormat.ENVELOPE: (_is_envelope, "a Debezium envelope (op with before or after)"),
    InputFormat.WRAPPED: (_is_wrapped, "an object of exactly schema and payload"),
    InputFormat.CLOUDEVENTS: (_is_cloudevent, "a CloudEvent (specversion and type, or ce_ headers)"),
}


def _check_pinned(layer: Any, form: InputFormat, *, binary_event: bool) -> None:
    if form not in _PINNED or (form is InputFormat.CLOUDEVENTS and binary_event):
        return
    fits, expected = _PINNED[form]
    if type(layer) is dict and (fits(layer) or _flat(layer).control is not None):
        return
    raise Poison(
        f"the value is {shown(layer)!r}, expected {expected}, as input_format: {form.value} says",
        "Set input_format to the form that the topic holds, or to auto, and produce the record again.",
    )


def _cloudevent_headers(headers: Sequence[Header]) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name in ("ce_type", "ce_subject") and isinstance(value, bytes):
            found[name] = value.decode(errors="replace")
    return found.get("ce_type"), found.get("ce_subject") or None


def document(row: Mapping[str, Any], columns: Container[str]) -> Mapping[str, Any]:
    """A row of ``id`` and ``doc`` whose other columns are no fields of ours is its document. Raises
    Poison."""
    if "doc" not in row or any(column in columns for column in row if column != "id"):
        return row
    if is_unavailable(row["doc"]):
        return {"id": row.get("id")}
    found = parse_text_layers(row["doc"], "field doc")
    if found is None:
        return {"id": row.get("id")}
    if type(found) is not dict:
        raise Poison(f"field doc: found {shown(found)!r}, expected an object or JSON text of one")
    return found if found.get("id") is not None else {**found, "id": row.get("id")}


def key_id(key: bytes | None) -> str | None:
    """The id that a record's key names: plain text, a JSON string, or an object with ``id``, wrapped or not.

    None if there is no key or it can't be read."""
    if not key or key[:1] == b"\0":
        return None
    try:
        plain = key.decode()
    except UnicodeDecodeError:
        return None
    if plain[:1] not in ("{", '"'):
        return plain if plain.strip() and plain != "null" else None
    try:
        found = parse(key, "the key")
    except Poison:
        return plain
    if type(found) is dict and _is_wrapped(found):
        found = found["payload"]
    if type(found) is dict:
        found = found.get("id")
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) and found.strip() else None
