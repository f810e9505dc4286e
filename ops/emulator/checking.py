"""Requests against the operations table: content type, ids of the path, query, body.

A body is checked by the very model that the client makes it of, strictly, so that what the emulator takes is what
the table says: an unknown field, a wrong type and what is no UUID are refused, each by its name.
"""

import types
import typing
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ops.emulator.behaviour import Call
from ops.emulator.problems import Refusal, invalid, kind_of, shown
from streams.willow.models.base import uuid_text
from streams.willow.operation import Body, Operation

Row = Operation[Any]

_UUIDS = frozenset({"categoryId", "jobTypeId", "serviceNeededId", "insightId", "eventId"})
"""The ids of paths that seed 001 says are UUIDs."""


def check_content_type(row: Row, header: str) -> None:
    """Raises Refusal (415)."""
    media = header.partition(";")[0].strip().lower()
    expected, fits = _media(row, media)
    if not fits:
        raise Refusal(415, f"expected the content type {expected}, got {media or 'none'}")


def _media(row: Row, media: str) -> tuple[str, bool]:
    if row.body is Body.FORM:
        return "application/x-www-form-urlencoded", media == "application/x-www-form-urlencoded"
    if row.body is Body.FILES:
        return "multipart/form-data", media == "multipart/form-data"
    if row.method == "PATCH":
        # Whether Willow takes application/json-patch+json is not known (facts §4).
        return "application/json", media == "application/json"
    suffixed = media.startswith("application/") and media.endswith("+json")
    # Facts §3.
    allowed = "application/json, text/json or application/*+json"
    return allowed, suffixed or media in ("application/json", "text/json")


def check_ids(parameters: dict[str, str]) -> None:
    """Raises Refusal (400) for an id that should be a UUID and is none."""
    for name in parameters.keys() & _UUIDS:
        try:
            parameters[name] = uuid_text(parameters[name])
        except ValueError as error:
            raise invalid({name: [f"{shown(parameters[name])} is not a UUID."]}) from error


def checked_query(row: Row, call: Call) -> Any:
    """Raises Refusal (400)."""
    pairs = parse_qsl(call.entry.path.partition("?")[2], keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs):
        raise invalid({"query": ["A parameter is given twice."]})
    if row.query is None:
        if given:
            raise invalid({name: ["Unknown parameter; there are none."] for name in given})
        return None
    try:
        return row.query.model_validate_strings(given, by_name=False)
    except ValidationError as error:
        raise _refusal(error) from error


def checked_body(row: Row, call: Call) -> Any:
    """Raises Refusal (400)."""
    if row.body is not Body.JSON:
        return None
    check_json(call)
    return checked_json(_alternative(row.request, call.document), call.body)


def check_json(call: Call) -> None:
    """That there is a body, and that it is JSON. Raises Refusal (400)."""
    if not call.body:
        raise invalid({"$": ["A body is required."]})
    if call.malformed is not None:
        raise invalid({"$": [f"The body is not JSON: {call.malformed}."]})


def checked_json(kind: Any, content: bytes) -> Any:
    """A JSON text as what ``kind`` says. Raises Refusal (400)."""
    try:
        return _adapter(kind).validate_json(content, by_name=False)
    except ValidationError as error:
        raise _refusal(error) from error


def _alternative(kind: Any, document: Any) -> Any:
    """Where a body may be one thing or a list of it: the one that it is. Against both at once, the errors of each
    would be told."""
    if typing.get_origin(kind) is not types.UnionType:
        return kind
    of_lists = {typing.get_origin(one) is list: one for one in typing.get_args(kind)}
    return of_lists[isinstance(document, list)]


_ADAPTERS: dict[str, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    # By its words, for not every type form can be a key.
    words = repr(kind)
    if words not in _ADAPTERS:
        _ADAPTERS[words] = TypeAdapter(kind)
    return _ADAPTERS[words]


def _refusal(error: ValidationError) -> Refusal:
    """Each property with what is wrong with it; a property deeper inside is named in the sentence."""
    errors: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False):
        name, inside = _named(item["loc"])
        sentence = _sentence(item)
        errors.setdefault(name, []).append(f"{inside}: {sentence}" if inside else sentence)
    return invalid(errors)


def _named(steps: Sequence[int | str]) -> tuple[str, str]:
    """(0, "scalarValue") → ("[0].scalarValue", ""); ("reporter", "name") → ("reporter", "name")."""
    if not steps:
        return "$", ""
    if isinstance(steps[0], int):
        rest = "".join(f".{step}" for step in steps[1:2])
        return f"[{steps[0]}]{rest}", ".".join(map(str, steps[2:]))
    return steps[0], ".".join(map(str, steps[1:]))


_SENTENCES = {
    "extra_forbidden": "Unknown field.",
    "missing": "The field is required.",
}


def _sentence(item: ErrorDetails) -> str:
    if item["type"] in _SENTENCES:
        return _SENTENCES[item["type"]]
    given = item["input"]
    found = shown(given) if isinstance(given, str | int | float | bool) else _kind(given)
    return f"{item['msg']}; got {found}."


def _kind(value: Any) -> str:
    try:
        return kind_of(value)
    except StopIteration:
        return "something else"
