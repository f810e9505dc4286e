"""Finds what answers a method and a path; a path segment in braces takes any text."""

from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

from ops.emulator.problems import Refusal

Target = TypeVar("Target")


class Routes(Generic[Target]):
    def __init__(self, table: Iterable[tuple[str, str, Target]]) -> None:
        """Rows of method, path and target. Of two paths that fit, the one with fewer braces is meant."""
        self._fixed: dict[tuple[str, str], Target] = {}
        self._open: list[tuple[str, tuple[str, ...], Target]] = []
        for method, path, target in table:
            if "{" in path:
                self._open.append((method, tuple(path.split("/")), target))
            else:
                self._fixed[method, path] = target
        self._open.sort(key=lambda row: sum(segment.startswith("{") for segment in row[1]))

    def find(self, method: str, path: str) -> tuple[Target, dict[str, str]]:
        """``path`` is percent-encoded. Raises Refusal: 404, or 405 with the methods that the path takes."""
        target = self._fixed.get((method, path))
        if target is not None:
            return target, {}
        segments = tuple(path.split("/"))
        allowed = {other for other, fixed in self._fixed if fixed == path}
        for other, pattern, open_target in self._open:
            parameters = _match(pattern, segments)
            if parameters is None:
                continue
            if other == method:
                return open_target, parameters
            allowed.add(other)
        if not allowed:
            raise Refusal(404, f"there is no {path}")
        methods = ", ".join(sorted(allowed))
        raise Refusal(405, f"{path} takes {methods}, not {method}", headers={"Allow": methods})


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    found = {}
    for expected, given in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not given:
                return None
            found[expected[1:-1]] = unquote(given)
        elif expected != given:
            return None
    return found
