"""Wrong settings, told so that the operator can put them right without reading code."""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streams.config.fields import LEAVES, SECTIONS, Path, Shape
from streams.words import counted

_TOPIC_CHARACTERS = "letters, digits, '.', '_' and '-', as in a Kafka topic's name (up to 249)"
_GROUP = "a group of settings"

ALLOWED: dict[str, str] = {
    "string_pattern_mismatch": _TOPIC_CHARACTERS,
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "too_short": "at least one entry",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": _GROUP,
    "list_type": "a list, as [a, b]",
    "dict_type": "a mapping, as {A: B}",
}
"""pydantic's error type → what is allowed, where its own words are for programmers."""

_SHOWN = 80


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` holds one line each."""

    remedy = (
        "Correct the settings named above, in the settings file or the environment. docs/settings.md lists "
        "each one with what is allowed; ops/config/willow-sync.example.yml is a file to start from."
    )

    def __init__(self, problems: Sequence[str], remedy: str | None = None) -> None:
        self.remedy = remedy or self.remedy
        self.problems = list(problems)
        super().__init__(
            f"settings: {counted(len(self.problems), 'problem')}\n"
            + "\n".join(f"  {problem}" for problem in self.problems)
        )


def problem_lines(error: ValidationError, origin: Callable[[Path], str]) -> list[str]:
    """One line per finding of pydantic; ``origin`` tells where a path's value comes from."""
    lines: list[str] = []
    for found in error.errors(include_url=False):
        path = tuple(str(part) for part in found["loc"])
        if found["type"] == "missing":
            lines.extend(_missing(path))
        else:
            lines.append(_line(path, found, origin))
    return lines


def _missing(path: Path) -> Iterator[str]:
    """A line for the setting, or for each one that its group needs."""
    for at, leaf in LEAVES.items():
        if at[: len(path)] == path and leaf.field.is_required():
            where = f"neither in the file nor as {leaf.variable}"
            yield f"{leaf.name}: not set, {where}; expected: {leaf.field.description}"


def _line(path: Path, found: ErrorDetails, origin: Callable[[Path], str]) -> str:
    name = ".".join(path)
    if found["type"] == "extra_forbidden":
        hint = nearest(path)
        return f"{name}: unknown setting ({origin(path)})" + (f"; did you mean {'.'.join(hint)}?" if hint else "")
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "value_error" and (path in SECTIONS or not path):
        return f"{name}: {message}" if name else message
    if found["type"] != "value_error":
        kind = found["type"]
        if kind == "too_short" and path in LEAVES and LEAVES[path].shape is Shape.SECRET:
            kind = "string_too_short"
        message = "allowed: " + ALLOWED.get(kind, message.removeprefix("Input should be "))
    return f"{name}: found {_shown(path, found['input'])} ({origin(path)}); {message}"


def _shown(path: Path, value: Any) -> str:
    """What was found, without a secret: neither a secret setting's value nor a password inside an address."""
    leaf = LEAVES.get(path)
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if leaf is not None and leaf.shape is Shape.SECRET:
        return "…(masked)" if value else "nothing"
    text = re.sub(r"//[^/@\s]*@", "//…@", str(value))
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def nearest(path: Path) -> Path | None:
    """The setting that was probably meant: same words, same last word, or the nearest spelling."""
    known = {"_".join(candidate): candidate for candidate in (*LEAVES, *SECTIONS)}
    # One underscore too few between the levels is the usual slip in a variable.
    flat = re.sub(r"[\W_]+", "_", "_".join(path)).lower()
    if flat in known:
        return known[flat]
    same_end = [candidate for candidate in LEAVES if candidate[-1] == path[-1].lower()]
    if len(same_end) == 1:
        return same_end[0]
    close = difflib.get_close_matches(flat, known, n=1, cutoff=0.7)
    return known[close[0]] if close else None
