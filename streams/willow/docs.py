"""``docs/operations.md`` from the operations table: ``python -m streams.willow.docs [--check]``.

Exits with 1 under ``--check`` when the file differs from what the code says."""

import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.checked_in import renew
from streams.willow.operation import Body, Group, Operation, Paging
from streams.willow.operations import OPERATIONS
from streams.willow.rate import LIMITS

FILE = Path(__file__).parents[2] / "docs" / "operations.md"

_INTRODUCTION = """\
# Operations of Willow's API

<!-- Made from the code by `python -m streams.willow.docs`; do not edit. -->

Every operation of Willow's public API v3, as the two documents of it list them: 001 is the older full reference,
002 the newer index. The client makes its calls by this table, the emulator answers and checks by it. How to use the
client, with an example for each group: [client.md](client.md).

- **client** is the method of a `WillowClient`, like `willow.twins.get(…)`.
- **takes** is the body's type, then the query's; **gives** what the method makes of the answer. A list in pages is an
  async iterator of it.
- **repeated**: after faults of the moment the client asks again by itself. A write is never repeated.
"""

_PAGES = {
    Paging.NONE: "",
    Paging.PAGE: "numbered pages",
    Paging.TOKEN: "continuation token",
}


def render() -> str:
    """The whole document."""
    return "\n".join([_INTRODUCTION, *_limits(), *(line for group in Group for line in _section(group))])


def _limits() -> Iterator[str]:
    for group, (calls, seconds) in LIMITS.items():
        path = "/" + group.value.replace("_", "-")
        yield f"- Of all calls below `{path}` the client sends at most {calls} in {seconds:g} s; more wait their turn."
    yield ""


def _section(group: Group) -> Iterator[str]:
    yield f"## `{group}`\n"
    yield "| operation | client | takes | gives | pages | repeated | refusals | seed | used by |"
    yield "|---|---|---|---|---|---|---|---|---|"
    yield from (_row(operation) for operation in OPERATIONS.values() if operation.group is group)
    yield ""


def _row(operation: Operation[Any]) -> str:
    cells = (
        f"`{operation.method} {operation.path}`",
        f"`{operation.client_method}`",
        ", ".join(_takes(operation)),
        "a stream" if operation.streamed else _name(operation.response),
        _PAGES[operation.paging],
        "yes" if operation.repeatable else "",
        ", ".join(str(status) for status in operation.errors),
        ", ".join(operation.seeds),
        ", ".join(operation.used_by),
    )
    return f"| {' | '.join(cells)} |"


def _takes(operation: Operation[Any]) -> Iterator[str]:
    if operation.body is Body.FILES:
        yield "files"
    if operation.request is not None:
        yield _name(operation.request)
    if operation.query is not None:
        yield _name(operation.query)


def _name(kind: Any) -> str:
    """A type as people read it: ``Twin``, ``list of Twin``, ``EventWrite or list of EventWrite``."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is type(None):
        return "nothing"
    if origin is typing.Annotated:
        return _name(parts[0])
    if origin is list:
        return f"list of {_name(parts[0])}"
    if origin is dict:
        return f"{_name(parts[0])} → {_name(parts[1])}"
    if origin is types.UnionType:
        return " or ".join(_name(part) for part in parts)
    return {str: "text", int: "integer"}.get(kind) or f"`{kind.__name__}`"


if __name__ == "__main__":
    sys.exit(renew(FILE, render(), "streams.willow.docs", sys.argv[1:]))
