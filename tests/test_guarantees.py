"""The pages that say how each guarantee and each rule is shown name tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUARANTEES, RULES = (ROOT / "docs" / name for name in ("guarantees.md", "delivery-rules.md"))
_NAMED = re.compile(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`")


def named() -> list[tuple[str, str]]:
    """File and name of each test that the page names; one without a file stands in that of the one before it."""
    found: list[tuple[str, str]] = []
    for line in RULES.read_text("utf-8").splitlines():
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


def test_each_file_that_is_named_is_there() -> None:
    files = {
        name for page in (GUARANTEES, RULES) for name in re.findall(r"tests/[\w/]+(?:\.py)?", page.read_text("utf-8"))
    }
    assert sorted(name for name in files if not (ROOT / name).exists()) == []


def test_each_rule_names_a_test() -> None:
    rows = [line for line in RULES.read_text("utf-8").splitlines() if line.startswith("| ") and line[:7] != "| rule "]
    assert [row for row in rows if not _NAMED.search(row)] == []
    assert len(rows) > 80
    assert len(named()) > 150
