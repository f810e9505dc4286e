"""The page that says how each guarantee is shown names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"
_NAMED = re.compile(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`")


def named() -> list[tuple[str, str]]:
    """File and test of each that the page names; one without a file stands in that of the one before it."""
    found: list[tuple[str, str]] = []
    for line in PAGE.read_text("utf-8").splitlines():
        file = ""
        for match in _NAMED.finditer(line):
            file = match[1] or file
            found.append((file, match[2]))
    return found


def test_each_test_that_is_named_is_there() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in named()
        if not re.search(rf"def {name}\(", (ROOT / file).read_text("utf-8") if file else "")
    ]
    assert missing == []
    assert len(named()) > 80


def test_each_row_names_a_test() -> None:
    rows = [line for line in PAGE.read_text("utf-8").split("### Rule by rule")[1].splitlines() if line.startswith("| ")]
    empty = [row for row in rows if "test_" not in row and not row.startswith("| rule |")]
    assert empty == []
