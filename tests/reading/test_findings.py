"""The tables of docs/commands.md are the code's."""

from pathlib import Path

from streams.reading.adoption import MEANINGS, Against
from streams.reading.findings import ENTRIES, Kind

DOCUMENT = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8").replace("\\|", "|")


def test_every_finding_is_documented_with_its_exit_code() -> None:
    assert list(ENTRIES) == list(Kind)
    for kind, entry in ENTRIES.items():
        remedy = entry.remedy.format(order="ORDER", ticket="TICKET")
        assert f"| {entry.exit_code} | `{kind.value}` | {entry.meaning} | {remedy} |" in DOCUMENT


def test_every_conflict_is_documented() -> None:
    assert list(MEANINGS) == list(Against)
    for why, (meaning, remedy) in MEANINGS.items():
        assert f"| `{why.value}` | {meaning[0].upper()}{meaning[1:]}. | {remedy} |" in DOCUMENT
