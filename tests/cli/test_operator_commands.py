"""What the operator's commands say of wrong words, before they touch anything."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import main, replay
from streams.cli.common import CliError, printable

SETTINGS = """
willow: {base_url: "http://127.0.0.1:9/api/v3", client_id: a, client_secret: b}
selected_sites: ["*"]
kafka: {bootstrap_servers: "127.0.0.1:9"}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "given.yml"
    file.write_text(SETTINGS)
    return str(file)


def run(config: str, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--config", config])


@pytest.mark.parametrize(
    ("words", "found", "remedy"),
    [
        (["replay"], "nothing says what to replay", "--from, --since, --key"),
        (["replay", "--from", "0:1", "--since", "2h"], "both say where to begin", "one of them"),
        (["replay", "--from", "0:1", "--from", "0:2"], "a partition twice", "one offset"),
        (["replay", "--reason", "boredom"], "'boredom' is no reason code", "docs/reasons.md"),
        (["parked", "--reason", "stale"], "no order can be parked as 'stale'", "no_willow_twin"),
        (["dead-letters", "retry"], "none or several", "--all"),
        (["dead-letters", "retry", "0:1", "--all"], "none or several", "--all"),
        (["explain", " "], "no work order's id was given", "as its records have it"),
        (["resolve", "WO1"], "neither --ticket nor --no-ticket was given", "one of them"),
        (["resolve", "WO1", "--ticket", "T", "--no-ticket"], "both --ticket and --no-ticket", "one of them"),
    ],
)
def test_each_error_has_its_remedy(config: str, words: list[str], found: str, remedy: str) -> None:
    ended = run(config, *words)
    assert ended.exit_code == 1
    error, told = ended.stderr.splitlines()
    assert error.startswith("error: ")
    assert found in error
    assert told.startswith("remedy: ")
    assert remedy in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["replay", "--since", "yesterday"], "expected 2026-11-02T09:14:00Z, or how long ago as in 2h or 3d"),
        (["replay", "--from", "1207"], "expected PARTITION:OFFSET as in 3:1207"),
        (["replay", "--outcome", "superseded"], "'rejected', 'parked'"),
        (["dead-letters", "show", "x:1"], "expected PARTITION:OFFSET as in 3:1207"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(config: str, words: list[str], said: str) -> None:
    ended = run(config, *words)
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.split())


def test_what_came_from_outside_does_not_steer_the_terminal() -> None:
    assert printable("Łukasz: 漏水\nline two") == "Łukasz: 漏水\nline two"
    assert printable("\x1b[31mred\u202e\x00") == "\\x1b[31mred\\u202e\\x00"


class Ends:
    """A log whose partitions end at 5."""

    def spans(self, topic: str, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        return dict.fromkeys(partitions, (0, 5))


def test_a_replay_from_past_the_end_is_a_wrong_offset_and_not_nothing_to_do() -> None:
    log: Any = Ends()
    assert replay._start(log, "orders", [(0, 5)], None) == {0: 5}, "where the next record comes"
    with pytest.raises(CliError, match=r"--from 1:6 is past the end: the next record of orders\[1\] gets 5") as refused:
        replay._start(log, "orders", [(0, 0), (1, 6)], None)
    assert refused.value.remedy == "Name an offset of at most 5."
