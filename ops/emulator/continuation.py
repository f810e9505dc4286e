"""Continuation tokens: where a list goes on, and for which question."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeVar

import orjson

from ops.emulator.problems import invalid

Item = TypeVar("Item")


def page_from(items: Sequence[Item], token: str | None, size: int, question: Any) -> tuple[Sequence[Item], str | None]:
    """A page of ``items`` and the token of the next one, None on the last.

    ``question`` is whatever else was asked, as JSON: a token of another question is refused, as by a server that
    keeps the question in it. Raises Refusal (400)."""
    mark = sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    start = _offset(token, mark) if token else 0
    page = items[start : start + size]
    more = start + size < len(items)
    return page, urlsafe_b64encode(f"{start + size}.{mark}".encode()).decode() if more else None


def _offset(token: str, mark: str) -> int:
    try:
        offset, _, given = urlsafe_b64decode(token.encode()).decode().partition(".")
        if given == mark and offset.isdecimal():
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise invalid({"continuationToken": ["It is none of this list; ask for the first page without one."]})
