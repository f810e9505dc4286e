"""The file in which a backfill keeps its place."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.mapped import Checkpoint, CheckpointError, Position, Progress


@pytest.mark.parametrize(
    "position",
    [
        None,
        Position("workOrders", None, None, "WO1"),
        Position("things", datetime(2015, 1, 1, tzinfo=UTC), datetime(2026, 11, 2, 1, 2, 3, 4, UTC), "Tür"),
    ],
)
def test_what_was_written_is_read_back(tmp_path: Path, position: Position | None) -> None:
    progress = Progress(position, {"workOrders": 12})
    Checkpoint(tmp_path / "new", {"since": None}).write(progress)
    assert Checkpoint(tmp_path / "new", {"since": None}).read() == progress


def test_another_backfill_has_another_file(tmp_path: Path) -> None:
    Checkpoint(tmp_path, {"since": "2026-01-01"}).write(Progress())
    assert Checkpoint(tmp_path, {"since": "2026-01-02"}).read() is None


def test_removed_it_is_as_if_it_never_was(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.remove()
    checkpoint.write(Progress())
    checkpoint.remove()
    assert (checkpoint.read(), list(tmp_path.iterdir())) == (None, [])


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"position": {"kind": "x"}, "written": {}}', "\udcff"])
def test_a_file_that_can_t_be_read_has_a_remedy(tmp_path: Path, text: str) -> None:
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read()
    assert "--restart" in caught.value.remedy


def test_a_folder_that_can_t_be_written_to_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(CheckpointError) as caught:
        Checkpoint(tmp_path / "taken", {}).write(Progress())
    assert "data_dir" in caught.value.remedy
