"""JSON Patch on a twin's contents (RFC 6902, as far as Willow's documents go): add, replace and remove."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ops.emulator.problems import invalid, shown
from streams.willow.models.twins import TwinPatch

_OPS = ("add", "replace", "remove")


def patched(contents: Mapping[str, Any], changes: Sequence[TwinPatch]) -> dict[str, Any]:
    """New contents; all changes or none. Raises Refusal (400) naming the operation that is wrong."""
    changed = deepcopy(dict(contents))
    for number, change in enumerate(changes):
        try:
            _apply(changed, change)
        except ValueError as error:
            raise invalid({f"[{number}]": [str(error)]}) from error
    return changed


def _apply(contents: dict[str, Any], change: TwinPatch) -> None:
    op = (change.op or change.operation_type or "").lower()
    if op not in _OPS:
        raise ValueError(f"Expected one of the operations {', '.join(_OPS)}; got {shown(op)}.")
    start, *steps = [_unescaped(step) for step in (change.path or "").split("/")]
    if start or len(steps) < 2 or steps[0] != "contents":
        raise ValueError(f"Expected a path below /contents, got {shown(change.path)}.")
    *way, name = steps[1:]
    holder: Any = contents
    for step in way:
        holder = holder.get(step) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or (op != "add" and name not in holder):
        raise ValueError(f"There is nothing at {shown(change.path)}.")
    if op == "remove":
        del holder[name]
    else:
        holder[name] = change.value


def _unescaped(step: str) -> str:
    # RFC 6901: a slash and a tilde inside a name.
    return step.replace("~1", "/").replace("~0", "~")
