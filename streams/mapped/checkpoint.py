"""How far a backfill came, in a small file: an interrupted one goes on there.

A file, and not the keys already written: the topic would have to be read whole, retention and compaction
take keys out of it, and the live stream writes the same keys, which says nothing of what the backfill did.
The file is written after the broker has acknowledged a batch, so a record may be written twice, never not.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from streams.mapped.walk import Position


class CheckpointError(Exception):
    """The file can't be read or written; ``remedy`` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(slots=True)
class Progress:
    """``written``: records by list, over all runs of this backfill."""

    position: Position | None = None
    written: dict[str, int] = field(default_factory=dict)


class Checkpoint:
    """The file of one backfill: ``wanted`` is everything that makes it another one (selection, address, topics),
    as JSON values."""

    def __init__(self, folder: Path, wanted: Mapping[str, Any]) -> None:
        self._wanted = dict(wanted)
        text = json.dumps(self._wanted, sort_keys=True)
        self.file = folder / f"backfill-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"

    def read(self) -> Progress | None:
        """None: there is none. Raises CheckpointError."""
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
            return Progress(_position(found["position"]), {str(k): int(v) for k, v in found["written"].items()})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{self.file} can't be read: {error}", "Start from the beginning with --restart."
            ) from error

    def write(self, progress: Progress) -> None:
        """Whole or not at all. Raises CheckpointError."""
        document = {
            "wanted": self._wanted,
            "position": None if progress.position is None else _document(progress.position),
            "written": progress.written,
        }
        beside = self.file.with_suffix(".new")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            os.replace(beside, self.file)
        except OSError as error:
            raise CheckpointError(
                f"{self.file} can't be written: {error.strerror}", "Name a folder that can be written to: data_dir."
            ) from error

    def remove(self) -> None:
        """All is done, or is to be done again. It need not be there."""
        self.file.unlink(missing_ok=True)


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
