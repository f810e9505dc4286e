"""How far a backfill came, and how many records of which list it wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from streams.checkpoint import CheckpointError, CheckpointFile
from streams.mapped.walk import Position

__all__ = ["Checkpoint", "CheckpointError", "Progress"]


@dataclass(slots=True)
class Progress:
    """``written``: records by list, over all runs of this backfill."""

    position: Position | None = None
    written: dict[str, int] = field(default_factory=dict)


class Checkpoint:
    """The file of one backfill; ``wanted`` as in CheckpointFile."""

    def __init__(self, folder: Path, wanted: Mapping[str, Any]) -> None:
        self._file = CheckpointFile(folder, "backfill", wanted)

    @property
    def file(self) -> Path:
        return self._file.path

    def read(self) -> Progress | None:
        """None: there is none. Raises CheckpointError."""
        return self._file.read(_progress)

    def write(self, progress: Progress) -> None:
        """Whole or not at all. Raises CheckpointError."""
        position = None if progress.position is None else _document(progress.position)
        self._file.write({"position": position, "written": progress.written})

    def remove(self) -> None:
        """All is done, or is to be done again. It need not be there."""
        self._file.remove()


def _progress(found: Mapping[str, Any]) -> Progress:
    return Progress(_position(found["position"]), {str(k): int(v) for k, v in found["written"].items()})


def _document(position: Position) -> dict[str, Any]:
    def instant(value: datetime | None) -> str | None:
        return None if value is None else value.isoformat()

    return {
        "kind": position.kind,
        "start": instant(position.start),
        "end": instant(position.end),
        "after": position.after,
    }


def _position(found: Mapping[str, Any] | None) -> Position | None:
    def instant(value: str | None) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)

    if found is None:
        return None
    return Position(str(found["kind"]), instant(found["start"]), instant(found["end"]), str(found["after"]))
